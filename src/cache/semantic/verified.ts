// Whether a kept answer may be served for a similar question: above a threshold, or where the error is known to be small enough.

import type { Observation, Reliability } from "./reliability.ts";

/** What has to hold for an answer to be served. */
export interface ServingRule {
  /** Nothing less similar is ever served, nor asked about. */
  readonly threshold: number;
  /** The largest share of wrong answers among those served, such as 0.01; null: the threshold is all. */
  readonly max_error: number | null;
}

/** `explore`: ask the model, compare its answer with the kept one, and remember the verdict. */
export type Decision = "serve" | "explore";

/**
 * Of what may be served, at least this share is explored all the same: answers grow old and users change, and an error that is never
 * looked for is never found.
 */
export const LOOK_AGAIN_SHARE_MIN = 0.02;
/** And up to this share where the bound is barely small enough, so that a lucky beginning is found out soon. */
const LOOK_AGAIN_SHARE_MAX = 0.5;

/**
 * Decides on a candidate that has passed the guard.
 *
 * The guarantee: an answer is served only where an upper bound of its probability to be wrong is at most `max_error`. Whatever the
 * mixture of questions, the share of wrong answers among the served ones is then at most `max_error` in the long run, as far as
 * the model of `Reliability` describes how similarity relates to correctness and the comparison of answers is right. That is
 * stricter than vCache's promise, which counts errors among all requests, explored ones included. In doubt it explores, which
 * costs what a miss costs.
 * @param random uniform, from 0 to 1
 */
export function decide(
  observations: readonly Observation[],
  similarity: number,
  { threshold, max_error }: ServingRule,
  reliability: Reliability,
  random: () => number,
): Decision {
  if (!(similarity >= threshold)) return "explore";
  if (max_error === null) return "serve";
  const strain = reliability.errorBound(similarity, observations) / max_error;
  // Not "greater than": what is no number proves nothing.
  if (!(strain <= 1)) return "explore";
  const share = Math.max(LOOK_AGAIN_SHARE_MIN, LOOK_AGAIN_SHARE_MAX * strain ** 2);
  return random() < share ? "explore" : "serve";
}
