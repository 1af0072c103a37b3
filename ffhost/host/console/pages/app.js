// The page as a whole: which address shows what, keys, colours, the state of the connection.

import { readSession } from "./api.js";
import { h, notice, show, trouble } from "./dom.js";
import { functionsPage } from "./functions_page.js";
import { follow, live } from "./live.js";

/** Pages by their name: the first for the name alone, the second for a name with more behind it. */
const PAGES = {
  functions: [async () => functionsPage, async () => (await import("./function_page.js")).functionPage],
  calls: [async () => (await import("./calls_page.js")).callsPage, async () => (await import("./call_page.js")).callPage],
  events: [async () => (await import("./events_page.js")).eventsPage],
  configuration: [async () => (await import("./configuration_page.js")).configurationPage],
  api: [async () => (await import("./api_page.js")).apiPage],
};

const main = document.getElementById("main");
let leaving = new AbortController();

/** Return what an address asks for: the name of a page, further parts, and its query. */
function readAddress(fragment) {
  const [path, tail] = fragment.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name = "", ...parts] = path.split("/").filter(Boolean).map(decoded);
  return { name: name || "functions", parts, query: new URLSearchParams(tail ?? "") };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function open(moveFocus) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { name, parts, query } = readAddress(location.hash);
  markNavigation(name);
  const found = PAGES[name]?.[Math.min(parts.length, 1)];
  try {
    if (!found) throw Object.assign(new Error("this address leads nowhere"), { title: "Unknown page", hint: "Choose a page above." });
    const [make, session] = await Promise.all([found(), readSession()]);
    const { title, content } = await make({ parts, query, session, signal });
    if (!signal.aborted) present(title, content, moveFocus);
  } catch (error) {
    if (!signal.aborted) present("Not shown", [trouble(error, () => open(true))], moveFocus);
  }
}

function present(title, content, moveFocus) {
  document.title = `${title} · ffhost`;
  const heading = h("h1", { tabindex: -1 }, title);
  show(main, heading, content);
  main.dataset.shown = location.hash;
  if (!moveFocus) return;
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
}

function markNavigation(name) {
  for (const link of document.querySelectorAll("#pages a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const STATES = {
  live: "live",
  reloading: "reload in progress…",
  gone: "no answer from the server; trying again…",
  "signed out": "not signed in",
};

function showState({ detail }) {
  document.getElementById("connection").dataset.state = detail;
  show(document.getElementById("connection-text"), STATES[detail] ?? detail);
}

function tellReload({ detail }) {
  if (detail.ok) notice(`Reloaded: revision ${detail.revision} is served.`);
  else notice("The changed configuration was refused. See Configuration for what to correct.", "bad");
  readSession(true).then(showFooter).catch(() => {});
}

function showFooter(session) {
  const workers = Array.isArray(session.workers) ? session.workers.length : session.workers;
  show(
    document.getElementById("footer"),
    h("span", {}, `ffhost ${session.version}`),
    h("span", {}, "revision ", h("code", {}, session.revision)),
    h("span", {}, `${workers} worker${workers === 1 ? "" : "s"}`),
    session.file && h("span", { class: "code" }, session.file),
    h("span", {}, h("kbd", {}, "/"), " filter, ", h("kbd", {}, "Esc"), " clear"),
  );
}

function onKey(event) {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector("[data-filter]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

const THEMES = { system: "light", light: "dark", dark: "system" };

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem("ffhost.theme", theme);
  show(document.getElementById("theme"), `Colours: ${theme}`);
}

const theme = document.getElementById("theme");
const chosen = () => document.documentElement.dataset.theme ?? "system";
theme.addEventListener("click", () => setTheme(THEMES[chosen()]));
show(theme, `Colours: ${chosen()}`);

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment says which page is shown
  main.focus();
});
document.addEventListener("keydown", onKey);
addEventListener("hashchange", () => open(true));
live.addEventListener("state", showState);
live.addEventListener("reload", tellReload);
live.addEventListener("again", () => readSession().then(showFooter).catch(() => {}));

await open(false);
asked.clear(); // what was not needed at once would be stale later
await readSession().then(showFooter).catch(() => {});
follow();
for (const find of Object.values(PAGES).flat()) find().catch(() => {}); // so that they open at once, also while the server is away
