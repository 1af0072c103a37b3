// Page: all functions, their states, limits, latencies and schedules.

import { callAddress, functionAddress } from "./addresses.js";
import { get, post } from "./api.js";
import { button, empty, h, notice, show, table } from "./dom.js";
import { filterField } from "./filter.js";
import { coming, stateChip } from "./formats.js";
import { live } from "./live.js";
import { latencyPlot, latencyWords, use } from "./plots.js";

const MOST_ROWS = 300;
const REFRESH_MS = 5000;

/** Return the page. */
export async function functionsPage({ signal }) {
  let { functions } = await get("functions");
  const place = h("div", { class: "wide" });
  const count = h("p", { class: "hint" });
  const filter = filterField("Filter by name", () => draw());
  const draw = () => {
    const wanted = filter.value.toLowerCase();
    const found = functions.filter((each) => each.name.toLowerCase().includes(wanted));
    show(count, counted(found.length, functions.length));
    show(place, found.length ? functionTable(found.slice(0, MOST_ROWS)) : nothing(functions.length, wanted));
  };
  const refresh = async () => {
    ({ functions } = await get("functions"));
    if (!place.contains(document.activeElement)) draw();
  };
  const late = throttled(() => refresh().catch(() => {}), REFRESH_MS);
  live.addEventListener("functions", ({ detail }) => { merge(functions, detail.functions, place); late(); }, { signal });
  live.addEventListener("call", late, { signal });
  for (const name of ["reload", "again"]) live.addEventListener(name, () => refresh().catch(() => {}), { signal });
  draw();
  return { title: "Functions", content: [h("div", { class: "row filters" }, filter.element, count), place] };
}

function counted(shown, all) {
  const capped = shown > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : "";
  return shown === all ? `${all} functions${capped}` : `${shown} of ${all} functions${capped}`;
}

function nothing(all, wanted) {
  if (all) return empty(`No function has “${wanted}” in its name.`, "Press Esc in the filter to see all.");
  return empty("No functions are served.", "Add one to functions.yaml, or run: ffhost new hello");
}

/** Return a function that runs *act* soon, and not again before *ms* have passed. */
export function throttled(act, ms) {
  let waiting = null;
  return () => {
    waiting ??= setTimeout(() => { waiting = null; act(); }, ms);
  };
}

const COLUMNS = [
  { title: "Function", class: "main-cell", cell: nameCell },
  { title: "State", cell: (each) => h("span", { "data-state-of": each.name }, stateChip(each.status)) },
  { title: "In use", cell: (each) => h("span", { "data-use-of": each.name }, use(each.in_flight, limitOf(each), each.queued)) },
  { title: "Latency, 15 min", cell: (each) => h("span", { class: "latency" }, latencyPlot(each.latency?.minutes), latencyWords(each.latency?.minutes)) },
  { title: "Door", cell: doorCell },
  { title: "Next schedule", cell: scheduleCell },
];

function limitOf(each) {
  return each.limits_per_worker?.concurrency;
}

function functionTable(functions) {
  return table("Functions", COLUMNS, functions);
}

function nameCell(each) {
  return [
    h("a", { class: "name", href: functionAddress(each.name) }, each.name),
    h("span", { class: "muted code" }, ` ${each.path ?? ""}`),
    h("p", { class: "hint" }, each.problem ?? each.doc ?? each.signature),
  ];
}

function doorCell(each) {
  const door = [each.door ?? []].flat();
  return door.length === 1 && door[0] === "public" ? h("span", { class: "muted" }, "public") : door.join(", ");
}

function scheduleCell(each) {
  if (!each.schedules?.length) return h("span", { class: "muted nothing" }, "–");
  return each.schedules.map((schedule) => h("div", { class: "schedule" }, coming(schedule.next), runNow(each.name, schedule)));
}

/** Return a button that calls a function as its schedule does. */
export function runNow(name, schedule) {
  return button("Run now", async () => {
    try {
      const { id, status } = await post(`/schedules/${encodeURIComponent(name)}?index=${schedule.index}`);
      notice([`${name} was run by hand: ${status ?? "started"}. `, id && h("a", { href: callAddress(id) }, "Open the call")], status >= 400 ? "bad" : "good");
    } catch (error) {
      notice(`${error.title}: ${error.detail}`, "bad");
    }
  }, { class: "quiet", "aria-label": `Run now: ${name}, as ${schedule.cron} does` });
}

/** Take in what the stream says of the functions, and change only the cells that it concerns. */
function merge(functions, news, place) {
  const known = new Map(functions.map((each) => [each.name, each]));
  for (const each of news) {
    const found = known.get(each.name);
    if (!found) continue;
    Object.assign(found, each);
    const state = place.querySelector(`[data-state-of="${CSS.escape(each.name)}"]`);
    const inUse = place.querySelector(`[data-use-of="${CSS.escape(each.name)}"]`);
    if (state) show(state, stateChip(found.status));
    if (inUse) show(inUse, use(found.in_flight, limitOf(found), found.queued));
  }
}

