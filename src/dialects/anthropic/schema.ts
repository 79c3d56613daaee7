// JSON schemas as the provider takes them for strict output: every object is closed, and bounds that it cannot hold to become words of the
// description, which the model reads. Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations".

import { isFields } from "../fields.ts";
import type { Fields } from "./own.ts";

/** Keywords that hold schemas by name. */
const NAMED: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);
/** Keywords that hold lists of schemas; `oneOf` is not taken, and what fits one of them fits any. */
const LISTS: Readonly<Record<string, string>> = { anyOf: "anyOf", oneOf: "anyOf", allOf: "allOf" };
/** Keywords that are taken as they are. */
const PLAIN: ReadonlySet<string> = new Set([
  "type",
  "enum",
  "const",
  "required",
  "default",
  "title",
  "description",
  "$ref",
]);
const FORMATS: ReadonlySet<string> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);

/** The schema with nothing in it that the provider refuses. */
export function strictSchema(schema: Fields): Fields {
  const taken: Record<string, unknown> = {};
  const words: string[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    const list = LISTS[keyword];
    if (NAMED.has(keyword) && isFields(value)) taken[keyword] = mapped(value);
    else if (list !== undefined && Array.isArray(value)) taken[list] = value.map(inner);
    else if (keyword === "items") taken[keyword] = inner(value);
    else if (isTaken(keyword, value)) taken[keyword] = value;
    else if (keyword !== "$schema" && keyword !== "additionalProperties")
      words.push(`${keyword}: ${JSON.stringify(value)}`);
  }
  if (schema["type"] === "object" || "properties" in schema) taken["additionalProperties"] = false;
  if (words.length > 0) {
    const told = typeof taken["description"] === "string" ? `${taken["description"]}\n\n` : "";
    taken["description"] = `${told}{${words.join(", ")}}`;
  }
  return taken;
}

/** Whether a schema has objects whose members are not named in it: the provider knows none. */
export function hasMaps(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(hasMaps);
  if (!isFields(schema)) return false;
  const others = schema["additionalProperties"];
  return others === true || isFields(others) || Object.values(schema).some(hasMaps);
}

function isTaken(keyword: string, value: unknown): boolean {
  if (keyword === "format") return typeof value === "string" && FORMATS.has(value);
  return keyword === "minItems" ? value === 0 || value === 1 : PLAIN.has(keyword);
}

function mapped(schemas: Fields): Fields {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, inner(schema)]));
}

function inner(schema: unknown): unknown {
  return isFields(schema) ? strictSchema(schema) : schema;
}
