// What came of a call: its answer, log entries, spans, and what can be done with it.

import { callAddress } from "./addresses.js";
import { post, readCall } from "./api.js";
import { bodyView, headersView } from "./bodies.js";
import { button, copy, empty, h, labelled, notice, show, trouble } from "./dom.js";
import { entriesView } from "./entries.js";
import { bytes, milliseconds, statusChip } from "./formats.js";
import { spanTree } from "./spans.js";

/** Show in *place* what came of a try; *send* makes the call and returns {id}. */
export async function showAnswer(place, send, session) {
  show(place, h("p", { class: "loading" }, "Waiting for the answer…"));
  try {
    const { id } = await send();
    const call = await readCall(id);
    show(place, answerView(call, session));
    return call;
  } catch (error) {
    show(place, trouble(error));
    return null;
  }
}

/** Return the answer of a call with its entries and spans. */
export function answerView(call, session, linked = true) {
  return h(
    "div",
    { class: "answer" },
    h("p", { class: "headline", role: "status" }, statusChip(call.status, call.outcome), h("span", { class: "figures" }, milliseconds(call.duration_ms)), h("span", { class: "figures muted" }, bytes(call.size_out)), linked && h("a", { href: callAddress(call.id) }, "open this call")),
    call.response ? [bodyView(call.response), headersView(call.response.headers)] : notKept("The answer"),
    h("h3", {}, "Log"),
    entriesView(call.entries),
    h("h3", {}, "Spans"),
    spanTree(call.spans),
    callActions(call, session),
  );
}

/** Return what stands for a request or an answer that was not kept. */
export function notKept(what) {
  return empty(`${what} was not kept.`, "Switch console.capture on (ffhost dev and --debug do) and call it again.");
}

/** Return the buttons for a call: example, curl, pytest. */
export function callActions(call, session) {
  return h(
    "div",
    { class: "call-actions" },
    h("p", { class: "actions" }, call.curl && button("Copy as curl", () => copy(call.curl, "curl command")), call.pytest && button("Copy as pytest", () => copy(call.pytest, "pytest test"))),
    call.request && (session.keeps_examples ? exampleForm(call) : null),
  );
}

function exampleForm(call) {
  const name = h("input", { value: suggestedName(call), required: true, spellcheck: "false", autocomplete: "off" });
  const place = h("div", { "aria-live": "polite" });
  const keep = async (event) => {
    event.preventDefault();
    try {
      const kept = await post("examples", { call: call.id, name: name.value.trim() });
      notice("Kept as an example.");
      show(place, h("p", {}, "Written to ", h("code", {}, `${kept.file}:${kept.line}`), ". Check it with ", h("code", {}, "ffhost test"), "."), h("pre", { class: "code", tabindex: 0 }, kept.yaml));
    } catch (error) {
      show(place, trouble(error));
    }
  };
  return h("details", { class: "keep" }, h("summary", {}, "Keep as example"), h("form", { class: "row", onsubmit: keep }, labelled("Name of the example", name), h("button", { type: "submit" }, "Keep")), place);
}

function suggestedName(call) {
  return call.status < 400 ? "works" : `answers-${call.status}`;
}
