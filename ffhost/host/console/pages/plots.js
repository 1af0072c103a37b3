// Latencies of the last minutes, drawn as small plots.

import { h, svg } from "./dom.js";
import { milliseconds } from "./formats.js";

const SLOTS = 15;

/** Return a plot of minutes [{p50_ms, p99_ms, calls, errors} or null], the oldest first. */
export function latencyPlot(minutes, width = 120, height = 28) {
  const known = (minutes ?? []).slice(-SLOTS);
  const seen = known.filter(Boolean);
  if (!seen.length) return h("span", { class: "muted" }, "no calls yet");
  const top = Math.max(...seen.map((minute) => minute.p99_ms), 0.001);
  const step = width / SLOTS;
  const first = SLOTS - known.length;
  const y = (value) => height - 1 - (value / top) * (height - 4);
  const bars = known.flatMap((minute, index) => (minute ? bar(minute, (first + index) * step, step, y, height) : []));
  return svg("svg", { class: "plot", role: "img", "aria-label": summary(seen), viewBox: `0 0 ${width} ${height}`, width, height }, svg("title", {}, summary(seen)), svg("line", { class: "base", x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }), bars);
}

function bar(minute, x, step, y, height) {
  const shape = (kind, value) => svg("rect", { class: kind, x: x + 1, width: step - 2, y: y(value), height: Math.max(1, height - 1 - y(value)) });
  return [
    shape(minute.errors ? "p99 failed" : "p99", minute.p99_ms),
    shape("p50", minute.p50_ms),
  ];
}

function summary(minutes) {
  const calls = minutes.reduce((sum, minute) => sum + minute.calls, 0);
  const errors = minutes.reduce((sum, minute) => sum + minute.errors, 0);
  return `Last minutes: ${calls} calls, ${errors} errors; slowest 1 %: ${milliseconds(Math.max(...minutes.map((minute) => minute.p99_ms)))}`;
}

/** Return the numbers of the newest minute with calls, in words. */
export function latencyWords(minutes) {
  const last = (minutes ?? []).filter(Boolean).at(-1);
  if (!last) return null;
  return h("span", { class: "muted figures" }, `${milliseconds(last.p50_ms)} · p99 ${milliseconds(last.p99_ms)}`);
}

/** Return a meter of a limit with its use in words. */
export function use(inUse, limit, queued) {
  const text = `${inUse ?? 0} of ${limit ?? "∞"}${queued ? `, ${queued} waiting` : ""}`;
  if (!limit) return h("span", { class: "figures" }, text);
  const width = 48;
  const filled = Math.min(1, (inUse ?? 0) / limit) * width;
  return h(
    "span",
    { class: "use figures" },
    svg("svg", { class: filled === width ? "meter full" : "meter", width, height: 6, viewBox: `0 0 ${width} 6`, "aria-hidden": "true" }, svg("rect", { class: "rail", width, height: 6, rx: 3 }), svg("rect", { class: "level", width: filled, height: 6, rx: 3 })),
    text,
  );
}
