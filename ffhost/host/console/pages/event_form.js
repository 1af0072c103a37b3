// A CloudEvent to compose.

import { button, freshId, h, labelled, show } from "./dom.js";

const USUAL = ["type", "source", "id", "subject", "time", "datacontenttype", "dataschema", "specversion", "data", "data_base64"];

/** Return {element, event(), set(event)}; *types* are offered for the type. */
export function eventForm(types) {
  const listId = freshId();
  const field = (value, more) => h("input", { value, spellcheck: "false", autocomplete: "off", ...more });
  const type = field(types[0] ?? "", { list: listId });
  const source = field("/console");
  const id = field("", { placeholder: "made anew" });
  const subject = field("");
  const data = h("textarea", { class: "code", rows: 8, spellcheck: "false", value: "{}" });
  const others = h("div", { class: "pairs-editor" });
  const more = button("Add an attribute", () => addOther("", "").focus(), { class: "quiet" });
  const addOther = (name, value) => {
    const nameField = field(name, { "aria-label": "Attribute name", placeholder: "name", class: "code" });
    const valueField = field(value, { "aria-label": `Value of ${name || "the attribute"}`, placeholder: "value", class: "code" });
    const row = h("div", { class: "pair" }, nameField, valueField, button("Remove", () => { row.remove(); more.focus(); }, { class: "quiet", "aria-label": `Remove the attribute ${name}` }));
    row.read = () => [nameField.value.trim(), valueField.value];
    others.append(row);
    return nameField;
  };
  let kept = {};
  const read = () => {
    const rest = [...others.children].map((row) => row.read()).filter(([name]) => name);
    const made = { ...kept, type: type.value, source: source.value, id: id.value || freshEventId(), ...Object.fromEntries(rest) };
    if (subject.value) made.subject = subject.value;
    const value = parsed(data.value);
    if (value !== undefined) made.data = value;
    return { specversion: "1.0", ...made };
  };
  const set = (event) => {
    type.value = event.type ?? types[0] ?? "";
    source.value = event.source ?? "/console";
    id.value = event.id ?? "";
    subject.value = event.subject ?? "";
    data.value = event.data === undefined ? "" : typeof event.data === "string" ? event.data : JSON.stringify(event.data, null, 2);
    kept = Object.fromEntries(["time", "datacontenttype", "dataschema", "data_base64"].filter((name) => name in event).map((name) => [name, event[name]]));
    show(others);
    for (const [name, value] of Object.entries(event)) if (!USUAL.includes(name)) addOther(name, value);
  };
  const element = h(
    "div",
    { class: "event" },
    h("datalist", { id: listId }, types.map((each) => h("option", { value: each }))),
    labelled("Type", type),
    h("div", { class: "row" }, labelled("Source", source), labelled("Subject (optional)", subject), labelled("Id", id)),
    h("fieldset", {}, h("legend", {}, "More attributes"), others, more),
    labelled("Data", data, "JSON, or any text. Leave it empty for an event without data."),
  );
  return { element, event: read, set };
}

function freshEventId() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

function parsed(text) {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
