// The results as files: one JSON of each part's last run, and what a run says in comparison with the one before it.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MEASURES, medianOf, ratioToHaproxy, show, spread } from "./figures.ts";
import type { Machine } from "./machine.ts";
import type { Case, Sizes } from "./part.ts";

/** Where the results are kept. */
export const RESULTS_FOLDER = join(import.meta.dirname, "results");
/** A ratio to HAProxy that grew by more than this share is told. */
const SLOWER_SHARE = 0.15;
/** Differences of this size are noise, whatever their share: a latency that was added, in microseconds. */
const ADDED_NOISE_US = 10;

/** A part's run. */
export interface Results {
  readonly part: string;
  readonly about: string;
  readonly measured_at: string;
  readonly machine: Machine;
  readonly sizes: Partial<Sizes>;
  readonly cases: readonly Case[];
}

/** The last results of a part; null if it was never run. */
export function readResults(part: string, folder = RESULTS_FOLDER): Results | null {
  const file = join(folder, `${part}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : null;
}

/** The last results of all parts. */
export function readAllResults(folder = RESULTS_FOLDER): Results[] {
  if (!existsSync(folder)) return [];
  const parts = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length));
  // What else lies there is none of ours.
  return parts.map((part) => readResults(part, folder)!).filter(({ part }, index) => part === parts[index]);
}

/** Keeps the results of a part, in place of the last ones. */
export function writeResults(results: Results, folder = RESULTS_FOLDER): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${results.part}.json`), `${JSON.stringify(results, null, 1)}\n`);
}

/**
 * What got slower for Venturi since the last results, in lines. Costs are compared by their ratio to HAProxy's in the same run,
 * so that another machine or a busy one is no news; where HAProxy has no such row, they are compared as they are.
 */
export function slowerThan(before: readonly Case[], now: readonly Case[]): string[] {
  const lines: string[] = [];
  for (const { row, target, values, fault } of now) {
    if (target !== "venturi") continue;
    if (
      fault !== null &&
      before.some((old) => old.row === row && old.target === target && old.fault === null)
    ) {
      lines.push(`${row}: there was a figure, and now there is none: ${fault}`);
    }
    for (const name of Object.keys(values).filter((found) => MEASURES[found]?.is_cost)) {
      const ratios = [before, now].map((cases) => ratioToHaproxy(cases, row, target, name));
      const has_floor = now.some((found) => found.row === row && found.target === "haproxy");
      const [then, today] = has_floor
        ? ratios
        : [before, now].map((cases) => medianOf(cases, row, target, name));
      if (then == null || today == null || then <= 0 || today <= then * (1 + SLOWER_SHARE)) continue;
      const grown = medianOf(now, row, target, name)! - medianOf(before, row, target, name)!;
      if (name.startsWith("added_") && grown < ADDED_NOISE_US) continue;
      const times = has_floor ? "× HAProxy" : "";
      const doubt = grown <= spread(values[name]!) ? ", within the spread of its rounds" : "";
      lines.push(
        `${row}, ${MEASURES[name]!.title}: ${show(then, 2)}${times} before, ${show(today, 2)}${times} now${doubt}`,
      );
    }
  }
  return lines;
}
