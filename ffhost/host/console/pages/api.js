// Requests to the addresses of the console: JSON, with credentials and the page's token.

const BASE = "/console/api/";

/** Under which name a tab keeps the header field that says who we are. */
export const CREDENTIALS = "ffhost.credentials";
let session = null;

/** What went wrong with a request: title, detail, status, and a hint of what to do. */
export class Problem extends Error {
  constructor(title, detail, status = 0, hint = null) {
    super(detail);
    Object.assign(this, { title, detail, status, hint });
  }
}

/** Return what the server says of itself, with the token for changes. */
export async function readSession(anew = false) {
  if (anew || session === null) session = await request(`${BASE}session`);
  return session;
}

/** Read an address of the console. */
export function get(path, parameters) {
  const query = new URLSearchParams(Object.entries(parameters ?? {}).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  const tail = query.toString();
  return request(BASE + path + (tail ? `?${tail}` : ""));
}

/** Read another page of the listener. */
export function getPage(path) {
  return request(path);
}

/** Change something; with a new token if the server was started anew since. */
export async function post(path, body) {
  const address = path.startsWith("/") ? path : BASE + path;
  try {
    return await send(address, body);
  } catch (error) {
    if (error.status !== 403) throw error;
    await readSession(true);
    return send(address, body);
  }
}

async function send(address, body) {
  const { token } = await readSession();
  return request(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Ffhost-Token": token },
    body: JSON.stringify(body ?? {}),
  });
}

async function request(address, options = {}) {
  const response = await answered(address, options);
  const text = await response.text();
  if (!response.ok) throw problemOf(response, text);
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("The answer is not JSON", `${address} was answered with something else`, response.status, "Is there a proxy between this page and the server?");
  }
}

/** Return a response; asks for credentials as often as they are missing. */
export async function answered(address, options = {}) {
  for (;;) {
    const response = await reach(address, options);
    if (response.status !== 401) return response;
    const problem = await response.json().catch(() => ({}));
    const { askForCredentials } = await import("./credentials.js");
    if (!(await askForCredentials(problem.ways))) {
      throw new Problem("Not signed in", "this listener needs credentials", 401, "Reload the page to be asked again.");
    }
  }
}

function credentialFields() {
  const kept = sessionStorage.getItem(CREDENTIALS);
  return kept ? Object.fromEntries([JSON.parse(kept)]) : {};
}

/** Return what first.js has asked already; null if it has not, or was refused. */
async function early(address, { method = "GET" }) {
  if (method !== "GET") return null;
  const answer = asked.get(address);
  asked.delete(address);
  const response = await answer;
  return response?.ok ? response : null;
}

async function reach(address, options) {
  const found = await early(address, options);
  if (found) return found;
  try {
    return await fetch(address, { ...options, cache: "no-store", headers: { Accept: "application/json", ...options.headers, ...credentialFields() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer", "it may be starting again, or it has ended", 0, "This page goes on by itself when it is back. See the terminal where it runs.");
  }
}

function problemOf(response, text) {
  let found = {};
  try {
    found = JSON.parse(text);
  } catch { /* an answer of somebody between */ }
  return new Problem(found.title ?? `Status ${response.status}`, found.detail ?? response.statusText, response.status, found.hint ?? hintFor(response.status));
}

function hintFor(status) {
  if (status === 403) return "Open the console by its IP address or localhost, and reload the page if the server was started anew.";
  if (status === 404) return "It may have been removed, or made room for newer ones.";
  if (status === 409) return "Choose another name, or look whether the file can be written.";
  return null;
}

/** Return a call with everything that belongs to it; it may take a moment to arrive from its worker. */
export async function readCall(id) {
  for (let left = 20; ; left -= 1) {
    try {
      return await get(`calls/${encodeURIComponent(id)}`);
    } catch (error) {
      if (error.status !== 404 || left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
