// A value that satisfies a JSON Schema: what the `tool` model calls with, and what `json_schema` formats answer.
// Only what is required is filled in. A budget of nodes and a depth bound what recursive or hostile schemas can cost.

import { randomFrom } from "./random.ts";
import { type Schema, sampleNumber, sampleString } from "./schema_values.ts";

/** Values made for one schema; after them everything is null. */
const NODES_MAX = 10_000;
/** From this depth on the shortest alternative is taken, so that recursive schemas end. */
const DEPTH_SHORT = 5;
/** Deeper values are null. */
const DEPTH_MAX = 64;

/** What the making of one instance shares. */
interface Making {
  readonly root: Schema;
  readonly random: (bound: number) => number;
  nodes_left: number;
}

/**
 * Makes an instance. Understood: `type`, `const`, `enum`, `properties`, `required`, `minProperties`, `items`,
 * `prefixItems`, `minItems`, `uniqueItems`, `anyOf`, `oneOf`, `allOf`, `$ref` within the schema, the bounds of numbers
 * and strings, and common formats. `pattern` is not understood: such a string may not match.
 */
export function schemaInstance(schema: unknown, seed: number): unknown {
  const making = { root: asSchema(schema), random: randomFrom(seed), nodes_left: NODES_MAX };
  return make(schema, "", 0, making);
}

function make(given: unknown, name: string, depth: number, making: Making): unknown {
  if (making.nodes_left-- <= 0 || depth > DEPTH_MAX) return null;
  const schema = resolve(asSchema(given), making.root);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0)
    return schema.enum[making.random(schema.enum.length)];
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(alternatives) && alternatives.length > 0) {
    const chosen = depth < DEPTH_SHORT ? alternatives[0] : shortest(alternatives, making.root);
    const { anyOf: _any, oneOf: _one, ...rest } = schema;
    return make(merge(rest, resolve(asSchema(chosen), making.root)), name, depth + 1, making);
  }
  switch (typeOf(schema)) {
    case "object":
      return makeObject(schema, depth, making);
    case "array":
      return makeArray(schema, name, depth, making);
    case "string":
      return sampleString(schema, name, making.random);
    case "integer":
      return sampleNumber(schema, true, making.random);
    case "number":
      return sampleNumber(schema, false, making.random);
    case "boolean":
      return making.random(2) === 1;
    default:
      return null;
  }
}

function makeObject(schema: Schema, depth: number, making: Making): unknown {
  const properties = asSchema(schema.properties);
  const required = new Set(Array.isArray(schema.required) ? schema.required.map(String) : []);
  const entries: [string, unknown][] = [];
  // In the order in which the schema names them, as models write them; those it requires without describing come last.
  for (const key of Object.keys(properties)) {
    if (required.delete(key)) entries.push([key, make(properties[key], key, depth + 1, making)]);
  }
  for (const key of required) {
    entries.push([key, make(schema.additionalProperties ?? {}, key, depth + 1, making)]);
  }
  const wanted = atLeast(schema.minProperties, making);
  const present = new Set(entries.map(([key]) => key));
  for (const key of Object.keys(properties)) {
    if (entries.length >= wanted) break;
    if (!present.has(key)) entries.push([key, make(properties[key], key, depth + 1, making)]);
  }
  for (let extra = 1; entries.length < wanted; extra++) {
    const key = `property_${extra}`;
    if (!present.has(key))
      entries.push([key, make(schema.additionalProperties ?? {}, key, depth + 1, making)]);
  }
  return Object.fromEntries(entries);
}

function makeArray(schema: Schema, name: string, depth: number, making: Making): unknown[] {
  const leading = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  const most = typeof schema.maxItems === "number" ? schema.maxItems : Number.POSITIVE_INFINITY;
  // One item where none is asked for says more than an empty array, except deep down.
  const usual = depth < DEPTH_SHORT && schema.items !== false ? 1 : 0;
  const wanted = Math.min(most, Math.max(atLeast(schema.minItems, making), leading.length, usual));
  const items: unknown[] = [];
  const distinct = schema.uniqueItems === true;
  // Strings that may be anything are told apart by a number; other values are tried again.
  const free = distinct && isFreeString(resolve(asSchema(schema.items), making.root));
  const seen = new Set<string>();
  for (let tries = 0; items.length < wanted && tries < wanted * 8; tries++) {
    const item = make(leading[items.length] ?? schema.items ?? {}, name, depth + 1, making);
    const varied = free && seen.has(JSON.stringify(item)) ? `${item} ${items.length + 1}` : item;
    const json = JSON.stringify(varied);
    if (distinct && seen.has(json)) continue;
    seen.add(json);
    items.push(varied);
  }
  return items;
}

/** Whether a schema lets a string be longer than it is. */
function isFreeString(schema: Schema): boolean {
  const bound = ["enum", "const", "anyOf", "oneOf", "format", "maxLength"].some(
    (keyword) => keyword in schema,
  );
  return typeOf(schema) === "string" && !bound;
}

/** Follows `$ref`s and folds `allOf` in. A reference that leads nowhere means anything goes. */
function resolve(schema: Schema, root: Schema): Schema {
  let resolved = schema;
  for (let hops = 0; typeof resolved.$ref === "string" && hops < DEPTH_MAX; hops++) {
    const { $ref, ...rest } = resolved;
    resolved = merge(rest, asSchema(at(root, $ref as string)));
  }
  if (!Array.isArray(resolved.allOf)) return resolved;
  const { allOf, ...rest } = resolved;
  let folded: Schema = rest;
  for (const part of (allOf as unknown[]).slice(0, DEPTH_MAX)) {
    const piece = asSchema(part);
    const target = typeof piece.$ref === "string" ? asSchema(at(root, piece.$ref)) : piece;
    folded = merge(folded, target);
  }
  return folded;
}

/** Two schemas that hold together: properties and requirements add up, of other keywords the second's count. */
function merge(first: Schema, second: Schema): Schema {
  const merged: Record<string, unknown> = { ...first, ...second };
  if (first.properties !== undefined && second.properties !== undefined) {
    merged.properties = { ...asSchema(first.properties), ...asSchema(second.properties) };
  }
  if (Array.isArray(first.required) && Array.isArray(second.required)) {
    merged.required = [...new Set([...first.required, ...second.required])];
  }
  return merged;
}

/** What a JSON pointer in a fragment (`#/$defs/node`) names, or undefined. */
function at(root: Schema, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let value: unknown = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    const key = decodePart(step);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function decodePart(step: string): string {
  const plain = step.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

/** The alternative that ends soonest: null, then a single value, then an array, then the last. */
function shortest(alternatives: readonly unknown[], root: Schema): unknown {
  const order = ["null", "boolean", "integer", "number", "string", "array"];
  let best: unknown = alternatives.at(-1);
  let best_rank = order.length;
  for (const alternative of alternatives) {
    const rank = order.indexOf(typeOf(resolve(asSchema(alternative), root)));
    if (rank >= 0 && rank < best_rank) {
      best = alternative;
      best_rank = rank;
    }
  }
  return best;
}

/** A schema's type; of several the first; without one what its keywords speak of. */
function typeOf(schema: Schema): string {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (typeof type === "string") return type;
  if ("properties" in schema || "required" in schema || "minProperties" in schema) return "object";
  if ("items" in schema || "prefixItems" in schema || "minItems" in schema) return "array";
  if ("minimum" in schema || "maximum" in schema || "multipleOf" in schema) return "number";
  return "string";
}

/** A lower bound on a count, kept to what may still be made. */
function atLeast(value: unknown, making: Making): number {
  return typeof value === "number" ? Math.min(Math.max(0, value), making.nodes_left) : 0;
}

/** A schema as an object; `true`, `false` and what is no schema say nothing about the value. */
function asSchema(value: unknown): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}
