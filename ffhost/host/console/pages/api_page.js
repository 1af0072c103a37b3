// Page: the API of the functions, made of /openapi.json.

import { functionAddress } from "./addresses.js";
import { getPage } from "./api.js";
import { code } from "./bodies.js";
import { empty, h, show } from "./dom.js";
import { filterField } from "./filter.js";
import { schemaView } from "./schema_view.js";
import { resolved, typeWords } from "./schemas.js";

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/** Return the page. */
export async function apiPage({ session }) {
  const address = session.openapi ?? "/openapi.json";
  const document_ = await getPage(address);
  const all = paths(document_);
  const place = h("div", {});
  const filter = filterField("Filter by path or name", () => draw());
  const draw = () => {
    const wanted = filter.value.toLowerCase();
    const found = all.filter((each) => `${each.path} ${each.text}`.toLowerCase().includes(wanted));
    show(place, found.length ? found.map((each) => pathView(each, document_)) : nothing(all.length));
  };
  draw();
  return {
    title: "API",
    content: [
      h("p", { class: "lead" }, document_.info?.description ?? "", " ", h("a", { href: address, download: "openapi.json" }, "Download openapi.json"), h("span", { class: "muted" }, ` OpenAPI ${document_.openapi}, ${document_.info?.title} ${document_.info?.version}`)),
      h("div", { class: "row filters" }, filter.element),
      place,
    ],
  };
}

function nothing(all) {
  return all ? empty("No path fits.", "Press Esc in the filter to see all.") : empty("No http or typed function is served.", "Events have no OpenAPI; see their functions.");
}

/** Return the paths; methods that say the same stand together, since many functions take any. */
function paths(document_) {
  return Object.entries(document_.paths ?? {}).map(([path, item]) => {
    const groups = new Map();
    for (const method of METHODS) {
      if (!item[method]) continue;
      const { operationId, ...said } = item[method];
      const key = JSON.stringify({ ...said, requestBody: said.requestBody?.content?.["*/*"] ? undefined : said.requestBody });
      const group = groups.get(key) ?? { methods: [], operation: item[method] };
      group.methods.push(method.toUpperCase());
      groups.set(key, group);
    }
    const found = [...groups.values()];
    return { path, item, groups: found, text: found.map((each) => `${each.operation.operationId} ${each.operation.summary ?? ""}`).join(" ") };
  });
}

function pathView({ path, item, groups }, root) {
  return h("section", { class: "panel operation", "aria-label": path }, h("h2", { class: "code" }, path), groups.map((group) => groupView(group, item, root)));
}

function groupView({ methods, operation }, item, root) {
  const name = operation["x-ffhost-function"] ?? operation.operationId?.replace(/-(get|post|put|patch|delete|head|options|trace)$/, "");
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((each) => resolved(each, root));
  return h(
    "div",
    { class: "method" },
    h("p", {}, methods.map((method) => [h("span", { class: "chip plain code" }, method), " "]), h("strong", {}, operation.summary ?? ""), " ", name && h("a", { href: functionAddress(name), "aria-label": `try it: ${name}` }, "try it")),
    operation.description && operation.description !== operation.summary && h("p", { class: "hint" }, operation.description),
    security(operation.security ?? root.security),
    parameters.length > 0 && [h("h3", {}, "Parameters"), h("ul", {}, parameters.map((each) => h("li", {}, h("code", {}, each.name), ` in ${each.in}, ${typeWords(each.schema ?? {}, root)}`, each.required && [" ", h("span", { class: "chip plain" }, "required")], each.description && h("p", { class: "hint" }, each.description))))],
    h(
      "div",
      { class: "halves" },
      operation.requestBody && h("div", {}, h("h3", {}, "Body"), contents(resolved(operation.requestBody, root).content, root)),
      h("div", {}, h("h3", {}, "Answers"), responses(operation.responses ?? {}, root)),
    ),
  );
}

function security(wanted) {
  if (!wanted?.length) return null;
  return h("p", { class: "hint" }, "Needs ", wanted.map((each) => Object.keys(each).join(" and ") || "nothing").join(", or "), ".");
}

function contents(content, root) {
  return Object.entries(content ?? {}).map(([type, media]) => [
    h("p", { class: "code muted" }, type === "*/*" ? "anything" : type),
    media.schema && schemaView(media.schema, root),
    examplesOf(media).map(([name, value]) => h("details", {}, h("summary", {}, `Example ${name}`), code(typeof value === "string" ? value : JSON.stringify(value, null, 2), "example"))),
  ]);
}

function examplesOf(media) {
  const named = Object.entries(media.examples ?? {}).map(([name, each]) => [name, each.value]);
  return media.example === undefined ? named : [["", media.example], ...named];
}

function responses(all, root) {
  const entries = Object.entries(all).map(([status, response]) => [status, resolved(response, root)]);
  const isError = ([status]) => /^[45]/.test(status);
  const good = entries.filter((entry) => !isError(entry));
  const rest = entries.filter(isError);
  const one = ([status, response]) => h("div", { class: "response" }, h("p", {}, h("span", { class: `chip ${status < "400" ? "good" : "plain"}` }, status), ` ${response.description ?? ""}`), contents(response.content, root));
  return [good.map(one), rest.length > 0 && h("details", {}, h("summary", {}, `Errors (${rest.length}): ${rest.map(([status]) => status).join(", ")}`), rest.map(one))];
}
