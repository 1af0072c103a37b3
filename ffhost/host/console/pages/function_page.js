// Page: one function: what it is, a form to try it, its latest calls.

import { get, post } from "./api.js";
import { showAnswer } from "./answer.js";
import { code } from "./bodies.js";
import { callTable } from "./calls_page.js";
import { button, copy, empty, h, say, section, show } from "./dom.js";
import { eventForm } from "./event_form.js";
import { coming, plain, stateChip } from "./formats.js";
import { runNow, throttled } from "./functions_page.js";
import { live } from "./live.js";
import { latencyPlot, latencyWords, use } from "./plots.js";
import { requestEditor } from "./request_editor.js";
import { schemaForm } from "./schema_form.js";
import { schemaView } from "./schema_view.js";
import { facts } from "./spans.js";

const EVENT_SIGNATURES = ["cloudevent", "event"];
const LATEST = 10;

/** Return the page of the function that the address names. */
export async function functionPage({ parts, session, signal }) {
  const found = await get(`functions/${encodeURIComponent(parts[0])}`);
  const about = h("div", {});
  const calls = h("div", {});
  const refresh = async () => {
    const known = await get("calls", { function: found.name, limit: LATEST });
    show(calls, known.calls.length ? callTable(known.calls.slice(0, LATEST)) : empty("No calls yet.", "Try it above, or call it over HTTP: calls are seen while this console is open."));
  };
  const anew = async () => {
    Object.assign(found, await get(`functions/${encodeURIComponent(parts[0])}`));
    show(about, aboutFunction(found));
  };
  const later = throttled(() => Promise.all([refresh(), anew()]).catch(() => {}), 400);
  live.addEventListener("call", ({ detail }) => { if (detail.function === found.name) later(); }, { signal });
  for (const name of ["reload", "again"]) live.addEventListener(name, later, { signal });
  show(about, aboutFunction(found));
  await refresh();
  return {
    title: found.name,
    content: [
      found.problem && h("div", { class: "trouble", role: "alert" }, h("strong", {}, "It could not be loaded"), code(found.problem, "problem"), h("p", { class: "hint" }, "Correct it and save: it is loaded again at once.")),
      h("p", { class: "lead" }, found.doc_text ?? found.doc ?? ""),
      about,
      tryIt(found, session),
      section("Latest calls", calls, h("p", {}, h("a", { href: `#/calls?function=${encodeURIComponent(found.name)}` }, "All calls of this function"))),
      schemas(found),
    ],
  };
}

function aboutFunction(found) {
  const limits = found.limits_per_worker ?? {};
  const pairs = [
    ["state", stateChip(found.status)],
    ["signature", `${found.signature}${found.streams ? ", streams" : ""}${found.isolated ? ", isolated process" : ""}`],
    ["path", h("code", {}, found.path ?? "–")],
    ["methods", found.methods ? found.methods.join(", ") : "any"],
    ["door", [found.door ?? []].flat().join(", ")],
    ["in use", use(found.in_flight, limits.concurrency, found.queued)],
    ["queue", `${plain(limits.queue)}, at most ${plain(limits.queue_timeout)}`],
    ["timeout", plain(limits.timeout)],
    ["largest body", plain(limits.max_body_size)],
    ["target", h("code", {}, found.target)],
    ["declared", h("code", {}, found.declared ?? "–")],
    ["subscriptions", String(found.subscriptions ?? 0)],
  ];
  return [
    h("div", { class: "overview" }, facts(pairs), h("figure", {}, latencyPlot(found.latency?.minutes, 300, 72), h("figcaption", { class: "hint" }, "Latency of the last 15 minutes: median in front, slowest 1 % behind it; red where calls failed. ", latencyWords(found.latency?.minutes)))),
    schedules(found),
  ];
}

function schedules(found) {
  if (!found.schedules?.length) return null;
  return h("ul", { class: "schedules" }, found.schedules.map((each) => h("li", {}, h("code", {}, each.cron), ` ${each.timezone ?? ""}, `, coming(each.next), " ", runNow(found.name, each))));
}

function tryIt(found, session) {
  const place = h("div", { class: "result" });
  const form = formFor(found);
  const send = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const call = await showAnswer(place, () => post("try", { function: found.name, request: form.request() }), session);
    submit.disabled = false;
    say(call ? `Answered with ${call.status}` : "The call could not be made");
  };
  const submit = h("button", { type: "submit" }, "Call it");
  show(place, empty("No answer yet.", "Fill in the request and call it. It passes no door, but limits, deadline and log are those of any call."));
  return section(
    "Try it",
    examples(found, form),
    h("div", { class: "halves" }, h("form", { onsubmit: send, novalidate: true }, form.element, h("p", { class: "actions" }, submit, found.curl && button("Copy as curl", () => copy(found.curl, "curl command"), { class: "quiet" }))), place),
  );
}

function examples(found, form) {
  if (!found.examples?.length) return null;
  return h("div", { class: "choice", role: "group", "aria-label": "Examples" }, h("span", { class: "muted" }, "Examples "), found.examples.map((each) => button(each.name, () => { form.set(each.request); say(`Filled in from ${each.name}`); })));
}

/** Return {element, request(), set(request)} as the signature of the function wants it. */
function formFor(found) {
  const base = { method: methodOf(found), path: found.path ?? "/", query: "", headers: [], body: null, body_base64: null };
  if (EVENT_SIGNATURES.includes(found.signature)) return eventRequestForm(found, base);
  if (found.input_schema) return typedForm(found, base);
  return freeForm(found, base);
}

function methodOf(found) {
  const methods = found.methods ?? [];
  if (found.signature === "typed" || EVENT_SIGNATURES.includes(found.signature)) return methods.includes("POST") || !methods.length ? "POST" : methods[0];
  return !methods.length || methods.includes("GET") ? "GET" : methods[0];
}

function freeForm(found, base) {
  const element = h("div", {});
  let editor;
  const set = (request) => {
    editor = requestEditor({ ...base, ...request }, { methods: found.methods });
    show(element, editor.element);
  };
  set(base);
  return { element, request: () => editor.request(), set };
}

function typedForm(found, base) {
  let around = { ...base, headers: [["content-type", "application/json"]] };
  const form = schemaForm(found.input_schema);
  const element = h("div", {}, form.element);
  const set = (request) => {
    around = { ...around, ...request };
    form.set(request.body ?? "");
  };
  return { element, request: () => ({ ...around, body: form.text(), body_base64: null }), set };
}

function eventRequestForm(found, base) {
  const form = eventForm(found.event_types ?? []);
  const headers = [["content-type", "application/cloudevents+json"]];
  const set = (request) => form.set(eventOf(request));
  return { element: form.element, request: () => ({ ...base, headers, body: JSON.stringify(form.event(), null, 2) }), set };
}

/** Return the event that a request holds, in either form of CloudEvents; else what its body says. */
function eventOf(request) {
  const fields = Object.fromEntries((request.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
  const body = parsed(request.body);
  if (!("ce-type" in fields)) return body?.specversion ? body : { data: body };
  const attributes = Object.entries(fields).filter(([name]) => name.startsWith("ce-")).map(([name, value]) => [name.slice(3), decodeURIComponent(value)]);
  return { ...Object.fromEntries(attributes), data: body };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text ?? undefined;
  }
}

function schemas(found) {
  if (!found.input_schema && !found.output_schema) return null;
  return section(
    "Types",
    h("div", { class: "halves" }, [["Takes", found.input_schema], ["Answers with", found.output_schema]].filter(([, schema]) => schema).map(([title, schema]) => h("div", {}, h("h3", {}, title), schemaView(schema), h("details", {}, h("summary", {}, "As JSON Schema"), code(JSON.stringify(schema, null, 2), "JSON Schema"))))),
  );
}
