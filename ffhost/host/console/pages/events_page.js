// Page: compose an event, see whom it concerns, and hand it over.

import { callAddress, functionAddress } from "./addresses.js";
import { get, post } from "./api.js";
import { code } from "./bodies.js";
import { button, empty, h, say, section, show, table, trouble } from "./dom.js";
import { eventForm } from "./event_form.js";
import { plain, statusChip } from "./formats.js";

const MOST_NAMES = 200;

/** Return the page. */
export async function eventsPage() {
  const { functions } = await get("functions");
  const subscribed = functions.filter((each) => each.subscriptions > 0 || ["cloudevent", "event"].includes(each.signature));
  const types = await typesOf(subscribed.slice(0, 20));
  const form = eventForm(types);
  const place = h("div", { class: "result", "aria-live": "polite" }, empty("Nothing routed yet.", "“Show the route” tells who would take the event, and why others would not; “Send” hands it over."));
  const act = (what) => async (event) => {
    event.preventDefault();
    try {
      show(place, await what(form.event()));
      say("Done");
    } catch (error) {
      show(place, trouble(error));
    }
  };
  return {
    title: "Events",
    content: [
      !subscribed.length && empty("No function takes events.", "Write one with @ffhost.cloudevent, and give it subscriptions in functions.yaml."),
      section(
        "Compose an event",
        h("div", { class: "halves" }, h("form", { onsubmit: act(sent), novalidate: true }, form.element, h("p", { class: "actions" }, h("button", { type: "submit" }, "Send"), button("Show the route", act(routed)))), place),
      ),
    ],
  };
}

async function typesOf(functions) {
  const found = await Promise.all(functions.map((each) => get(`functions/${encodeURIComponent(each.name)}`)));
  return [...new Set(found.flatMap((each) => each.event_types ?? []))];
}

async function routed(event) {
  const { functions, without } = await post("events/route", { event });
  if (!functions.length) return empty("No function is subscribed to anything.", "Give one subscriptions in functions.yaml.");
  return [h("h3", {}, "Route"), routeTable(functions), withoutSubscriptions(without)];
}

/** Return the functions that no event concerns, folded together. */
function withoutSubscriptions(names) {
  if (!names.length) return null;
  const title = names.length === 1 ? "1 function has no subscriptions" : `${names.length} functions have no subscriptions`;
  const links = names.slice(0, MOST_NAMES).map((name, index) => [index > 0 && ", ", h("a", { href: functionAddress(name) }, name)]);
  return h("details", {}, h("summary", {}, title), h("p", {}, links, names.length > MOST_NAMES && ", …"));
}

function routeTable(functions) {
  return table(
    "Route of the event",
    [
      { title: "Function", class: "main-cell", cell: (each) => h("a", { href: functionAddress(each.function) }, each.function) },
      { title: "Takes it", cell: (each) => h("span", { class: each.matches ? "chip good" : "chip plain" }, each.matches ? "yes" : "no") },
      { title: "Why", cell: (each) => [each.reason, each.filter && h("p", { class: "code hint" }, plain(each.filter))] },
    ],
    [...functions].sort((one, other) => other.matches - one.matches),
  );
}

async function sent(event) {
  const answer = await post("events", { event });
  const { functions, without } = await post("events/route", { event });
  const others = functions.filter((each) => !each.matches);
  return [
    h("h3", {}, "Took it"),
    answer.routed.length ? takenTable(answer.routed) : empty("No function took it.", others.length ? "The table below says why; change the event or the filters." : "Give one subscriptions in functions.yaml."),
    others.length > 0 && [h("h3", {}, "Did not take it"), routeTable(others)],
    withoutSubscriptions(without),
  ];
}

function takenTable(taken) {
  return table(
    "Functions that took the event",
    [
      { title: "Function", class: "main-cell", cell: (each) => h("a", { href: each.id ? callAddress(each.id) : functionAddress(each.function) }, each.function) },
      { title: "Status", cell: (each) => statusChip(each.status) },
      { title: "Reply", cell: (each) => (each.reply ? code(JSON.stringify(each.reply, null, 2), "reply") : plain(each.reason ?? "no event")) },
    ],
    taken,
  );
}
