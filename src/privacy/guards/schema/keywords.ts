// The keywords of JSON Schema (draft 2020-12: Core, Validation; what draft 07 has besides), each as a rule about values.
// `format` and what describes content say nothing about validity, as both drafts have it by default.

import type { Pattern } from "../../../config/patterns.ts";
import { isFields } from "../../../dialects/fields.ts";
import { canonical } from "./canonical.ts";
import type { Place, Run, Seen } from "./run.ts";
import type { SchemaNode, SchemaReader } from "./schema.ts";
import { SchemaFault } from "./schema_fault.ts";

/** Says whether a value is as a keyword wants it, and tells why not. */
export type Rule = (value: unknown, at: Place, run: Run, seen: Seen | null) => boolean;

type Fields = Readonly<Record<string, unknown>>;
/** Makes the rule of a keyword. */
type MakeRule = (given: unknown, reader: SchemaReader, schema: Fields) => Rule;

/** The rules of a schema's keywords; those that look at what the others left come last. */
export function rulesOf(schema: Fields, reader: SchemaReader): Rule[] {
  if (reader.is_draft_07 && schema["$ref"] !== undefined) return [reference(schema["$ref"], reader, schema)];
  const rules: Rule[] = [];
  for (const [keyword, make] of KEYWORDS) {
    const given = schema[keyword];
    if (given === undefined || !Object.hasOwn(schema, keyword)) continue;
    if (reader.is_draft_07 && keyword.startsWith("unevaluated")) continue;
    rules.push(make(given, reader, schema));
  }
  const members = membersRule(schema, reader);
  if (members !== null) rules.unshift(members);
  const elements = elementsRule(schema, reader);
  if (elements !== null) rules.unshift(elements);
  return rules;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  string: (value) => typeof value === "string",
  array: Array.isArray,
  object: isFields,
};

const type: MakeRule = (given) => {
  const names = Array.isArray(given) ? given : [given];
  const checks = names.map((name) => {
    const check = typeof name === "string" && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    if (check === undefined) throw new SchemaFault("type must be the name of a type, or several");
    return check;
  });
  const wanted = names.join(" or ");
  return (value, at, run) => checks.some((check) => check(value)) || run.fail(at, `must be ${wanted}`);
};

const enumeration: MakeRule = (given) => {
  if (!Array.isArray(given)) throw new SchemaFault("enum must be an array");
  const allowed = new Set(given.map((one) => canonical(one, null)));
  return (value, at, run) =>
    allowed.has(canonical(value, run)) || run.fail(at, "must be one of the values of its enum");
};

const constant: MakeRule = (given) => {
  const wanted = canonical(given, null);
  return (value, at, run) =>
    canonical(value, run) === wanted || run.fail(at, "must be the value of its const");
};

/** A rule about numbers. */
function aboutNumber(is: (value: number, limit: number) => boolean, what: string): MakeRule {
  return (given) => {
    if (typeof given !== "number") throw new SchemaFault("a bound must be a number");
    return (value, at, run) =>
      typeof value !== "number" || is(value, given) || run.fail(at, `must be ${what} ${given}`);
  };
}

/** Decimals such as 0.07 and 0.01 are no exact numbers here: what is as near as they can be counts. */
function isMultiple(value: number, step: number): boolean {
  const times = value / step;
  if (!Number.isFinite(times)) return Number.isInteger(value) && Number.isInteger(1 / step);
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times)) * Number(step % 1 !== 0);
}

/** A rule about how much there is of something. */
function aboutSize(
  sizeOf: (value: unknown, run: Run) => number | null,
  is_least: boolean,
  what: string,
): MakeRule {
  return (given) => {
    if (typeof given !== "number" || given < 0) throw new SchemaFault("a size must be a number");
    return (value, at, run) => {
      const size = sizeOf(value, run);
      if (size === null || (is_least ? size >= given : size <= given)) return true;
      return run.fail(at, `must have at ${is_least ? "least" : "most"} ${given} ${what}`);
    };
  };
}

/** Characters as Unicode counts them. */
function charsOf(value: unknown, run: Run): number | null {
  if (typeof value !== "string") return null;
  run.work(value.length / 16);
  let chars = 0;
  for (const _ of value) chars += 1;
  return chars;
}

function elementsOf(value: unknown): number | null {
  return Array.isArray(value) ? value.length : null;
}

function membersOf(value: unknown, run: Run): number | null {
  if (!isFields(value)) return null;
  const { length } = Object.keys(value);
  run.work(length / 16);
  return length;
}

function matches(pattern: Pattern, text: string, run: Run): boolean {
  run.work(1 + text.length);
  return pattern.isIn(text);
}

const pattern: MakeRule = (given, reader) => {
  const wanted = reader.pattern(textOf(given, "pattern"));
  return (value, at, run) =>
    typeof value !== "string" || matches(wanted, value, run) || run.fail(at, "must match its pattern");
};

const uniqueItems: MakeRule = (given) => {
  if (given !== true) return () => true;
  return (value, at, run) => {
    if (!Array.isArray(value)) return true;
    const known = new Set(value.map((one) => canonical(one, run)));
    return known.size === value.length || run.fail(at, "must not have the same element twice");
  };
};

const contains: MakeRule = (given, reader, schema) => {
  const node = reader.node(given);
  const { minContains = 1, maxContains = Number.POSITIVE_INFINITY } = schema;
  if (typeof minContains !== "number" || typeof maxContains !== "number")
    throw new SchemaFault("minContains and maxContains must be numbers");
  return (value, at, run, seen) => {
    if (!Array.isArray(value)) return true;
    let found = 0;
    for (const [index, one] of value.entries()) {
      if (!run.quietly(() => node.check(one, at, run, null))) continue;
      found += 1;
      seen?.keys.add(index);
    }
    if (found >= minContains && found <= maxContains) return true;
    return run.fail(at, "must have the right number of the elements that it is to contain");
  };
};

const required: MakeRule = (given) => {
  const names = namesOf(given, "required");
  return (value, at, run) => {
    if (!isFields(value)) return true;
    run.work(names.length / 16);
    return lacksNone(value, names, at, run);
  };
};

function lacksNone(value: Fields, names: readonly string[], at: Place, run: Run): boolean {
  let is_valid = true;
  for (const name of names) {
    if (Object.hasOwn(value, name)) continue;
    is_valid = run.fail(at, `must have the member ${JSON.stringify(name)}`);
  }
  return is_valid;
}

const propertyNames: MakeRule = (given, reader) => {
  const node = reader.node(given);
  return (value, at, run) => {
    if (!isFields(value)) return true;
    for (const name of Object.keys(value)) {
      const is_fit = run.quietly(() => node.check(name, at, run, null));
      if (!is_fit) return run.fail({ within: at, key: name }, "must have another name");
    }
    return true;
  };
};

const dependentRequired: MakeRule = (given) => {
  const groups = mapOf(given, "dependentRequired", (names) => namesOf(names, "dependentRequired"));
  return (value, at, run) =>
    !isFields(value) ||
    groups.every(([name, names]) => !Object.hasOwn(value, name) || lacksNone(value, names, at, run));
};

const dependentSchemas: MakeRule = (given, reader) => {
  const groups = mapOf(given, "dependentSchemas", (schema) => reader.node(schema));
  return (value, at, run, seen) =>
    !isFields(value) ||
    groups.every(([name, node]) => !Object.hasOwn(value, name) || node.check(value, at, run, seen));
};

/** Draft 07 has both of them in one. */
const dependencies: MakeRule = (given, reader, schema) => {
  const entries = Object.entries(isFields(given) ? given : {});
  const names = entries.filter(([, one]) => Array.isArray(one));
  const nodes = entries.filter(([, one]) => !Array.isArray(one));
  const wants = dependentRequired(Object.fromEntries(names), reader, schema);
  const applies = dependentSchemas(Object.fromEntries(nodes), reader, schema);
  return (value, at, run, seen) => wants(value, at, run, seen) && applies(value, at, run, seen);
};

const reference: MakeRule = (given, reader, schema) => {
  const node = reader.resolve(schema, textOf(given, "$ref"));
  return (value, at, run, seen) => node.check(value, at, run, seen);
};

const dynamicReference: MakeRule = (given, reader, schema) => {
  const node = reader.resolveDynamic(schema, textOf(given, "$dynamicRef"));
  return (value, at, run, seen) => node.check(value, at, run, seen);
};

const allOf: MakeRule = (given, reader) => {
  const nodes = nodesOf(given, reader);
  return (value, at, run, seen) => {
    let is_valid = true;
    for (const node of nodes) is_valid = node.check(value, at, run, seen) && is_valid;
    return is_valid;
  };
};

const anyOf: MakeRule = (given, reader) => {
  const nodes = nodesOf(given, reader);
  return (value, at, run, seen) => {
    const takes = (node: SchemaNode) => run.quietly(() => node.check(value, at, run, seen));
    // What they have seen is asked of all of them.
    const is_valid = seen === null ? nodes.some(takes) : nodes.filter(takes).length > 0;
    return is_valid || run.fail(at, "must be valid by one of the schemas of its anyOf");
  };
};

const oneOf: MakeRule = (given, reader) => {
  const nodes = nodesOf(given, reader);
  return (value, at, run, seen) => {
    const taken = nodes.filter((node) => run.quietly(() => node.check(value, at, run, seen)));
    return taken.length === 1 || run.fail(at, "must be valid by exactly one of the schemas of its oneOf");
  };
};

const not: MakeRule = (given, reader) => {
  const node = reader.node(given);
  return (value, at, run) =>
    !run.quietly(() => node.check(value, at, run, null)) || run.fail(at, "must not be what its not says");
};

const condition: MakeRule = (given, reader, schema) => {
  const test = reader.node(given);
  const then = reader.node(schema["then"] ?? true);
  const otherwise = reader.node(schema["else"] ?? true);
  return (value, at, run, seen) => {
    const is_so = run.quietly(() => test.check(value, at, run, seen));
    return (is_so ? then : otherwise).check(value, at, run, seen);
  };
};

/** `properties`, `patternProperties` and `additionalProperties` together: which of them a member falls under. */
function membersRule(schema: Fields, reader: SchemaReader): Rule | null {
  const { properties, patternProperties, additionalProperties } = schema;
  if (properties === undefined && patternProperties === undefined && additionalProperties === undefined)
    return null;
  const named = new Map(mapOf(properties ?? {}, "properties", (one) => reader.node(one)));
  const patterned = mapOf(patternProperties ?? {}, "patternProperties", (one) => reader.node(one)).map(
    ([source, node]) => [reader.pattern(source), node] as const,
  );
  const others = additionalProperties === undefined ? null : reader.node(additionalProperties);
  return (value, at, run, seen) => {
    if (!isFields(value)) return true;
    let is_valid = true;
    for (const [name, member] of Object.entries(value)) {
      const nodes: SchemaNode[] = [];
      const own = named.get(name);
      if (own !== undefined) nodes.push(own);
      for (const [wanted, node] of patterned) if (matches(wanted, name, run)) nodes.push(node);
      if (nodes.length === 0 && others !== null) nodes.push(others);
      if (nodes.length > 0) seen?.keys.add(name);
      const place = { within: at, key: name };
      for (const node of nodes) is_valid = node.check(member, place, run, null) && is_valid;
      if (!is_valid && run.is_quiet) return false;
    }
    return is_valid;
  };
}

/** `prefixItems` and `items`, or what draft 07 calls `items` and `additionalItems`. */
function elementsRule(schema: Fields, reader: SchemaReader): Rule | null {
  const is_tuple = Array.isArray(schema["items"]);
  const first = is_tuple ? schema["items"] : reader.is_draft_07 ? undefined : schema["prefixItems"];
  const rest = is_tuple ? schema["additionalItems"] : schema["items"];
  if (first === undefined && rest === undefined) return null;
  const firsts = first === undefined ? [] : nodesOf(first, reader, true);
  const others = rest === undefined ? null : reader.node(rest);
  return (value, at, run, seen) => {
    if (!Array.isArray(value)) return true;
    let is_valid = true;
    for (const [index, element] of value.entries()) {
      const node = firsts[index] ?? others;
      if (node === null) break;
      seen?.keys.add(index);
      is_valid = node.check(element, { within: at, key: index }, run, null) && is_valid;
      if (!is_valid && run.is_quiet) return false;
    }
    return is_valid;
  };
}

/** A rule about what none of the others has looked at. */
function unevaluated(
  partsOf: (value: unknown) => Iterable<readonly [string | number, unknown]> | null,
): MakeRule {
  return (given, reader) => {
    const node = reader.node(given);
    return (value, at, run, seen) => {
      const parts = partsOf(value);
      if (parts === null) return true;
      let is_valid = true;
      for (const [key, part] of parts) {
        if (seen?.has(key)) continue;
        is_valid = node.check(part, { within: at, key }, run, null) && is_valid;
      }
      if (seen !== null) seen.has_all = true;
      return is_valid;
    };
  };
}

/** In the order in which they are asked. */
const KEYWORDS: readonly (readonly [string, MakeRule])[] = [
  ["type", type],
  ["enum", enumeration],
  ["const", constant],
  ["minimum", aboutNumber((value, limit) => value >= limit, "at least")],
  ["maximum", aboutNumber((value, limit) => value <= limit, "at most")],
  ["exclusiveMinimum", aboutNumber((value, limit) => value > limit, "above")],
  ["exclusiveMaximum", aboutNumber((value, limit) => value < limit, "below")],
  ["multipleOf", aboutNumber(isMultiple, "a multiple of")],
  ["minLength", aboutSize(charsOf, true, "characters")],
  ["maxLength", aboutSize(charsOf, false, "characters")],
  ["pattern", pattern],
  ["minItems", aboutSize(elementsOf, true, "elements")],
  ["maxItems", aboutSize(elementsOf, false, "elements")],
  ["uniqueItems", uniqueItems],
  ["contains", contains],
  ["minProperties", aboutSize(membersOf, true, "members")],
  ["maxProperties", aboutSize(membersOf, false, "members")],
  ["required", required],
  ["propertyNames", propertyNames],
  ["dependentRequired", dependentRequired],
  ["dependentSchemas", dependentSchemas],
  ["dependencies", dependencies],
  ["$ref", reference],
  ["$dynamicRef", dynamicReference],
  ["allOf", allOf],
  ["anyOf", anyOf],
  ["oneOf", oneOf],
  ["not", not],
  ["if", condition],
  ["unevaluatedItems", unevaluated((value) => (Array.isArray(value) ? value.entries() : null))],
  ["unevaluatedProperties", unevaluated((value) => (isFields(value) ? Object.entries(value) : null))],
];

function nodesOf(given: unknown, reader: SchemaReader, may_be_empty = false): SchemaNode[] {
  if (!Array.isArray(given) || (given.length === 0 && !may_be_empty))
    throw new SchemaFault("allOf, anyOf, oneOf and prefixItems must be arrays of schemas");
  return given.map((one) => reader.node(one));
}

function mapOf<T>(given: unknown, keyword: string, read: (value: unknown) => T): (readonly [string, T])[] {
  if (!isFields(given)) throw new SchemaFault(`${keyword} must be an object`);
  return Object.entries(given).map(([name, value]) => [name, read(value)]);
}

function namesOf(given: unknown, keyword: string): readonly string[] {
  const is_list = Array.isArray(given) && given.every((one): one is string => typeof one === "string");
  if (!is_list) throw new SchemaFault(`${keyword} must be an array of strings`);
  return given;
}

function textOf(given: unknown, keyword: string): string {
  if (typeof given !== "string") throw new SchemaFault(`${keyword} must be a string`);
  return given;
}
