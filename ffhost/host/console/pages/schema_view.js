// A JSON Schema as something to read.

import { h } from "./dom.js";
import { defaultWords, limitWords, resolved, typeWords } from "./schemas.js";

const DEEPEST = 6;

/** Return the fields of a schema as nested lists; what refers to itself is not followed again. */
export function schemaView(schema, root = schema) {
  return h("div", { class: "schema" }, describe(schema, root, []));
}

function describe(schema, root, above) {
  const plain = resolved(schema, root);
  const inner = nested(plain, root);
  const head = h("p", {}, h("code", {}, typeWords(schema, root)), plain.description && ` — ${plain.description}`);
  if (!inner.length || above.length > DEEPEST || above.includes(key(schema))) return head;
  return [head, lists(inner, root, [...above, key(schema)])];
}

function key(schema) {
  return schema.$ref ?? JSON.stringify(schema);
}

/** Return the schemas that have fields below this one. */
function nested(schema, root) {
  const below = [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].map((each) => resolved(each, root));
  return below.flatMap((each) => {
    const item = each.items && resolved(each.items, root);
    return [each, item].filter((one) => one?.properties);
  });
}

function lists(schemas, root, above) {
  return schemas.map((schema) => h("ul", {}, Object.entries(schema.properties).map(([name, value]) => field(name, value, schema, root, above))));
}

function field(name, schema, parent, root, above) {
  const plain = resolved(schema, root);
  const limits = [limitWords(plain), defaultWords(plain)].filter(Boolean).join(", ");
  const inner = above.includes(key(schema)) || above.length > DEEPEST ? [] : nested(plain, root);
  return h(
    "li",
    {},
    h("code", {}, name),
    ` ${typeWords(schema, root)}`,
    parent.required?.includes(name) ? [" ", h("span", { class: "chip plain" }, "required")] : null,
    limits && h("span", { class: "muted" }, ` ${limits}`),
    plain.description && h("p", { class: "hint" }, plain.description),
    lists(inner, root, [...above, key(schema)]),
  );
}
