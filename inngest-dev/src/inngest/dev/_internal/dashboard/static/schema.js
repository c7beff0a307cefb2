// Hints from the JSON schema of a typed event: its fields, an example, what does not fit.

export function fieldsOf(schema) {
  const required = new Set(schema.required || []);
  return Object.entries(schema.properties || {}).map(([name, property]) => {
    const resolved = resolve(property, schema);
    return { name, type: typeName(resolved, schema), isRequired: required.has(name), text: resolved.description || property.description || "" };
  });
}

export function example(schema, root = schema, depth = 0) {
  const found = resolve(schema, root);
  if (found.default !== undefined) return found.default;
  if (found.examples?.length) return found.examples[0];
  if (found.const !== undefined) return found.const;
  if (found.enum) return found.enum[0];
  if (found.anyOf || found.oneOf) return example((found.anyOf || found.oneOf)[0], root, depth + 1);
  switch (found.type) {
    case "object": return depth > 4 ? {} : Object.fromEntries(Object.entries(found.properties || {})
      .map(([name, property]) => [name, example(property, root, depth + 1)]));
    case "array": return [];
    case "integer": case "number": return found.minimum ?? 0;
    case "boolean": return false;
    case "null": return null;
    default: return found.format === "date-time" ? new Date().toISOString() : found.format === "date" ? new Date().toISOString().slice(0, 10) : "";
  }
}

export function problems(value, schema) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return ["the data is not an object"];
  const missing = (schema.required || []).filter((name) => !(name in value)).map((name) => `${name} is missing`);
  const wrong = Object.entries(schema.properties || {})
    .filter(([name, property]) => name in value && !fits(value[name], resolve(property, schema), schema))
    .map(([name, property]) => `${name} is no ${typeName(resolve(property, schema), schema)}`);
  return [...missing, ...wrong];
}

function fits(value, schema, root) {
  const any = schema.anyOf || schema.oneOf;
  if (any) return any.some((each) => fits(value, resolve(each, root), root));
  switch (schema.type) {
    case "integer": return Number.isInteger(value);
    case "number": return typeof value === "number";
    case "string": return typeof value === "string";
    case "boolean": return typeof value === "boolean";
    case "null": return value === null;
    case "array": return Array.isArray(value);
    case "object": return value !== null && typeof value === "object" && !Array.isArray(value);
    default: return true;
  }
}

function resolve(schema, root) {
  let found = schema;
  for (let hops = 0; found.$ref && hops < 8; hops++) found = root.$defs?.[found.$ref.split("/").pop()] || {};
  return found;
}

function typeName(schema, root) {
  const any = schema.anyOf || schema.oneOf;
  if (any) return any.map((each) => typeName(resolve(each, root), root)).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" or ");
  if (schema.type === "array") return `list of ${typeName(resolve(schema.items || {}, root), root)}`;
  return schema.format || schema.type || "value";
}
