// Elements, made of values. Texts become text nodes: nothing here, or anywhere else, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Attributes named on… are listeners; null, undefined and false are left out. */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Return an element of a drawing. */
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (name === "checked") element.checked = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Replace what an element holds. */
export function show(element, ...children) {
  element.replaceChildren(...nodes(children));
}

let numbers = 0;

/** Return an id that no other element has. */
export function freshId() {
  numbers += 1;
  return `e${numbers}`;
}

/** Return a labelled control: label above, hint below. */
export function labelled(text, control, hint) {
  control.id ||= freshId();
  const parts = [h("label", { for: control.id }, text), control];
  if (hint) {
    const id = freshId();
    control.setAttribute("aria-describedby", id);
    parts.push(h("p", { class: "hint", id }, hint));
  }
  return h("div", { class: "field" }, parts);
}

/** Return a button that does something on this page. */
export function button(text, act, attributes = {}) {
  return h("button", { type: "button", onclick: act, ...attributes }, text);
}

/**
 * Return a table. A column is {title, cell(row), class?, hidden?}; narrow screens show each row as
 * a block, so that the roles are written out: without them it would no longer be a table to readers.
 */
export function table(caption, columns, rows) {
  const head = columns.map((column) =>
    h("th", { scope: "col", role: "columnheader", class: column.class }, column.hidden ? h("span", { class: "unseen" }, column.title) : column.title),
  );
  return h(
    "table",
    { role: "table" },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
    h("tbody", { role: "rowgroup" }, rows.map((row) => tableRow(columns, row))),
  );
}

/** Return one row of a table with these columns. */
export function tableRow(columns, row) {
  const cells = columns.map((column) =>
    h("td", { role: "cell", class: column.class, "data-label": column.hidden ? null : column.title }, column.cell(row)),
  );
  return h("tr", { role: "row" }, cells);
}

/** Return a section with a heading that names it. */
export function section(title, ...children) {
  const id = freshId();
  return h("section", { class: "panel", "aria-labelledby": id }, h("h2", { id }, title), children);
}

/** Return what stands where nothing is: what is missing, and what to do next. */
export function empty(what, next) {
  return h("div", { class: "empty" }, h("p", {}, what), next && h("p", { class: "hint" }, next));
}

/** Say something to readers of screens, and to nobody else. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** Copy a text, or show it to be copied by hand where the browser does not allow it. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    notice(`${what} copied.`);
  } catch {
    const area = h("textarea", { class: "code", rows: 10, readonly: true, value: text });
    dialog(`Copy ${what}`, [labelled("Press Ctrl+C (or ⌘C)", area)], []);
    area.select();
  }
}

/** Show a short message, perhaps with a link in it, that goes away by itself. */
export function notice(text, state = "good") {
  const place = document.getElementById("notices");
  const line = h("p", { class: `notice ${state}` }, text);
  place.append(line);
  setTimeout(() => line.remove(), state === "bad" ? 12000 : 6000);
}

/** Open a dialog; Esc and "Close" end it. Returns the element. */
export function dialog(title, content, buttons, onclose) {
  const id = freshId();
  const element = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, title),
    content,
    h("p", { class: "actions" }, buttons, button("Close", () => element.close(), { class: "quiet" })),
  );
  element.addEventListener("close", () => { element.remove(); onclose?.(); });
  document.body.append(element);
  element.showModal();
  return element;
}

/** Return what went wrong, and what to do about it. */
export function trouble(error, again) {
  return h(
    "div",
    { class: "trouble", role: "alert" },
    h("p", {}, h("strong", {}, error.title ?? "Something went wrong in this page"), ` — ${error.detail ?? error.message}`),
    error.hint && h("p", { class: "hint" }, error.hint),
    again && button("Try again", again),
  );
}
