// A configuration without its faulty parts, so that what remains can be checked in the same run.
// A cut takes along what depends on the faulty part, so that no finding is a mere consequence of another.

import type * as z from "zod";
import type { Path } from "./problem.ts";
import { config_schema, type WrittenConfig } from "./schema.ts";

/** Faults may hide behind faults, but not often. */
const MAX_ROUNDS = 5;

/** The valid rest of `tree`, which is not changed; null where none could be made. */
export function withoutFaults(tree: unknown): WrittenConfig | null {
  const rest = structuredClone(tree);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const parsed = config_schema.safeParse(rest);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) cut(rest, issue);
  }
  return null;
}

/** Keys of a provider without which it would mean something else. */
const ESSENTIAL: ReadonlySet<unknown> = new Set(["kind", "base_url", "api_keys", "auth"]);
/** Takes the place of a faulty entry of `targets` or `fallbacks`, so that the others keep their positions. */
const HARMLESS = "sim/echo";

function cut(rest: unknown, issue: z.core.$ZodIssue): void {
  const path = issue.path as Path;
  const [room, , key, index] = path;
  if (issue.code === "unrecognized_keys") for (const name of issue.keys) remove(rest, [...path, name]);
  else if (room === "models" && (key === "targets" || key === "fallbacks") && typeof index === "number")
    remove(rest, path.slice(0, 4), HARMLESS);
  else if (room === "models" && key !== undefined && key !== "targets") remove(rest, path.slice(0, 3));
  else if (room === "providers" && key !== undefined && !ESSENTIAL.has(key)) remove(rest, path.slice(0, 3));
  else remove(rest, room === "keys" ? ["keys"] : path.slice(0, 2));
}

function remove(rest: unknown, path: Path, replacement?: string): void {
  let node = rest;
  for (const part of path.slice(0, -1)) {
    if (typeof node !== "object" || node === null) return;
    node = (node as Record<string | number, unknown>)[part];
  }
  if (typeof node !== "object" || node === null) return;
  const last = path.at(-1)!;
  if (replacement === undefined) delete (node as Record<string | number, unknown>)[last];
  else (node as Record<string | number, unknown>)[last] = replacement;
}
