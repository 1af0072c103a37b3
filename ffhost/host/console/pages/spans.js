// Spans of a call as a tree, each with a bar for when it ran.

import { empty, h, svg, table } from "./dom.js";
import { milliseconds, plain } from "./formats.js";

const WIDTH = 240;

/** Return the spans as a table whose names are indented as deep as they lie. */
export function spanTree(spans) {
  if (!spans?.length) return empty("No spans.", "With tracing.enabled, spans of the function and of what it calls stand here.");
  const start = Math.min(...spans.map((span) => span.start_ms));
  const whole = Math.max(...spans.map((span) => span.start_ms + span.duration_ms)) - start || 1;
  return table(
    "Spans",
    [
      { title: "Span", class: "main-cell", cell: ({ span, depth }) => name(span, depth) },
      { title: "When", class: "bars", cell: ({ span }) => bar(span, start, whole) },
      { title: "Took", class: "number", cell: ({ span }) => milliseconds(span.duration_ms) },
    ],
    ordered(spans),
  );
}

/** Return the spans from the roots down, with their depth. A parent that is not here is no parent. */
export function ordered(spans) {
  const known = new Set(spans.map((span) => span.id));
  const children = Map.groupBy ? Map.groupBy(spans, (span) => span.parent) : grouped(spans);
  const found = [];
  const seen = new Set();
  const add = (span, depth) => {
    if (seen.has(span)) return;
    seen.add(span);
    found.push({ span, depth });
    for (const child of children.get(span.id) ?? []) add(child, depth + 1);
  };
  for (const span of spans) if (!span.parent || !known.has(span.parent)) add(span, 0);
  for (const span of spans) add(span, 0); // what lies in a circle
  return found;
}

function grouped(spans) {
  const found = new Map();
  for (const span of spans) found.set(span.parent, [...(found.get(span.parent) ?? []), span]);
  return found;
}

function name(span, depth) {
  const attributes = Object.entries(span.attributes ?? {});
  const label = [span.name, span.status === "error" && [" ", h("span", { class: "chip bad" }, "error")]];
  const inner = attributes.length ? h("details", { class: "inline" }, h("summary", {}, label), facts(attributes)) : h("div", { class: "leaf" }, label);
  return h("div", { class: `depth-${Math.min(depth, 8)}` }, inner);
}

/** Return names and values as a list. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value instanceof Node ? value : plain(value)))));
}

function bar(span, start, whole) {
  const x = ((span.start_ms - start) / whole) * WIDTH;
  const width = Math.max(2, (span.duration_ms / whole) * WIDTH);
  return svg(
    "svg",
    { class: span.status === "error" ? "span-bar failed" : "span-bar", viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", role: "img", "aria-label": `begins after ${milliseconds(span.start_ms - start)}, takes ${milliseconds(span.duration_ms)}` },
    svg("rect", { class: "rail", y: 4, width: WIDTH, height: 2 }),
    svg("rect", { class: "level", x: Math.min(x, WIDTH - width), width, height: 10, rx: 2 }),
  );
}
