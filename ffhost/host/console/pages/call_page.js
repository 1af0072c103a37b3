// Page: one call, with replay.

import { functionAddress } from "./addresses.js";
import { post, readCall } from "./api.js";
import { answerView, notKept, showAnswer } from "./answer.js";
import { bodyView, headersView } from "./bodies.js";
import { empty, h, say, section } from "./dom.js";
import { bytes, moment } from "./formats.js";
import { requestEditor } from "./request_editor.js";
import { facts } from "./spans.js";

/** Return the page of the call that the address names. */
export async function callPage({ parts, session }) {
  const call = await readCall(parts[0]);
  return {
    title: `Call of ${call.function}`,
    content: [
      aboutCall(call),
      h("div", { class: "halves" }, section("Request", requestView(call)), section("Answer", answerView(call, session, false))),
      replay(call, session),
    ],
  };
}

function aboutCall(call) {
  return facts([
    ["function", h("a", { href: functionAddress(call.function) }, call.function)],
    ["started", h("time", { datetime: call.started }, moment(call.started))],
    ["from", call.from],
    ["event", call.event_type],
    ["worker", String(call.worker)],
    ["received", bytes(call.size_in)],
    ["id", h("code", {}, call.id)],
  ].filter(([, value]) => value !== null && value !== undefined));
}

function requestView(call) {
  const request = call.request;
  if (!request) return [h("p", { class: "code" }, `${call.method} ${call.path}`), notKept("The request")];
  return [
    h("p", { class: "code address-line" }, `${request.method} ${request.path}${request.query ? `?${request.query}` : ""}`),
    bodyView(request),
    headersView(request.headers),
  ];
}

function replay(call, session) {
  if (!call.request) return null;
  const editor = requestEditor(call.request, { masked: call.masked ?? [] });
  const place = h("div", { class: "result" }, empty("Not sent again yet.", "Change what you like and send it: the new answer stands here, beside the request."));
  const submit = h("button", { type: "submit" }, "Send again");
  const send = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const made = await showAnswer(place, () => post(`calls/${encodeURIComponent(call.id)}/replay`, { request: editor.request() }), session);
    submit.disabled = false;
    say(made ? `Answered with ${made.status}` : "The call could not be made");
  };
  return section("Replay with changes", h("div", { class: "halves" }, h("form", { onsubmit: send, novalidate: true }, editor.element, h("p", { class: "actions" }, submit)), place));
}

