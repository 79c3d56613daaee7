// Loading from text in the tests of this room: what came out, or the problems as a person reads them.
// The environment is always a record of the test's own.

import { compilePlan } from "../../src/config/compile.ts";
import { type LoadOptions, type LoadResult, parseConfig } from "../../src/config/load.ts";
import type { Plan } from "../../src/config/plan.ts";
import { formatProblem } from "../../src/config/problem.ts";

/** Loads a text as `venturi.yaml`, with an empty environment unless another is given. */
export function load(text: string | Uint8Array, options: LoadOptions = {}): LoadResult {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return parseConfig(bytes, "venturi.yaml", { env: {}, ...options });
}

/** The problems of a text, a line each; none for a good one. */
export function problems(text: string | Uint8Array, options: LoadOptions = {}): string[] {
  const result = load(text, options);
  return result.ok ? [] : result.problems.map(formatProblem);
}

/** The Plan of a text that must be good, compiled from the configuration as another process would receive it. */
export function plan(text: string, options: LoadOptions = {}): Plan {
  const result = load(text, options);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return compilePlan(JSON.parse(JSON.stringify(result.config)));
}
