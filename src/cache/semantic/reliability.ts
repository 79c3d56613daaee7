// How similarity relates to correctness, learned from verdicts: of one kind of question altogether, and of each kept answer.
//
// The idea is vCache's (arXiv 2502.03771): one threshold fits nobody, so each kept answer learns its own from what was found
// when the model was asked after all. Seldom is one answer asked for often enough to prove an error of 1 %, so here an answer
// starts from what is known of all others: P(right | similarity s, entry) is the logistic of `a + b s + u`, where a and b are
// learned from every verdict and u is the entry's own, normally distributed around 0 and learned from its verdicts alone.

/** A verdict: how similar a question was to the kept one, and whether the kept answer was right for it. */
export type Observation = readonly [similarity: number, was_right: boolean];

/** A logit and how uncertain it is. */
interface Estimate {
  readonly logit: number;
  readonly variance: number;
}

const BINS = 50;
/** Similarities below count as this one. */
const SIMILARITY_MIN = 0.5;
/** Verdicts that are remembered; beyond, all of them count half, so that the newest count most. */
const VERDICTS_MAX = 20_000;

/** Similarity as the model sees it: 0 at 0.9, one unit for each 0.1. */
function scaled(similarity: number): number {
  return (Math.max(similarity, SIMILARITY_MIN) - 0.9) * 10;
}

/** Before there are verdicts: two thirds right at 0.9 and better above, and quite unsure of it. */
const PRIOR = {
  intercept: Number(process.env.A ?? 0.7),
  slope: Number(process.env.B ?? 2),
  intercept_variance: Number(process.env.VA ?? 4),
  slope_variance: Number(process.env.VB ?? 1),
};
/** Answers differ in how close a question must be: the variance of u. */
const ENTRY_VARIANCE = Number(process.env.VE ?? 2);
/** The logistic of a normal variable is about the logistic of its mean, shrunk by this share of its variance (MacKay 1992). */
const SHRINK = Math.PI / 8;
/** How many standard deviations the estimate of a and b is taken on the safe side: 95 % one-sided. */
const CAUTION = Number(process.env.Z ?? 1.645);
/** Of one answer, the newest verdicts count. */
const OWN_VERDICTS_MAX = 64;
const STEPS_MAX = 25;

function logistic(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/**
 * What the verdicts on all answers of one kind teach. One kind is what has one embedder and one sort of text; neighbourhoods
 * that have little in common should not share one.
 */
export class Reliability {
  /** Rights, then wrongs, by similarity. */
  readonly #counts: Float64Array;
  #total: number;
  #fitted: Fit | null = null;

  /** @param counts what `counts` gave before, to go on from there */
  constructor(counts?: Float64Array) {
    this.#counts =
      counts?.length === 2 * BINS ? counts.map((count) => Math.max(count, 0)) : new Float64Array(2 * BINS);
    this.#total = this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** All that is to be stored: 100 numbers. */
  get counts(): Float64Array {
    return this.#counts.slice();
  }

  /** Learns from one verdict. */
  add([similarity, was_right]: Observation): void {
    const share = (Math.min(Math.max(similarity, SIMILARITY_MIN), 1) - SIMILARITY_MIN) / (1 - SIMILARITY_MIN);
    const bin = Math.min(BINS - 1, Math.floor(share * BINS));
    this.#counts[was_right ? bin : BINS + bin]! += 1;
    this.#total += 1;
    if (this.#total > VERDICTS_MAX) {
      for (let i = 0; i < this.#counts.length; i += 1) this.#counts[i]! /= 2;
      this.#total /= 2;
    }
    this.#fitted = null;
  }

  #regionLogit(similarity: number): number {
    const fitted = this.#fitted!;
    const errorAt = (at: number): number => {
      const { logit, variance } = marginal(fitted, at);
      return logistic(-(logit - CAUTION * Math.sqrt(variance)));
    };
    let weight = 1;
    let error = errorAt(similarity);
    const first = Math.floor(
      ((Math.max(similarity, SIMILARITY_MIN) - SIMILARITY_MIN) / (1 - SIMILARITY_MIN)) * BINS,
    );
    for (let bin = first + 1; bin < BINS; bin += 1) {
      const all = this.#counts[bin]! + this.#counts[BINS + bin]!;
      if (all === 0) continue;
      weight += all;
      error += all * errorAt(SIMILARITY_MIN + ((bin + 0.5) / BINS) * (1 - SIMILARITY_MIN));
    }
    const mean = error / weight;
    return Math.log((1 - mean) / mean) * Math.sqrt(1 + SHRINK * ENTRY_VARIANCE);
  }

  /**
   * An upper bound of the probability that a kept answer is wrong for a question of that similarity.
   * @param observations the verdicts on this answer, the newest last
   */
  errorBound(similarity: number, observations: readonly Observation[]): number {
    this.#fitted ??= fitLine(this.#counts);
    const own = observations.length > OWN_VERDICTS_MAX ? observations.slice(-OWN_VERDICTS_MAX) : observations;
    const offset = ownOffset(this.#fitted, own);
    const cautious = this.#regionLogit(similarity) + offset.logit;
    return logistic(-cautious / Math.sqrt(1 + SHRINK * offset.variance));
  }
}

/** The line through the logits and the covariance of its two parameters. */
interface Fit {
  readonly intercept: number;
  readonly slope: number;
  readonly covariance: readonly [intercept: number, both: number, slope: number];
}

/** Newton's method for the two parameters, with a normal prior on each: always has one maximum. */
function fitLine(counts: Float64Array): Fit {
  let intercept = PRIOR.intercept;
  let slope = PRIOR.slope;
  let covariance: [number, number, number] = [PRIOR.intercept_variance, 0, PRIOR.slope_variance];
  for (let step = 0; step < STEPS_MAX; step += 1) {
    let gradient_a = (PRIOR.intercept - intercept) / PRIOR.intercept_variance;
    let gradient_b = (PRIOR.slope - slope) / PRIOR.slope_variance;
    let aa = 1 / PRIOR.intercept_variance;
    let ab = 0;
    let bb = 1 / PRIOR.slope_variance;
    for (let bin = 0; bin < BINS; bin += 1) {
      const rights = counts[bin]!;
      const all = rights + counts[BINS + bin]!;
      if (all === 0) continue;
      const x = scaled(SIMILARITY_MIN + ((bin + 0.5) / BINS) * (1 - SIMILARITY_MIN));
      const p = logistic(intercept + slope * x);
      const rest = rights - all * p;
      const weight = all * p * (1 - p);
      gradient_a += rest;
      gradient_b += rest * x;
      aa += weight;
      ab += weight * x;
      bb += weight * x * x;
    }
    const determinant = aa * bb - ab * ab;
    covariance = [bb / determinant, -ab / determinant, aa / determinant];
    const step_a = covariance[0] * gradient_a + covariance[1] * gradient_b;
    const step_b = covariance[1] * gradient_a + covariance[2] * gradient_b;
    // Long steps can overshoot where the curve is flat.
    const length = Math.max(1, Math.abs(step_a) / 2, Math.abs(step_b) / 2);
    intercept += step_a / length;
    slope += step_b / length;
    if (Math.abs(step_a) + Math.abs(step_b) < 1e-6) break;
  }
  // More similar is never worse: what looks like it is chance.
  return { intercept, slope: Math.max(slope, 0), covariance };
}

/** The logit at a similarity for an entry of which nothing is known but that its own offset averages out. */
function conditional({ intercept, slope, covariance }: Fit, similarity: number): Estimate {
  const x = scaled(similarity);
  const [aa, ab, bb] = covariance;
  const widening = 1 + SHRINK * ENTRY_VARIANCE;
  return {
    logit: (intercept + slope * x) * Math.sqrt(widening),
    variance: (aa + 2 * ab * x + bb * x * x) * widening,
  };
}

function marginal({ intercept, slope, covariance }: Fit, similarity: number): Estimate {
  const x = scaled(similarity);
  const [aa, ab, bb] = covariance;
  return { logit: intercept + slope * x, variance: aa + 2 * ab * x + bb * x * x };
}

/** An entry's own offset, given its verdicts: Newton's method in one dimension, and the curvature as its precision. */
function ownOffset(pool: Fit, observations: readonly Observation[]): Estimate {
  if (observations.length === 0) return { logit: 0, variance: ENTRY_VARIANCE };
  const logits = observations.map(([similarity]) => conditional(pool, similarity).logit);
  let offset = 0;
  let precision = 1 / ENTRY_VARIANCE;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    let gradient = -offset / ENTRY_VARIANCE;
    precision = 1 / ENTRY_VARIANCE;
    for (const [i, [, was_right]] of observations.entries()) {
      const p = logistic(logits[i]! + offset);
      gradient += (was_right ? 1 : 0) - p;
      precision += p * (1 - p);
    }
    const change = Math.min(Math.max(gradient / precision, -2), 2);
    offset += change;
    if (Math.abs(change) < 1e-6) break;
  }
  return { logit: offset, variance: 1 / precision };
}
