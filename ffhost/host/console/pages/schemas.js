// JSON Schema as the forms and the pages read it: references, variants, words for types.

/** Return a schema without $ref at its top, and with allOf of one or more merged. */
export function resolved(schema, root) {
  let found = schema ?? {};
  for (let steps = 0; found.$ref && steps < 20; steps += 1) {
    const { $ref, ...beside } = found;
    found = { ...lookUp($ref, root), ...beside };
  }
  if (found.allOf) {
    const { allOf, ...beside } = found;
    const parts = allOf.map((part) => resolved(part, root));
    found = Object.assign({}, ...parts, beside, {
      properties: Object.assign({}, ...parts.map((part) => part.properties ?? {}), beside.properties),
      required: [...parts.flatMap((part) => part.required ?? []), ...(beside.required ?? [])],
    });
  }
  return found;
}

function lookUp(reference, root) {
  const steps = reference.replace(/^#\/?/, "").split("/").filter(Boolean);
  const decoded = steps.map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"));
  return decoded.reduce((found, step) => found?.[step], root) ?? {};
}

/** Return the schemas that a value may follow, of oneOf, anyOf and lists of types; [] if only one. */
export function variants(schema) {
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return several;
  if (!Array.isArray(schema.type)) return [];
  return schema.type.map((type) => (type === "null" ? { type } : { ...schema, type }));
}

/** Return the type of a schema, also where only its other words tell it. */
export function typeOf(schema) {
  if (schema.const !== undefined) return "const";
  if (schema.enum) return "enum";
  if (schema.type) return schema.type;
  if (schema.properties || schema.additionalProperties) return "object";
  if (schema.items || schema.prefixItems) return "array";
  return "any";
}

/** Return a type in a few words, such as "list of Line" or "text or null". */
export function typeWords(schema, root) {
  const name = schema?.$ref?.split("/").at(-1);
  const plain = resolved(schema, root);
  const several = variants(plain);
  if (several.length) return several.map((each) => typeWords(each, root)).join(" or ");
  const type = typeOf(plain);
  if (type === "enum") return plain.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (type === "const") return JSON.stringify(plain.const);
  if (type === "array") return plain.items ? `list of ${typeWords(plain.items, root)}` : "list";
  if (type === "object" && !plain.properties && plain.additionalProperties) return `names with ${plain.additionalProperties === true ? "any value" : typeWords(plain.additionalProperties, root)}`;
  if (type === "object") return name ?? plain.title ?? "object";
  const word = { string: "text", boolean: "true or false" }[type] ?? type;
  return plain.format ? `${word} (${plain.format})` : word;
}

/** Return the limits of a schema in words. */
export function limitWords(schema) {
  const words = {
    minimum: "at least", maximum: "at most", exclusiveMinimum: "more than", exclusiveMaximum: "less than",
    minLength: "length at least", maxLength: "length at most", pattern: "pattern", minItems: "items at least",
    maxItems: "items at most", multipleOf: "multiple of",
  };
  const told = Object.entries(words).filter(([key]) => schema[key] !== undefined).map(([key, word]) => `${word} ${schema[key]}`);
  return told.join(", ");
}

/** Return the default of a schema in words. */
export function defaultWords(schema) {
  return schema.default === undefined || schema.default === null ? "" : `default ${JSON.stringify(schema.default)}`;
}
