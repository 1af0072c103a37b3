// A form made of a JSON Schema, with the JSON beside it. What the form cannot say, the JSON can.

import { button, freshId, h, labelled, say, show } from "./dom.js";
import { defaultWords, limitWords, resolved, typeOf, typeWords, variants } from "./schemas.js";

/** Return {element, text(), set(text)} for a value that follows *schema*. */
export function schemaForm(schema, initial) {
  const place = h("div", { class: "form-place" });
  const area = h("textarea", { class: "code", rows: 12, spellcheck: "false" });
  const asJson = labelled("Body as JSON", area, "Sent as it stands, also if it does not follow the schema.");
  let field = null;
  const form = button("Form", () => toForm(), {});
  const json = button("JSON", () => toJson(), {});
  const press = (one, other) => { one.setAttribute("aria-pressed", "true"); other.setAttribute("aria-pressed", "false"); };
  const text = () => (field ? JSON.stringify(field.value(), null, 2) : area.value);
  const toJson = () => {
    area.value = text();
    field = null;
    show(place, asJson);
    press(json, form);
  };
  const toForm = () => {
    if (field) return;
    const value = parsed(area.value);
    if (value === undefined && area.value.trim()) return say("This is not JSON, so it cannot become a form.");
    field = fieldFor(schema, schema, value, "Body");
    show(place, field.element);
    press(form, json);
  };
  area.value = initial ?? "";
  toForm();
  if (!field) { show(place, asJson); press(json, form); }
  const set = (value) => { area.value = value; field = null; toForm(); if (!field) { show(place, asJson); press(json, form); } };
  return { element: [h("div", { class: "choice", role: "group", "aria-label": "Write as" }, form, json), place], text, set };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Return {element, value()} for one value. *label* names it. */
export function fieldFor(schema, root, value, label) {
  const plain = resolved(schema, root);
  const several = variants(plain);
  if (several.length) return variantField(plain, several, root, value, label);
  const make = { object: objectField, array: arrayField, enum: enumField, const: constField, null: nullField, boolean: booleanField, integer: numberField, number: numberField, string: textField }[typeOf(plain)] ?? anyField;
  return make(plain, root, value === undefined ? plain.default : value, label);
}

function hintOf(schema) {
  return [schema.description, limitWords(schema)].filter(Boolean).join(" · ");
}

function textField(schema, _root, value, label) {
  const kinds = { date: "date", email: "email", uri: "url", password: "password" };
  const long = (schema.maxLength ?? 0) > 200 || String(value ?? "").includes("\n");
  const input = long
    ? h("textarea", { rows: 3, value: value ?? "" })
    : h("input", { type: kinds[schema.format] ?? "text", value: value ?? "", spellcheck: "false", placeholder: placeholder(schema), autocomplete: "off" });
  return { element: labelled(label, input, hintOf(schema)), value: () => input.value };
}

function placeholder(schema) {
  if (schema.examples?.length) return String(schema.examples[0]);
  return { "date-time": "2026-01-31T12:00:00Z", uuid: "00000000-0000-0000-0000-000000000000", time: "12:00:00", duration: "PT1H" }[schema.format] ?? null;
}

function numberField(schema, _root, value, label) {
  const input = h("input", { type: "text", inputmode: schema.type === "integer" ? "numeric" : "decimal", value: value ?? "", autocomplete: "off", class: "figures" });
  const read = () => (input.value.trim() === "" ? null : Number.isNaN(Number(input.value)) ? input.value : Number(input.value));
  return { element: labelled(label, input, hintOf(schema)), value: read };
}

function booleanField(schema, _root, value, label) {
  const input = h("input", { type: "checkbox", checked: value === true, id: freshId() });
  const hint = hintOf(schema);
  return { element: h("div", { class: "field check" }, input, h("label", { for: input.id }, label), hint && h("p", { class: "hint" }, hint)), value: () => input.checked };
}

function enumField(schema, _root, value, label) {
  const select = h("select", {}, schema.enum.map((each, index) => h("option", { value: index }, typeof each === "string" ? each : JSON.stringify(each))));
  select.value = String(Math.max(0, schema.enum.findIndex((each) => same(each, value))));
  return { element: labelled(label, select, hintOf(schema)), value: () => schema.enum[Number(select.value)] };
}

function constField(schema, _root, _value, label) {
  return { element: h("p", { class: "field" }, `${label}: `, h("code", {}, JSON.stringify(schema.const))), value: () => schema.const };
}

function nullField(_schema, _root, _value, label) {
  return { element: h("p", { class: "field hint" }, `${label}: null`), value: () => null };
}

function anyField(schema, _root, value, label) {
  const area = h("textarea", { class: "code", rows: 3, spellcheck: "false", value: value === undefined ? "" : JSON.stringify(value, null, 2) });
  const read = () => (area.value.trim() === "" ? null : parsed(area.value) ?? (area.value.trim() === "null" ? null : area.value));
  return { element: labelled(label, area, [hintOf(schema), "any JSON; other text is sent as a text"].filter(Boolean).join(" · ")), value: read };
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function variantField(schema, several, root, value, label) {
  const chosen = Math.max(0, several.findIndex((each) => value !== undefined && fits(resolved(each, root), value)));
  const select = h("select", { "aria-label": `Kind of ${label}`, onchange: () => build(undefined) }, several.map((each, index) => h("option", { value: index }, each.title ?? typeWords(each, root))));
  select.value = String(chosen);
  const place = h("div", {});
  let field = null;
  const build = (given) => {
    field = fieldFor(several[Number(select.value)], root, given, label);
    show(place, field.element);
  };
  build(value ?? (value === null ? null : schema.default));
  return { element: h("div", { class: "variant" }, select, place), value: () => field.value() };
}

/** Whether a value looks as if it followed a schema; enough to choose a variant. */
function fits(schema, value) {
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const wanted = typeOf(schema);
  if (wanted === "const") return same(schema.const, value);
  if (wanted === "enum") return schema.enum.some((each) => same(each, value));
  if (wanted === "integer") return Number.isInteger(value);
  if (wanted !== type) return false;
  if (type !== "object") return true;
  const told = Object.entries(schema.properties ?? {}).filter(([, each]) => each.const !== undefined);
  return (schema.required ?? []).every((name) => name in value) && told.every(([name, each]) => same(each.const, value[name]));
}

function objectField(schema, root, value, label) {
  const given = value && typeof value === "object" && !Array.isArray(value) ? value : {};
  const properties = Object.entries(schema.properties ?? {});
  const parts = properties.map(([name, each]) => property(name, each, root, given[name], schema.required?.includes(name)));
  const others = Object.keys(given).filter((name) => !(name in (schema.properties ?? {})));
  const open = schema.additionalProperties ? schema.additionalProperties : null;
  const more = open || others.length ? mapping(open === true || !open ? {} : open, root, Object.fromEntries(others.map((name) => [name, given[name]]))) : null;
  const read = () => Object.fromEntries([...parts.flatMap((part) => part.pairs()), ...(more?.pairs() ?? [])]);
  const element = h("fieldset", {}, h("legend", {}, label), schema.description && h("p", { class: "hint" }, schema.description), parts.map((part) => part.element), more?.element, !parts.length && !more && h("p", { class: "hint" }, "This object has no fields."));
  return { element, value: read };
}

/** Return one property. What is not required is made only when it is set, so that trees end. */
function property(name, schema, root, value, required) {
  if (required) {
    const field = fieldFor(schema, root, value, name);
    return { element: field.element, pairs: () => [[name, field.value()]] };
  }
  let field = null;
  const place = h("div", { class: "optional-place" });
  const box = h("input", { type: "checkbox", id: freshId(), checked: value !== undefined });
  const build = (given) => {
    field = box.checked ? fieldFor(schema, root, given, name) : null;
    show(place, field?.element);
  };
  box.addEventListener("change", () => build(undefined));
  build(value);
  const words = [typeWords(schema, root), defaultWords(resolved(schema, root))].filter(Boolean).join(", ");
  const element = h("div", { class: "optional" }, h("div", { class: "check" }, box, h("label", { for: box.id }, "set ", h("strong", {}, name), h("span", { class: "muted" }, ` ${words}`))), place);
  return { element, pairs: () => (field ? [[name, field.value()]] : []) };
}

function arrayField(schema, root, value, label) {
  const list = h("ol", { class: "items" });
  const items = [];
  const itemSchema = (index) => schema.prefixItems?.[index] ?? schema.items ?? {};
  const add = (given) => {
    const field = fieldFor(itemSchema(items.length), root, given, `${label} ${items.length + 1}`);
    const item = h("li", {}, field.element, button("Remove", () => { items.splice(items.indexOf(field), 1); item.remove(); more.focus(); }, { class: "quiet", "aria-label": `Remove ${label} ${items.length + 1}` }));
    items.push(field);
    list.append(item);
    return item;
  };
  const more = button(`Add to ${label}`, () => add(undefined).querySelector("input, select, textarea, button")?.focus(), { class: "quiet" });
  const first = Array.isArray(value) ? value : new Array(Math.max(schema.minItems ?? 0, schema.prefixItems?.length ?? 0)).fill(undefined);
  first.forEach(add);
  const element = h("fieldset", {}, h("legend", {}, label), schema.description && h("p", { class: "hint" }, schema.description), list, more);
  return { element, value: () => items.map((field) => field.value()) };
}

/** Return names and values that are free to choose. */
function mapping(schema, root, value) {
  const list = h("div", { class: "items" });
  const rows = [];
  const add = (name, given) => {
    const input = h("input", { value: name, spellcheck: "false", autocomplete: "off" });
    const field = fieldFor(schema, root, given, "value");
    const row = { name: () => input.value, value: () => field.value() };
    const element = h("div", { class: "entry" }, labelled("name", input), field.element, button("Remove", () => { rows.splice(rows.indexOf(row), 1); element.remove(); more.focus(); }, { class: "quiet", "aria-label": `Remove ${name || "this name"}` }));
    rows.push(row);
    list.append(element);
    return input;
  };
  const more = button("Add a name", () => add("", undefined).focus(), { class: "quiet" });
  for (const [name, given] of Object.entries(value)) add(name, given);
  return { element: h("div", {}, list, more), pairs: () => rows.filter((row) => row.name()).map((row) => [row.name(), row.value()]) };
}
