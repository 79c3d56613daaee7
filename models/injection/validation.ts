// Cross-validation of the injection score: what each text weighs by what was learned without its fold, and the threshold from that.

import type { InjectionSource } from "../../src/privacy/guards/injection/injection.ts";
import { type Example, FOLDS } from "./examples.ts";
import { learn, type Seen, sumOf } from "./learner.ts";

/** Harmless texts below the threshold. */
const HARMLESS_SHARE = 0.99;

/** A text and how much it looks like an attack. */
export interface Judged {
  readonly example: Example;
  readonly sum: number;
}

/** Each text judged by what was learned without its fold. */
export function crossValidated(examples: readonly Seen[], source: InjectionSource): Judged[] {
  const judged: Judged[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const learned = learn(examples.filter(({ example }) => example.fold !== fold), source);
    for (const seen of examples) {
      if (seen.example.fold === fold) judged.push({ example: seen.example, sum: sumOf(seen, learned) });
    }
  }
  return judged;
}

/** What counts for the threshold: a tool's harmless texts are documents, not requests. */
export function isMeasure(source: InjectionSource, { set, is_attack }: Example): boolean {
  return !is_attack && (source === "user" ? !set.startsWith("own-") : set === "bipia-context");
}

/** The sum that 99 of 100 harmless texts of the source stay below. */
export function thresholdOf(source: InjectionSource, judged: readonly Judged[]): number {
  const sums = judged.filter(({ example }) => isMeasure(source, example)).map(({ sum }) => sum);
  return quantile(sums, HARMLESS_SHARE);
}

/** The sum that a share of some sums stays below. */
function quantile(sums: readonly number[], share: number): number {
  const sorted = [...sums].sort((one, other) => one - other);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
}
