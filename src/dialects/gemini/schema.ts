// Gemini's `Schema`, a subset of OpenAPI 3.0's, as JSON Schema.
// Source: https://ai.google.dev/api/caching#Schema. The other way is not needed: Gemini takes JSON Schema as it is beside it.

import { isFields } from "../fields.ts";
import { camelFields } from "./names.ts";

type Json = Readonly<Record<string, unknown>>;

/** Fields that hold a schema, a list of schemas, or schemas by name. */
const INNER = new Set(["items", "additionalProperties"]);
const LISTS = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const MAPS = new Set(["properties", "defs"]);
/** Counts: the protocol writes 64-bit numbers as texts. */
const COUNTS = new Set(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]);

/** The JSON Schema that says the same: types in lower case, `nullable` as a type, counts as numbers. */
export function toJsonSchema(schema: unknown): Json {
  const fields = camelFields(schema);
  if (fields === null) return {};
  const converted: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === "type") converted.push([name, typesOf(value)]);
    else if (INNER.has(name) && isFields(value)) converted.push([name, toJsonSchema(value)]);
    else if (LISTS.has(name) && Array.isArray(value)) converted.push([name, value.map(toJsonSchema)]);
    else if (MAPS.has(name) && isFields(value)) converted.push([name, mapOf(value)]);
    else if (COUNTS.has(name) && typeof value === "string") converted.push([name, Number(value)]);
    else if (name === "example") converted.push(["examples", [value]]);
    // An order of properties is a hint that JSON Schema has no word for.
    else if (name !== "nullable" && name !== "propertyOrdering") converted.push([name, value]);
  }
  const json: Json = Object.fromEntries(converted);
  return fields["nullable"] === true ? nullable(json) : json;
}

function typesOf(type: unknown): unknown {
  if (typeof type === "string") return type.toLowerCase();
  return Array.isArray(type) ? type.map(typesOf) : type;
}

function mapOf(schemas: Json): Json {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, toJsonSchema(schema)]));
}

function nullable(schema: Json): Json {
  const { type, enum: values, anyOf } = schema;
  if (typeof type === "string") {
    const all = Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {};
    return { ...schema, type: [type, "null"], ...all };
  }
  return Array.isArray(anyOf) ? { ...schema, anyOf: [...anyOf, { type: "null" }] } : schema;
}
