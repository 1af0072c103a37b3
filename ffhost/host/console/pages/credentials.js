// Credentials for a listener with `admin.auth`: asked for in a dialog, kept for this tab only.

import { CREDENTIALS } from "./api.js";
import { dialog, h, labelled } from "./dom.js";

let asking = null;

/** Ask for credentials; whether some were given. Several requests that ask wait for one dialog. */
export function askForCredentials(ways) {
  asking ??= ask(ways?.length ? ways : [{ name: "key", kind: "key", header: "x-api-key" }]).finally(() => { asking = null; });
  return asking;
}

function ask(ways) {
  return new Promise((resolve) => {
    let given = false;
    const wanted = sessionStorage.getItem(CREDENTIALS) !== null;
    const choice = h("select", { onchange: () => fields() }, ways.map((way, index) => h("option", { value: index }, `${way.name} (${way.kind})`)));
    const user = h("input", { autocomplete: "username", spellcheck: "false" });
    const secret = h("input", { type: "password", autocomplete: "current-password" });
    const userField = labelled("User", user);
    const secretField = labelled("Key", secret);
    const chosen = () => ways[Number(choice.value || 0)];
    const fields = () => {
      userField.hidden = chosen().kind !== "basic";
      secretField.firstChild.textContent = { basic: "Password", jwt: "Token" }[chosen().kind] ?? "Key";
    };
    const form = h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          sessionStorage.setItem(CREDENTIALS, JSON.stringify(fieldOf(chosen(), user.value, secret.value)));
          given = true;
          box.close();
        },
      },
      h("p", {}, wanted ? "These credentials were refused. Check them, or take others." : "This listener asks who you are (admin.auth)."),
      ways.length > 1 && labelled("Way", choice),
      userField,
      secretField,
      h("p", { class: "hint" }, "Kept in this tab until you close it, and sent to this server only."),
      h("button", { type: "submit" }, "Sign in"),
    );
    fields();
    const box = dialog("Sign in", [form], [], () => resolve(given));
    (chosen().kind === "basic" ? user : secret).focus();
  });
}

function fieldOf(way, user, secret) {
  if (way.kind === "basic") return ["authorization", `Basic ${btoa(String.fromCodePoint(...new TextEncoder().encode(`${user}:${secret}`)))}`];
  const header = (way.header ?? "authorization").toLowerCase();
  const word = way.prefix ?? (way.kind === "jwt" && header === "authorization" ? "Bearer " : "");
  return [header, word + secret];
}
