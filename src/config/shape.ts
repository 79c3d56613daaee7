// What the schema expects at a path: the one way from a place in the file to the rule that governs it.
// Messages, suggestions and the coercion of references all ask here, so they cannot disagree with the validation.

import * as z from "zod";
import { type Path, pathKey } from "./problem.ts";
import { config_schema } from "./schema.ts";

/** A part of the schema. */
type Rule = z.core.$ZodType;

/** Without what says only that a value may be left out. */
function bare(rule: Rule): Rule {
  let inner = rule;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault)
    inner = inner.unwrap();
  return inner;
}

function step(rule: Rule, part: string | number): Rule | null {
  const inner = bare(rule);
  if (inner instanceof z.ZodUnion) {
    for (const option of inner.options) {
      const found = step(option as Rule, part);
      if (found !== null) return found;
    }
    return null;
  }
  if (inner instanceof z.ZodObject && typeof part === "string")
    return Object.hasOwn(inner.shape, part) ? (inner.shape[part] as Rule) : null;
  if (inner instanceof z.ZodRecord && typeof part === "string") return inner.valueType as Rule;
  if (inner instanceof z.ZodArray && typeof part === "number") return inner.element as Rule;
  return null;
}

/** The rule at a path; null where the schema knows no such place. */
export function ruleAt(path: Path): Rule | null {
  let rule: Rule | null = config_schema;
  for (const part of path) {
    rule = step(rule, part);
    if (rule === null) return null;
  }
  return rule;
}

/** The keys that a map at this path may have; empty where any may stand. */
export function knownKeys(path: Path): readonly string[] {
  const rule = ruleAt(path);
  const inner = rule === null ? null : bare(rule);
  return [...new Set(inner === null ? [] : keysOf(inner))];
}

function keysOf(rule: Rule): string[] {
  if (rule instanceof z.ZodUnion) return rule.options.flatMap((option) => keysOf(option as Rule));
  return rule instanceof z.ZodObject ? Object.keys(rule.shape) : [];
}

/** The description of the key at this path, without its full stop. */
export function describe(path: Path): string {
  const rule = ruleAt(path);
  // The description hangs on the outermost wrapper, where `.describe` was called.
  const description = rule instanceof z.ZodType ? rule.description : undefined;
  return (description ?? "").replace(/\.$/, "");
}

/** What may stand at a path, in words: `a whole number from 0 to 65535`. */
export function expectation(path: Path): string {
  const rule = ruleAt(path);
  return rule === null ? "something else" : inWords(rule);
}

function inWords(rule: Rule): string {
  const inner = bare(rule);
  if (inner instanceof z.ZodUnion)
    return [...new Set(inner.options.map((option) => inWords(option as Rule)))].join(" or ");
  if (inner instanceof z.ZodNumber) {
    const noun = inner.format === "safeint" ? "a whole number" : "a number";
    return `${noun} from ${inner.minValue} to ${inner.maxValue}`;
  }
  if (inner instanceof z.ZodBoolean) return "true or false";
  if (inner instanceof z.ZodLiteral)
    return [...inner.values].map((value) => JSON.stringify(value)).join(" or ");
  if (inner instanceof z.ZodEnum) return `one of ${inner.options.join(", ")}`;
  if (inner instanceof z.ZodArray) return "a list";
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return "a map";
  return "a string";
}

/** The words that may stand at a path where only certain ones may. */
export function knownWords(path: Path): readonly string[] {
  const rule = ruleAt(path);
  const inner = rule === null ? null : bare(rule);
  return inner instanceof z.ZodEnum ? inner.options.map(String) : [];
}

/**
 * Turns text that came from a reference into the number or truth value that is expected at its place, in `tree` itself.
 * `sources` are the paths of references; text that fits nothing is left for the validation to refuse.
 */
export function coerceReferences(tree: unknown, sources: ReadonlyMap<string, unknown>): void {
  if (sources.size === 0) return;
  const coerce = (text: string, path: Path): unknown => {
    const rule = ruleAt(path);
    const inner = rule === null ? null : bare(rule);
    for (const option of inner instanceof z.ZodUnion ? inner.options : [inner]) {
      if (option instanceof z.ZodNumber && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
      if (option instanceof z.ZodBoolean && /^(true|false)$/.test(text.trim())) return text.trim() === "true";
    }
    return text;
  };
  const walk = (node: unknown, path: Path): void => {
    if (typeof node !== "object" || node === null) return;
    const entries = Array.isArray(node) ? node.entries() : Object.entries(node);
    for (const [key, item] of entries) {
      const at = [...path, key];
      if (typeof item === "string" && sources.has(pathKey(at)))
        (node as Record<string | number, unknown>)[key] = coerce(item, at);
      else walk(item, at);
    }
  };
  walk(tree, []);
}
