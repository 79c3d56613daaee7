// Which of the similar questions that were answered before answers this one, if any.

import { compareTexts } from "./guard.ts";
import { type GuardText, guardText } from "./guard_text.ts";
import type { Observation, Reliability } from "./reliability.ts";
import { decide } from "./verified.ts";

/** A kept answer's question. */
export interface Candidate {
  readonly id: Uint8Array;
  readonly text: string;
  /** Cosine of the angle between the two embeddings. */
  readonly similarity: number;
  /** Verdicts on its answer, the newest last. */
  readonly observations: readonly Observation[];
}

/** What the configuration and the caller ask for. */
export interface HitSettings {
  /** The configured threshold. */
  readonly threshold: number;
  /** The caller's, which counts only where it is higher; null without one. */
  readonly caller_threshold: number | null;
  /** See `ServingRule`. */
  readonly max_error: number | null;
  /** What was learned of this embedder's and this neighbourhood's answers. */
  readonly reliability: Reliability;
}

/** Why there is no hit: nothing similar enough, or nothing that the guard lets pass. */
export type NoHitReason = "far" | "guarded";

/** What is to be done with a question. */
export type HitChoice<C extends Candidate> =
  | { readonly kind: "serve"; readonly candidate: C }
  /**
   * Ask the model, and compare its answer with the candidate's and with those of the others, which passed the guard as well: their
   * verdicts cost no further question, and the cache learns up to four times as fast.
   */
  | { readonly kind: "explore"; readonly candidate: C; readonly others: readonly C[] }
  | { readonly kind: "none"; readonly reason: NoHitReason };

/** Candidates beyond these are not looked at: the guard costs some microseconds each. */
export const CANDIDATES_MAX = 16;

/** Candidates that one exploration judges. */
const EXPLORED_MAX = 4;

/** Kept questions as the guard reads them, the latest: to read one takes three times as long as to compare it. */
const read = new Map<string, GuardText>();
const READ_MAX = 2_000;

function keptText(text: string): GuardText {
  let known = read.get(text);
  if (known === undefined) {
    known = guardText(text);
    if (read.size >= READ_MAX) read.clear();
    read.set(text, known);
  }
  return known;
}

/** The threshold in force: a caller may only raise it. */
export function thresholdOf({ threshold, caller_threshold }: HitSettings): number {
  return caller_threshold !== null && caller_threshold > threshold ? caller_threshold : threshold;
}

/**
 * Chooses among candidates, the most similar first: the first that passes the guard and may be served; else the first that passes
 * the guard is to be explored.
 * @param random uniform, from 0 to 1
 */
export function chooseHit<C extends Candidate>(
  asked: string,
  candidates: readonly C[],
  settings: HitSettings,
  random: () => number,
): HitChoice<C> {
  const threshold = thresholdOf(settings);
  const rule = { threshold, max_error: settings.max_error };
  let text: GuardText | null = null;
  // One draw for all: what is not served so as to look again must not be answered by the next one instead.
  const draw = random();
  const passed: C[] = [];
  let is_near = false;
  for (const candidate of candidates.slice(0, CANDIDATES_MAX)) {
    // Not "less than": what is no number passes nothing.
    if (!(candidate.similarity >= threshold)) continue;
    is_near = true;
    text ??= guardText(asked);
    if (!compareTexts(text, keptText(candidate.text)).ok) continue;
    const { observations, similarity } = candidate;
    if (decide(observations, similarity, rule, settings.reliability, () => draw) === "serve") {
      return { kind: "serve", candidate };
    }
    passed.push(candidate);
  }
  const [first, ...others] = passed;
  if (first !== undefined)
    return { kind: "explore", candidate: first, others: others.slice(0, EXPLORED_MAX - 1) };
  return { kind: "none", reason: is_near ? "guarded" : "far" };
}
