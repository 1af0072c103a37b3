// What happens, as it happens. Read by fetch, because EventSource cannot send credentials.

import { answered, readSession } from "./api.js";

/** Events: call, functions, reload (detail: the data), state (detail: a state), again. */
export const live = new EventTarget();

const LONGEST_PAUSE = 5000;
const REFUSALS_OF_A_RELOAD = 6; // then it is no longer one

/** Follow the stream as long as the page is open. */
export async function follow() {
  let pause = 250;
  let ended = false;
  let failures = 0;
  for (let first = true; ; first = false) {
    try {
      const response = await answered("/console/api/stream", { headers: { Accept: "text/event-stream" } });
      if (!response.ok) throw new Error(`status ${response.status}`);
      if (!first) await comeBack();
      tell("state", "live");
      pause = 250;
      failures = 0;
      ended = await readEvents(response.body.getReader());
    } catch (error) {
      if (error.status === 401) return tell("state", "signed out");
      failures += 1;
    }
    tell("state", ended && failures < REFUSALS_OF_A_RELOAD ? "reloading" : "gone");
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

async function comeBack() {
  await readSession(true);
  tell("again", null);
}

/** Read until the stream ends; whether the server said that it ends. */
async function readEvents(reader) {
  const decoder = new TextDecoder();
  let rest = "";
  let ended = false;
  for (;;) {
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) return ended;
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = parts.pop();
    for (const part of parts) ended = handle(part) || ended;
  }
}

function handle(part) {
  let name = "message";
  const data = [];
  for (const line of part.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (data.length) tell(name, JSON.parse(data.join("\n")));
  return name === "end";
}

function tell(name, detail) {
  live.dispatchEvent(new CustomEvent(name, { detail }));
}
