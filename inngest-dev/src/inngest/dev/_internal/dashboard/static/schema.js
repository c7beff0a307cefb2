// Hints from the JSON schema of a typed event: its fields, an example, what does not fit.

// Follow references. A schema that contains itself is one, so only so many are followed.
export function resolve(schema, root = schema) {
  let found = schema;
  for (let hops = 0; found.$ref && hops < 8; hops++) found = root.$defs?.[found.$ref.split("/").pop()] || {};
  return found;
}

export function fieldsOf(schema) {
  const { required: names, properties } = resolve(schema);
  const required = new Set(names || []);
  return Object.entries(properties || {}).map(([name, property]) => {
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
    case "array": return found.minItems ? [example(found.items || {}, root, depth + 1)] : [];
    case "integer": case "number": return found.minimum ?? (found.exclusiveMinimum >= 0 ? found.exclusiveMinimum + 1 : 0);
    case "boolean": return false;
    case "null": return null;
    default: return found.format === "date-time" ? new Date().toISOString() : found.format === "date" ? new Date().toISOString().slice(0, 10) : "";
  }
}

export function problems(value, schema) {
  if (!isObject(value)) return ["the data is not an object"];
  return found(value, schema, schema, "");
}

// What of a value, and of the values in it, does not fit the schema.
function found(value, given, root, path) {
  const schema = resolve(given, root);
  const any = schema.anyOf || schema.oneOf;
  if (any) {
    const each = any.map((one) => found(value, one, root, path));
    if (each.some((wrong) => !wrong.length)) return [];
    // for an optional object or list, say what is wrong in it, and not that it is not null
    const deeper = isObject(value) || Array.isArray(value) ? each.find((wrong) => wrong.some((text) => !text.startsWith(`${path} is no `))) : null;
    return deeper || [`${path} is no ${typeName(schema, root)}`];
  }
  if (!isOfType(value, schema)) return [`${path} is no ${typeName(schema, root)}`];
  const inside = (name) => (path ? `${path}.${name}` : String(name));
  if (isObject(value)) {
    const known = schema.properties || {};
    return [
      ...(schema.required || []).filter((name) => !Object.hasOwn(value, name)).map((name) => `${inside(name)} is missing`),
      ...Object.keys(value).flatMap((name) => {
        if (Object.hasOwn(known, name)) return found(value[name], known[name], root, inside(name));
        if (schema.additionalProperties === false) return [`${inside(name)} is not known`];
        return isObject(schema.additionalProperties) ? found(value[name], schema.additionalProperties, root, inside(name)) : [];
      }),
    ];
  }
  const limits = LIMITS.filter(([name, exceeds]) => schema[name] !== undefined && exceeds(value, schema[name]))
    .map(([name, , text]) => `${path} ${text} ${schema[name]}`);
  if (!Array.isArray(value)) return limits;
  const items = value.flatMap((item, at) => found(item, schema.prefixItems?.[at] || schema.items || {}, root, inside(at)));
  return [...limits, ...items];
}

const LIMITS = [
  ["minimum", (value, limit) => value < limit, "is less than"],
  ["maximum", (value, limit) => value > limit, "is more than"],
  ["exclusiveMinimum", (value, limit) => value <= limit, "is not over"],
  ["exclusiveMaximum", (value, limit) => value >= limit, "is not under"],
  ["minLength", (value, limit) => [...value].length < limit, "is shorter than"],
  ["maxLength", (value, limit) => [...value].length > limit, "is longer than"],
  ["minItems", (value, limit) => value.length < limit, "has less than"],
  ["maxItems", (value, limit) => value.length > limit, "has more than"],
];

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isOfType(value, schema) {
  if (schema.enum) return schema.enum.includes(value);
  if (schema.const !== undefined) return value === schema.const;
  switch (schema.type) {
    case "integer": return Number.isInteger(value);
    case "number": return typeof value === "number";
    case "string": return typeof value === "string" && !(["date", "date-time"].includes(schema.format) && isNaN(Date.parse(value)));
    case "boolean": return typeof value === "boolean";
    case "null": return value === null;
    case "array": return Array.isArray(value);
    case "object": return isObject(value);
    default: return true;
  }
}

function typeName(schema, root, depth = 0) {
  const within = (one) => (depth > 2 ? "value" : typeName(resolve(one, root), root, depth + 1));
  const any = schema.anyOf || schema.oneOf;
  if (any) return any.map(within).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${within(schema.items || {})}`;
  return schema.format || schema.type || "value";
}
