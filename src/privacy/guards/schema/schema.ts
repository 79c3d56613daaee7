// A JSON Schema of whoever calls (drafts 2020-12 and 07), ready to judge values. It comes from outside: how large it may be, how deep, and
// how much work one value may take are bounded, nothing is loaded that lies outside of it, and no code is made of it.

import { compilePattern, type Pattern } from "../../../config/patterns.ts";
import { isFields } from "../../../dialects/fields.ts";
import { type Rule, rulesOf } from "./keywords.ts";
import { OutOfWork, type Place, ROOT, Run, Seen, Work } from "./run.ts";
import { SchemaFault } from "./schema_fault.ts";

/** The largest schema; bytes of JSON. */
export const SCHEMA_MAX_BYTES = 256 * 1024;
/** How many schemas may lie in one, and how deeply. */
const NODES_MAX = 5_000;
const DEPTH_MAX = 64;
/** Different patterns, and how long one may be. */
const PATTERNS_MAX = 32;
const PATTERN_MAX_CHARS = 256;
/** Where a schema lies that does not say so itself. */
const NOWHERE = "schema:/";

/** What a value is by a schema. */
export type SchemaVerdict =
  | { readonly kind: "valid" }
  /** What is wrong, in words: where in the value, and what the schema wants there. */
  | { readonly kind: "invalid"; readonly errors: readonly string[] }
  /** It takes more work than there is. */
  | { readonly kind: "unjudged" };

const VALID: SchemaVerdict = { kind: "valid" };
const UNJUDGED: SchemaVerdict = { kind: "unjudged" };

/** Judges values by a schema. */
export interface Schema {
  /** @param work what the work is taken from; that of an answer of its own where nothing is said */
  judge(value: unknown, work?: Work): SchemaVerdict;
}

/** Reads a schema that is valid JSON; a fault where it is no schema, or none that can be used here. */
export function readSchema(value: unknown): Schema | { readonly fault: string } {
  try {
    const root = new SchemaReader(value).root;
    return { judge: (judged, work = new Work()) => judge(root, judged, work) };
  } catch (error) {
    if (error instanceof SchemaFault) return { fault: error.message };
    throw error;
  }
}

function judge(root: SchemaNode, value: unknown, work: Work): SchemaVerdict {
  const run = new Run(work);
  try {
    return root.check(value, ROOT, run, null) ? VALID : { kind: "invalid", errors: run.errors };
  } catch (error) {
    if (error instanceof OutOfWork) return UNJUDGED;
    throw error;
  }
}

/** One schema of those that a schema is made of. */
export class SchemaNode {
  /** Null where it takes any value, or none. */
  rules: readonly Rule[] | null = null;
  takes_any = true;
  /** Whether it has to be known what its parts have looked at. */
  notes_seen = false;

  /**
   * Whether it takes a value.
   * @param outer learns what of the value was looked at; null: nobody asks
   */
  check(value: unknown, at: Place, run: Run, outer: Seen | null): boolean {
    if (this.rules === null) return this.takes_any || run.fail(at, "must not be there");
    run.enter();
    const seen = this.notes_seen ? new Seen() : null;
    let is_valid = true;
    for (const rule of this.rules) {
      if (rule(value, at, run, seen)) continue;
      is_valid = false;
      // Where nobody hears what else is wrong, nothing else is looked for.
      if (run.is_quiet) break;
    }
    run.leave();
    if (is_valid && seen !== null) outer?.add(seen);
    return is_valid;
  }
}

/** What the keywords that hold schemas hold. */
const HOLDS_ONE = [
  ...["additionalItems", "additionalProperties", "contains", "else", "if", "items", "not"],
  ...["propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"],
];
const HOLDS_LIST = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const HOLDS_MAP = [
  ...["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"],
];

/** Reads a schema and those within it. */
export class SchemaReader {
  readonly root: SchemaNode;
  readonly is_draft_07: boolean;
  readonly #notes_seen: boolean;
  readonly #nodes = new Map<object, SchemaNode>();
  /** Of every schema, the address that its references start from. */
  readonly #bases = new Map<object, string>();
  /** Schemas by their addresses, and by their anchors' (`address#name`). */
  readonly #places = new Map<string, unknown>();
  readonly #patterns = new Map<string, Pattern>();
  readonly #names = new Set<string>();
  #count = 0;

  constructor(value: unknown) {
    const draft = isFields(value) ? value["$schema"] : undefined;
    this.is_draft_07 = typeof draft === "string" && draft.includes("draft-07");
    this.#places.set(NOWHERE, value);
    this.#index(value, NOWHERE, 0);
    this.#notes_seen =
      !this.is_draft_07 && (this.#names.has("unevaluatedItems") || this.#names.has("unevaluatedProperties"));
    this.root = this.node(value);
  }

  /** The schema of a value that stands where one belongs. */
  node(value: unknown): SchemaNode {
    if (typeof value === "boolean") {
      const node = new SchemaNode();
      node.takes_any = value;
      return node;
    }
    if (!isFields(value)) throw new SchemaFault("a schema must be an object or a boolean");
    let node = this.#nodes.get(value);
    if (node === undefined) {
      node = new SchemaNode();
      // It is known before it is read, because it may lead to itself.
      this.#nodes.set(value, node);
      node.notes_seen = this.#notes_seen;
      node.rules = rulesOf(value, this);
    }
    return node;
  }

  /** The schema that a reference within `from` leads to. */
  resolve(from: object, ref: string): SchemaNode {
    const address = addressOf(ref, this.#bases.get(from) ?? NOWHERE);
    const [resource = "", fragment = ""] = address.split("#");
    if (!fragment.startsWith("/")) {
      const place = fragment === "" ? resource : address;
      if (this.#places.has(place)) return this.node(this.#places.get(place));
    } else if (this.#places.has(resource)) return this.node(this.#follow(resource, fragment, ref));
    throw new SchemaFault(`the reference ${shown(ref)} leads to nothing in the schema; nothing is loaded`);
  }

  /** A dynamic reference leads where a plain one does as long as the schema is one piece. */
  resolveDynamic(from: object, ref: string): SchemaNode {
    if (this.#names.has("$id inside")) throw new SchemaFault("$dynamicRef among several resources");
    return this.resolve(from, ref);
  }

  /** A pattern on an engine whose time is linear in the text. */
  pattern(source: string): Pattern {
    const known = this.#patterns.get(source);
    if (known !== undefined) return known;
    if (source.length > PATTERN_MAX_CHARS) {
      throw new SchemaFault(`a pattern has more than ${PATTERN_MAX_CHARS} characters`);
    }
    if (this.#patterns.size >= PATTERNS_MAX) throw new SchemaFault(`it has over ${PATTERNS_MAX} patterns`);
    const pattern = compilePattern(source);
    if ("fault" in pattern) throw new SchemaFault(`the pattern ${shown(source)} cannot be run`);
    this.#patterns.set(source, pattern);
    return pattern;
  }

  /** Walks through all schemas, so that what refers to one can be read before it. */
  #index(value: unknown, outer_base: string, depth: number): void {
    if (!isFields(value) || this.#bases.has(value)) return;
    this.#count += 1;
    if (this.#count > NODES_MAX) throw new SchemaFault(`it is made of more than ${NODES_MAX} schemas`);
    if (depth > DEPTH_MAX) throw new SchemaFault(`it is nested more than ${DEPTH_MAX} deep`);
    const base = this.#baseOf(value, outer_base, depth);
    this.#bases.set(value, base);
    for (const name of ["$anchor", "$dynamicAnchor"]) {
      if (typeof value[name] === "string") this.#places.set(`${base}#${value[name]}`, value);
    }
    for (const name of Object.keys(value)) this.#names.add(name);
    for (const name of HOLDS_ONE) this.#index(value[name], base, depth + 1);
    for (const name of HOLDS_LIST) {
      const held = value[name];
      if (Array.isArray(held)) for (const one of held) this.#index(one, base, depth + 1);
    }
    for (const name of HOLDS_MAP) {
      const held = value[name];
      if (isFields(held)) for (const one of Object.values(held)) this.#index(one, base, depth + 1);
    }
  }

  #baseOf(schema: Readonly<Record<string, unknown>>, outer_base: string, depth: number): string {
    const id = schema["$id"];
    // In draft 07 nothing stands beside a reference.
    const is_hidden = this.is_draft_07 && typeof schema["$ref"] === "string";
    if (typeof id !== "string" || is_hidden) return outer_base;
    const address = addressOf(id, outer_base);
    const [base = "", fragment = ""] = address.split("#");
    if (fragment !== "") {
      this.#places.set(address, schema);
      return outer_base;
    }
    if (depth > 0) this.#names.add("$id inside");
    this.#places.set(base, schema);
    return base;
  }

  /** What a JSON pointer (RFC 6901) leads to. */
  #follow(resource: string, fragment: string, ref: string): unknown {
    let value = this.#places.get(resource);
    let base = resource;
    let depth = 0;
    for (const step of fragment.slice(1).split("/")) {
      const key = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~");
      const is_there = typeof value === "object" && value !== null && Object.hasOwn(value, key);
      if (!is_there) throw new SchemaFault(`the reference ${shown(ref)} leads to nothing in the schema`);
      value = (value as Readonly<Record<string, unknown>>)[key];
      if (isFields(value)) base = this.#bases.get(value) ?? base;
      depth += 1;
    }
    // It may lie where no schema was looked for.
    this.#index(value, base, depth);
    return value;
  }
}

function addressOf(ref: string, base: string): string {
  try {
    const { href } = new URL(ref, base);
    return href.endsWith("#") ? href.slice(0, -1) : decoded(href);
  } catch {
    throw new SchemaFault(`${shown(ref)} is no reference`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
