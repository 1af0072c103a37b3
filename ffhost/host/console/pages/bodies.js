// Bodies of requests and answers. What comes from functions is text, or shown in a sandboxed frame.

import { button, freshId, h, show } from "./dom.js";
import { fromBase64, plain, pretty } from "./formats.js";

/** Return the value of a header field, or "". */
export function headerOf(message, name) {
  return message.headers?.find(([each]) => each.toLowerCase() === name)?.[1] ?? "";
}

/** Return the body of a message, with views to choose from where there are several. */
export function bodyView(message) {
  const type = headerOf(message, "content-type").split(";")[0].trim().toLowerCase();
  const text = textOf(message);
  const views = [];
  if (text !== null && text !== "") {
    if (looksLikeJson(text)) views.push(["JSON", () => code(pretty(text))]);
    views.push(["Text", () => code(text)]);
  }
  if (/^image\/(png|jpeg|gif|webp|avif|svg\+xml)$/.test(type)) views.unshift(["Picture", () => picture(message, type)]);
  if (type === "application/problem+json" && text) views.unshift(...problemViews(text));
  if (type === "text/html" && text) views.push(["Preview", () => frame(text)]);
  if (text === null) views.push(["Base64", () => code(message.body_base64)]);
  if (!views.length) return h("p", { class: "hint" }, "No body.");
  return h("div", { class: "body" }, chooser(views), message.cut && h("p", { class: "hint" }, "Only the beginning was kept."));
}

/** Return a view of a problem document, with its traceback as lines. */
function problemViews(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    return [];
  }
  if (!found?.title) return [];
  const { title, detail, hint, traceback } = found;
  const lines = Array.isArray(traceback) ? traceback.join("\n") : traceback;
  return [["Problem", () => h("div", { class: "problem" }, h("p", {}, h("strong", {}, title), detail && ` — ${plain(detail)}`), hint && h("p", { class: "hint" }, plain(hint)), lines && code(lines, "traceback in the answer"))]];
}

function textOf(message) {
  if (message.body !== null && message.body !== undefined) return message.body;
  return message.body_base64 ? fromBase64(message.body_base64) : "";
}

function looksLikeJson(text) {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

function chooser(views) {
  const place = h("div", { id: freshId() }, views[0][1]());
  if (views.length === 1) return place;
  const buttons = views.map(([name, make], index) =>
    button(name, () => {
      show(place, make());
      buttons.forEach((each, other) => each.setAttribute("aria-pressed", String(other === index)));
    }, { "aria-pressed": String(index === 0), "aria-controls": place.id }),
  );
  return [h("div", { class: "choice", role: "group", "aria-label": "Show as" }, buttons), place];
}

/** Return text that keeps its lines; it can be scrolled with the keyboard. */
export function code(text, label = "text") {
  return h("pre", { class: "code", tabindex: 0, role: "group", "aria-label": label }, text);
}

function picture(message, type) {
  const data = message.body_base64 ?? btoa(String.fromCodePoint(...new TextEncoder().encode(message.body)));
  return h("img", { class: "picture", src: `data:${type};base64,${data}`, alt: "the picture that was answered" });
}

/** Return a frame that runs no script, loads no other page and has an origin of its own. */
function frame(html) {
  const element = h("iframe", { class: "preview", sandbox: "", title: "Preview of the answered page", referrerpolicy: "no-referrer" });
  element.srcdoc = trusted(html);
  return [element, h("p", { class: "hint" }, "Without its scripts, styles and other files.")];
}

const policy = globalThis.trustedTypes?.createPolicy("frame", { createHTML: (html) => html });

function trusted(html) {
  return policy ? policy.createHTML(html) : html;
}

/** Return header fields, folded together. */
export function headersView(headers, title = "Headers") {
  if (!headers?.length) return null;
  return h("details", {}, h("summary", {}, `${title} (${headers.length})`), h("dl", { class: "facts code" }, headers.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { class: value === "[masked]" ? "muted" : null }, value)))));
}
