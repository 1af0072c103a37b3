// A request to edit: method, path, query, header fields, body. Masked values are asked for anew.

import { button, freshId, h, labelled, notice } from "./dom.js";
import { pretty } from "./formats.js";

const MASKED = "[masked]";
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const LEFT_OUT = new Set(["host", "content-length", "connection", "transfer-encoding"]);

/** Return an editor: {element, request()}. Masked is a list of places, as the server tells them. */
export function requestEditor(request, { methods, masked = [] } = {}) {
  const known = [...new Set([request.method, ...(methods ?? METHODS)])];
  const method = h("select", {}, known.map((each) => h("option", { value: each }, each)));
  method.value = request.method;
  const path = h("input", { value: request.path, spellcheck: "false", class: "code" });
  const query = h("input", { value: request.query ?? "", spellcheck: "false", class: "code", placeholder: "name=value&other=2" });
  const headers = headerRows(request.headers ?? []);
  const body = bodyField(request);
  const secrets = maskedFields(masked);
  const element = h(
    "div",
    { class: "request" },
    h("div", { class: "row address" }, labelled("Method", method), labelled("Path", path), labelled("Query", query)),
    headers.element,
    secrets.element,
    body.element,
  );
  const read = () => secrets.filled({ method: method.value, path: path.value, query: query.value, headers: headers.read(), ...body.read() });
  return { element, request: read };
}

function headerRows(headers) {
  const list = h("div", { class: "pairs-editor" });
  const add = (name = "", value = "", focus = false) => {
    const hidden = value === MASKED;
    const nameField = h("input", { value: name, "aria-label": "Header name", placeholder: "name", spellcheck: "false", class: "code" });
    const valueField = h("input", { value: hidden ? "" : value, "aria-label": `Value of ${name || "the header"}`, placeholder: hidden ? "masked: enter it anew" : "value", spellcheck: "false", class: "code", type: hidden ? "password" : "text", autocomplete: "off" });
    const row = h("div", { class: "pair" }, nameField, valueField, button("Remove", () => { row.remove(); more.focus(); }, { class: "quiet", "aria-label": `Remove the header ${name}` }));
    row.read = () => [nameField.value.trim(), valueField.value];
    list.append(row);
    if (focus) nameField.focus();
  };
  for (const [name, value] of headers) if (!LEFT_OUT.has(name.toLowerCase())) add(name, value);
  const more = button("Add a header", () => add("", "", true), { class: "quiet" });
  const element = h("fieldset", {}, h("legend", {}, "Headers"), list, more);
  return { element, read: () => [...list.children].map((row) => row.read()).filter(([name]) => name) };
}

function bodyField(request) {
  const raw = request.body === null && request.body_base64 ? request.body_base64 : null;
  const area = h("textarea", { class: "code", rows: 8, spellcheck: "false", value: raw ?? pretty(request.body ?? "") });
  const original = area.value;
  const order = button("Indent JSON", () => {
    const nicer = pretty(area.value);
    if (nicer === area.value) notice("This is not JSON, or it is indented already.", "plain");
    area.value = nicer;
  }, { class: "quiet" });
  const read = () => {
    if (raw !== null) return { body: null, body_base64: area.value.replace(/\s/g, "") };
    const untouched = area.value === original;
    return { body: untouched ? (request.body ?? null) : area.value, body_base64: null };
  };
  return { element: [labelled(raw === null ? "Body" : "Body (bytes, as Base64)", area), raw === null && order], read };
}

/** Return fields for what was masked elsewhere than in the header fields. */
function maskedFields(places) {
  const others = places.filter(([part]) => part !== "headers");
  const fields = others.filter((place) => place.length > 1).map((place) => ({ place, input: h("input", { type: "password", autocomplete: "off", id: freshId() }) }));
  const whole = others.filter((place) => place.length === 1).map(([part]) => part);
  const element = others.length > 0 && h(
    "fieldset",
    {},
    h("legend", {}, "Masked values"),
    h("p", { class: "hint" }, "These were hidden when the call was kept. Enter them anew, or send them as they stand."),
    fields.map(({ place, input }) => labelled(place.join(" · "), input)),
    whole.length > 0 && h("p", { class: "hint" }, `In the ${whole.join(" and the ")}: replace ${MASKED} by hand.`),
  );
  const filled = (request) => fields.filter(({ input }) => input.value).reduce((made, { place, input }) => put(made, place, input.value), request);
  return { element, filled };
}

/** Return *request* with *value* where something was masked. */
export function put(request, [part, ...path], value) {
  if (part === "query") return { ...request, query: inForm(request.query, path[0], value) };
  if (part !== "body" || !request.body) return request;
  try {
    const data = JSON.parse(request.body);
    inJson(data, path, value);
    return { ...request, body: JSON.stringify(data) };
  } catch {
    return { ...request, body: inForm(request.body, path[0], value) };
  }
}

function inForm(text, name, value) {
  const pairs = new URLSearchParams(text);
  const found = [...pairs].map(([each, old]) => [each, each === String(name) && old.includes(MASKED) ? value : old]);
  return new URLSearchParams(found).toString();
}

function inJson(data, path, value) {
  const last = path.at(-1);
  const holder = path.slice(0, -1).reduce((found, key) => found[key], data);
  holder[last] = typeof holder[last] === "string" ? holder[last].replace(MASKED, () => value) : value;
}
