// Page: the latest calls of all workers, as they end.

import { callAddress } from "./addresses.js";
import { get } from "./api.js";
import { button, empty, h, labelled, say, show, table, tableRow, trouble } from "./dom.js";
import { filterField } from "./filter.js";
import { clock, milliseconds, moment, statusChip } from "./formats.js";
import { throttled } from "./functions_page.js";
import { live } from "./live.js";

const MOST_ROWS = 200;
const MOST_MARKED = 3; // more at once are not noticed one by one, and marks are painted for a second
const PAUSE = 1000; // milliseconds between two changes of a busy list: each lays the table out anew
const STATUSES = [["", "any"], ["2xx", "2xx good"], ["3xx", "3xx elsewhere"], ["4xx", "4xx refused"], ["5xx", "5xx failed"]];

const COLUMNS = [
  { title: "Time", class: "figures", cell: (call) => h("time", { datetime: call.started, title: moment(call.started) }, clock(call.started)) },
  { title: "Status", cell: (call) => statusChip(call.status, call.outcome) },
  { title: "Call", class: "main-cell", cell: callCell },
  { title: "Took", class: "number figures", cell: (call) => milliseconds(call.duration_ms) },
  { title: "From", class: "less", cell: (call) => call.from },
  { title: "Worker", class: "number figures less", cell: (call) => String(call.worker) },
];

function callCell(call) {
  return [h("a", { class: "row-link", href: callAddress(call.id) }, call.function), " ", h("span", { class: "code muted" }, call.event_type ?? `${call.method} ${call.path}`)];
}

/** Return calls as a table. */
export function callTable(calls) {
  return h("div", { class: "compact" }, table("Calls, the newest first", COLUMNS, calls));
}

/** Return the page; its filters are those of the address, and kept there. */
export async function callsPage({ query, session, signal }) {
  const names = (await get("functions")).functions.map((each) => each.name);
  const place = h("div", { class: "wide" });
  const told = h("p", { class: "hint", role: "status" });
  const wanted = filters(query, names, () => load());
  let calls = [];
  let meanwhile = null; // what has ended while a list is on its way, and may not be on it
  let loads = 0;
  let paused = false;
  let missed = 0;

  const draw = () => show(place, calls.length ? callTable(calls) : nothing(wanted.any()));
  const load = async () => {
    const turn = ++loads;
    meanwhile = [];
    history.replaceState(null, "", `#/calls${wanted.tail()}`);
    try {
      const found = await get("calls", { ...wanted.values(), limit: MOST_ROWS });
      if (turn !== loads) return; // the filters have changed since
      calls = found.calls;
      draw();
      const missing = meanwhile;
      meanwhile = null;
      add(missing);
      tell(found.dropped);
      say(`${calls.length} calls`);
    } catch (error) {
      if (turn !== loads) return;
      meanwhile = null;
      show(place, trouble(error, load));
    }
  };
  const tell = (dropped) => show(told, paused ? `Paused; ${missed} newer calls. ` : "", dropped ? `${dropped} older calls made room for newer ones.` : "");
  const pause = button("Pause", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    missed = 0;
    if (paused) tell(0);
    else load();
  }, { "aria-pressed": "false" });

  const soon = throttled(() => { if (!paused) load(); }, 500);
  const add = (fresh) => {
    if (meanwhile) return meanwhile.push(...fresh);
    const known = new Set(calls.map((call) => call.id));
    const found = fresh.filter((call) => !known.has(call.id) && wanted.takes(call)).reverse();
    calls = [...found, ...calls].slice(0, MOST_ROWS);
    const body = place.querySelector("tbody");
    if (!body) return draw();
    const rows = found.slice(0, MOST_ROWS).map((call) => tableRow(COLUMNS, call));
    body.prepend(...(rows.length > MOST_MARKED ? rows : rows.map(mark)));
    while (body.rows.length > MOST_ROWS) body.lastElementChild.remove();
  };
  const gathered = gather(add);
  live.addEventListener("call", ({ detail }) => {
    if (wanted.values().text) return soon();
    if (!wanted.takes(detail)) return;
    if (paused) { missed += 1; tell(0); } else gathered(detail);
  }, { signal });
  for (const name of ["again"]) live.addEventListener(name, () => { if (!paused) load(); }, { signal });
  await load();
  return {
    title: "Calls",
    content: [
      !session.capture && h("p", { class: "remark" }, "Requests and answers are not kept: console.capture is off. Calls, log entries and spans are shown all the same."),
      h("div", { class: "row filters" }, wanted.element, pause),
      told,
      place,
    ],
  };
}

function mark(row) {
  row.classList.add("fresh");
  return row;
}

/** Return a function that passes values on together: soon, but not before the last ones are old. */
function gather(act) {
  let waiting = [];
  let last = 0;
  return (value) => {
    waiting.push(value);
    if (waiting.length > 1) return;
    setTimeout(() => {
      const all = waiting;
      waiting = [];
      last = Date.now();
      act(all);
    }, Math.max(50, last + PAUSE - Date.now()));
  };
}

function nothing(filtered) {
  if (filtered) return empty("No call fits these filters.", "Empty the filters to see all calls.");
  return empty("No calls yet.", "Call a function, over HTTP or from its page here; calls appear as they end.");
}

function filters(query, names, changed) {
  const name = h("select", { onchange: changed }, h("option", { value: "" }, "all"), names.map((each) => h("option", { value: each }, each)));
  name.value = query.get("function") ?? "";
  const given = query.get("status") ?? "";
  const known = STATUSES.some(([value]) => value === given) ? STATUSES : [...STATUSES, [given, given]];
  const status = h("select", { onchange: changed }, known.map(([value, text]) => h("option", { value }, text)));
  status.value = given;
  const text = filterField("Text", changed, query.get("text") ?? "");
  const id = h("input", { value: query.get("id") ?? "", spellcheck: "false", autocomplete: "off", oninput: throttled(changed, 150) });
  const values = () => ({ function: name.value, status: status.value, id: id.value.trim(), text: text.value });
  const tail = () => {
    const set = new URLSearchParams(Object.entries(values()).filter(([, value]) => value)).toString();
    return set ? `?${set}` : "";
  };
  return {
    element: [labelled("Function", name), labelled("Status", status), labelled("Id", id), text.element],
    values,
    tail,
    any: () => tail() !== "",
    takes: (call) => (!name.value || call.function === name.value) && (!id.value || call.id.startsWith(id.value.trim())) && statusFits(status.value, call.status),
  };
}

function statusFits(wanted, status) {
  if (!wanted) return true;
  return wanted.endsWith("xx") ? String(status)[0] === wanted[0] : String(status) === wanted;
}
