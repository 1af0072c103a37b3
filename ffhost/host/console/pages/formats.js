// Numbers, times and texts as people read them.

import { h } from "./dom.js";

/** Return a duration, such as "3.2 ms" or "1.25 s". */
export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 100) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(2)} s`;
}

/** Return a size, such as "1.5 KiB". */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1024) return `${value} B`;
  if (value < 1024 * 1024) return `${(value / 1024).toFixed(1)} KiB`;
  return `${(value / 1024 / 1024).toFixed(1)} MiB`;
}

/** Return the time of day with milliseconds. */
export function clock(iso) {
  const time = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** Return the day and the time of day. */
export function moment(iso) {
  const time = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock(iso)}`;
}

/** Return when something will be: "in 4 min", with the time itself as the title. */
export function coming(iso) {
  if (!iso) return "never";
  return h("time", { datetime: iso, title: moment(iso) }, `in ${distance(new Date(iso) - Date.now())}`);
}

/** Return a distance of time in its largest units. */
export function distance(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** Return a status with its colour and, in words, what it means. */
export function statusChip(status, outcome) {
  const kind = status >= 500 ? "bad" : status >= 400 ? "warn" : status >= 300 ? "plain" : "good";
  const told = outcome && !["success", "ok", "answered"].includes(outcome) ? ` ${outcome.replaceAll("_", " ")}` : "";
  return h("span", { class: `chip ${kind}` }, `${status ?? "–"}${told}`);
}

/** Return the state of a function with its colour. */
export function stateChip(state) {
  const kind = state === "ok" ? "good" : state === "switched off" ? "plain" : "bad";
  return h("span", { class: `chip ${kind}` }, state);
}

/** Return JSON indented; other text as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Return bytes of base64 as text if they are UTF-8; null otherwise. */
export function fromBase64(text) {
  const raw = Uint8Array.from(atob(text), (letter) => letter.codePointAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(raw);
  } catch {
    return null;
  }
}

/** Return a value of a configuration or an attribute as one line. */
export function plain(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
