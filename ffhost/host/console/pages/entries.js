// Log entries of a call.

import { code } from "./bodies.js";
import { empty, h } from "./dom.js";
import { clock, plain } from "./formats.js";

const KINDS = { critical: "bad", error: "bad", warning: "warn", info: "plain", debug: "plain" };

/** Return the log entries of a call, the oldest first. */
export function entriesView(entries) {
  if (!entries?.length) return empty("No log entries.", "What the function logs during the call stands here: logging, ffhost.current().log, or print with logging.capture_print.");
  return h("ol", { class: "entries" }, entries.map(entryView));
}

function entryView(entry) {
  const fields = Object.entries(entry.fields ?? {});
  return h(
    "li",
    {},
    h("time", { class: "figures muted", datetime: entry.time }, clock(entry.time)),
    h("span", { class: `chip ${KINDS[entry.level] ?? "plain"}` }, entry.level),
    h("div", { class: "said" },
      h("p", {}, h("strong", {}, entry.event), entry.logger && h("span", { class: "muted" }, ` ${entry.logger}`)),
      fields.length > 0 && h("p", { class: "pairs" }, fields.map(([name, value]) => [h("span", {}, h("span", { class: "muted" }, `${name}=`), plain(value)), " "])),
    ),
    entry.exception && code(entry.exception, "traceback"),
  );
}
