// The validation's issues in words: what is wrong at which path, and what would be right.
// A value is shown only where it was written in the file and is no secret: only names of things ever are.

import type * as z from "zod";
import { nearest } from "./nearest.ts";
import { formatPath, type Path } from "./problem.ts";
import { describe, expectation, knownKeys, knownWords } from "./shape.ts";

/** A finding at a path; `part` says whether the key or the value is to be pointed at. */
export interface Finding {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly message: string;
  /** Of an unknown key: the path that was most likely meant. */
  readonly meant?: Path;
}

type Issue = z.core.$ZodIssue;

/**
 * Findings for the issues of one validation of `tree`. `sourceOf` names the variables that a path's value came from,
 * null where it was written in the file.
 */
export function explainIssues(
  issues: readonly Issue[],
  tree: unknown,
  sourceOf: (path: Path) => string | null,
): Finding[] {
  return issues.flatMap((issue) => explainIssue(issue, issue.path as Path, tree, sourceOf));
}

function explainIssue(
  issue: Issue,
  path: Path,
  tree: unknown,
  sourceOf: (path: Path) => string | null,
): Finding[] {
  const value = valueAt(tree, path);
  const name = formatPath(path) || "the top level";
  const source = sourceOf(path);
  const from = source === null ? "" : ` (its value comes from ${source})`;
  const one = (message: string, part: "key" | "value" = "value"): Finding[] => [{ path, part, message }];

  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key): Finding => {
      const known = knownKeys(path);
      const near = nearest(key, known);
      const where = path.length === 0 ? "at the top level" : `in ${name}`;
      const message = `unknown key "${key}" ${where}; ${instead(key, known)}`;
      return {
        path: [...path, key],
        part: "key",
        message,
        ...(near === null ? {} : { meant: [...path, near] }),
      };
    });
  if (issue.code === "invalid_key")
    return one(
      `${issue.issues[0]?.message ?? "this is not a possible name"}, not ${JSON.stringify(path.at(-1))}`,
      "key",
    );
  if (issue.code === "invalid_union") {
    // Where one alternative has the right type, its issues are the ones that matter.
    const inner = issue.errors.find(
      (errors) => !errors.some((error) => error.path.length === 0 && isType(error)),
    );
    if (inner !== undefined)
      return inner.flatMap((error) =>
        explainIssue(error, [...path, ...(error.path as Path)], tree, sourceOf),
      );
  }
  if (value === undefined) {
    const key = path.at(-1);
    const parent = formatPath(path.slice(0, -1));
    const meaning = describe(path);
    return one(`"${key}" is missing in ${parent}${meaning === "" ? "" : `; it is needed: ${meaning}`}`);
  }
  if (value === null)
    return one(`${name} is empty; expected ${expectation(path)}, or leave the key out`, "key");
  if (
    issue.code === "invalid_format" ||
    (issue.code === "too_small" && issue.origin !== "number" && issue.origin !== "int")
  )
    return one(`${name} ${issue.message}${from}`);
  if (issue.code === "too_big" && issue.origin === "string") return one(`${name} ${issue.message}${from}`);
  if (issue.code === "too_big" && issue.origin === "array")
    return one(`${name} must have at most ${issue.maximum} entries`);
  const words = wordsOf(issue) ?? knownWords(path);
  if (words.length > 0 && typeof value === "string") {
    if (source !== null) return one(`${name} must be ${expectation(path)}${from}`);
    return one(`${name} cannot be "${value}"; ${instead(value, words)}`);
  }
  const expected = expectation(path);
  // A number is shown only where one belongs: elsewhere it may be a secret without quotes.
  const shown = typeof value === "number" && source === null && expected.includes("number");
  const quotes = expected === "a string" && typeof value !== "object" ? "; put it in quotes" : "";
  return one(`${name} must be ${expected}, not ${shown ? String(value) : kindOf(value)}${quotes}${from}`);
}

/** The words that an issue says would be right; null where it says none. */
function wordsOf(issue: Issue): readonly string[] | null {
  if (issue.code === "invalid_value") return issue.values.map(String);
  if (issue.code !== "invalid_union") return null;
  if (issue.errors.length === 0) return ("options" in issue ? issue.options?.map(String) : null) ?? null;
  const own = issue.errors.flat().find((error) => error.path.length === 0 && error.code === "invalid_value");
  return own === undefined ? null : wordsOf(own);
}

function isType(issue: Issue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

/** What to write in place of an unknown word. */
export function instead(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== null) return `did you mean "${near}"?`;
  return known.length === 0 ? "there is none yet" : `known are ${known.slice(0, 40).join(", ")}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "boolean") return "true or false";
  return typeof value === "string" && value === "" ? "empty text" : `a ${typeof value}`;
}

/** The value at a path, undefined where there is none. */
export function valueAt(tree: unknown, path: Path): unknown {
  let node = tree;
  for (const part of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, part)) return undefined;
    node = (node as Record<string | number, unknown>)[part];
  }
  return node;
}
