// The field that filters a page: "/" goes to it, Esc empties it.

import { h, labelled } from "./dom.js";

/** Return {element, value} of a filter; *changed* runs a moment after the last key. */
export function filterField(label, changed, value = "") {
  let waiting = null;
  const input = h("input", {
    type: "search",
    value,
    "data-filter": true,
    spellcheck: "false",
    autocomplete: "off",
    oninput: () => {
      clearTimeout(waiting);
      waiting = setTimeout(changed, 120);
    },
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      if (input.value === "") return input.blur();
      event.preventDefault();
      input.value = "";
      changed();
    },
  });
  return {
    element: labelled([label, " ", h("kbd", { "aria-hidden": "true" }, "/")], input),
    get value() { return input.value; },
    set value(text) { input.value = text; },
  };
}
