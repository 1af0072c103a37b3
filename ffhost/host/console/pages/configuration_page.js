// Page: what is in force, where each value came from, and what the file on disk would change.

import { get } from "./api.js";
import { code } from "./bodies.js";
import { button, empty, h, section, show, table } from "./dom.js";
import { filterField } from "./filter.js";
import { plain } from "./formats.js";
import { live } from "./live.js";

const KINDS = { added: "good", removed: "bad", changed: "warn" };

/** Return the page. */
export async function configurationPage({ signal }) {
  let found = await get("configuration");
  const top = h("div", {});
  const place = h("div", { class: "wide settings" });
  const own = h("input", { type: "checkbox", id: "only-own", onchange: () => draw() });
  const filter = filterField("Filter settings", () => draw());
  const draw = () => {
    const wanted = filter.value.toLowerCase();
    const rows = found.values.filter((each) => (!own.checked || each.origin !== "default") && `${each.path} ${plain(each.value)} ${each.origin}`.toLowerCase().includes(wanted));
    show(place, rows.length ? valueTable(rows) : empty("No setting fits.", "Press Esc in the filter to see all."));
  };
  const refresh = async () => {
    found = await get("configuration");
    show(top, problems(found), plan(found));
    draw();
  };
  // Workers read the file one after the other, and any of them may answer.
  const refreshTwice = () => [0, 1500].forEach((ms) => setTimeout(() => refresh().catch(() => {}), ms));
  for (const name of ["reload", "again"]) live.addEventListener(name, refreshTwice, { signal });
  show(top, problems(found), plan(found));
  draw();
  return {
    title: "Configuration",
    content: [
      h("p", { class: "lead" }, "In force: revision ", h("code", {}, found.revision), ". ", button("Look at the file again", () => refresh(), { class: "quiet" })),
      top,
      section("Effective values", h("div", { class: "row filters" }, filter.element, h("div", { class: "field check" }, own, h("label", { for: "only-own" }, "without defaults"))), place),
    ],
  };
}

function problems(found) {
  if (!found.problems) return null;
  return h("div", { class: "trouble", role: "alert" }, h("p", {}, h("strong", {}, "The last change was refused"), "; the revision before it is still served."), code(found.problems, "problems"), h("p", { class: "hint" }, "Correct the file and save it: it is read again at once."));
}

function plan(found) {
  if (!found.plan?.length) return h("p", { class: "hint" }, "The file on disk is what is served.");
  return section(
    "What the file on disk would change",
    table("Plan", [
      { title: "Change", cell: (each) => h("span", { class: `chip ${KINDS[each.kind] ?? "plain"}` }, each.kind) },
      { title: "Setting", class: "main-cell code", cell: (each) => each.path },
      { title: "From", class: "code", cell: (each) => plain(each.from) },
      { title: "To", class: "code", cell: (each) => plain(each.to) },
      { title: "Effect", cell: (each) => each.effect ?? "" },
    ], found.plan),
  );
}

/** Return where a value came from; the place says the line of a file, and more than the origin. */
function originOf({ origin, place }) {
  if (!place || place === origin) return origin;
  return place.startsWith(origin) ? place : `${origin} ${place}`;
}

function valueTable(values) {
  return table("Settings", [
    { title: "Setting", class: "main-cell code", cell: (each) => each.path },
    { title: "Value", class: "code", cell: (each) => plain(each.value) },
    { title: "From", cell: (each) => h("span", { class: each.origin === "default" ? "muted" : null }, originOf(each)) },
  ], values);
}
