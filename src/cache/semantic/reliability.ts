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

function binOf(similarity: number): number {
  const share = (similarity - SIMILARITY_MIN) / (1 - SIMILARITY_MIN);
  return Math.min(BINS - 1, Math.max(0, Math.floor(share * BINS)));
}

function middleOf(bin: number): number {
  return SIMILARITY_MIN + ((bin + 0.5) / BINS) * (1 - SIMILARITY_MIN);
}

/** Before there are verdicts: nine of ten right at 0.9 for what passes the guard, and quite unsure of it. */
const PRIOR = { intercept: 2.5, slope: 2, intercept_variance: 4, slope_variance: 1 };
/**
 * Answers differ in how close a question must be, and how much they differ is not known beforehand: each of these variances of u
 * predicts every verdict before it is learned from, and the one that predicted best is believed. Where some questions are simply
 * judged wrong at random, the smallest wins, and no answer's clean record is taken for more than luck.
 */
const ENTRY_VARIANCES = [0.05, 0.25, 0.5, 1, 2, 4];
/** The logistic of a normal variable is about the logistic of its mean, shrunk by this share of its variance (MacKay 1992). */
const SHRINK = Math.PI / 8;
/** How many standard deviations the line is taken on the safe side: 95 % one-sided. */
const CAUTION = 1.645;
/** Verdicts of one answer that count. */
const OWN_VERDICTS_MAX = 64;
const STEPS_MAX = 25;
/** Bounds are checked against what happened in classes, each up to twice the bound of the one before. */
const CHECKED_FROM = 1 / 512;
const CHECKS = 8;
/** Numbers that a state is stored as. */
export const STATE_LENGTH = 2 * BINS + ENTRY_VARIANCES.length + 2 * CHECKS;

/** An estimate of all answers is an average; one answer's own logit is so much further from 0. */
function widening(entry_variance: number): number {
  return Math.sqrt(1 + SHRINK * entry_variance);
}

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
  /** How well each entry variance predicted: sums of logarithms of what it gave what happened. */
  readonly #scores: Float64Array;
  /** For each class of bounds the wrong answers that they foretold, then those that came. */
  readonly #checks: Float64Array;
  #total: number;
  #line: Line | null = null;
  #regions: Float64Array | null = null;

  /** @param state what `state` gave before, to go on from there; anything else is a beginning */
  constructor(state?: Float64Array) {
    const kept =
      state?.length === STATE_LENGTH && state.every(Number.isFinite) ? state : new Float64Array(STATE_LENGTH);
    this.#counts = kept.slice(0, 2 * BINS).map((count) => Math.max(count, 0));
    this.#scores = kept.slice(2 * BINS, 2 * BINS + ENTRY_VARIANCES.length);
    this.#checks = kept.slice(2 * BINS + ENTRY_VARIANCES.length).map((count) => Math.max(count, 0));
    this.#total = this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** All that is to be stored: `STATE_LENGTH` numbers. */
  get state(): Float64Array {
    return Float64Array.of(...this.#counts, ...this.#scores, ...this.#checks);
  }

  /** How many verdicts it has learned from, and how many of them were wrong; of very many, the older count less. */
  get verdicts(): { readonly all: number; readonly wrong: number } {
    return { all: this.#total, wrong: this.#counts.slice(BINS).reduce((sum, count) => sum + count, 0) };
  }

  /**
   * Learns from one verdict.
   * @param earlier the verdicts on the same answer before it
   */
  add(verdict: Observation, earlier: readonly Observation[]): void {
    const [similarity, was_right] = verdict;
    this.#check(verdict, earlier);
    if (earlier.length > 0) this.#score(verdict, newest(earlier));
    this.#counts[was_right ? binOf(similarity) : BINS + binOf(similarity)]! += 1;
    this.#total += 1;
    if (this.#total > VERDICTS_MAX) {
      for (const numbers of [this.#counts, this.#scores, this.#checks])
        for (const i of numbers.keys()) numbers[i]! /= 2;
      this.#total /= 2;
    }
    this.#line = null;
    this.#regions = null;
  }

  /** Remembers what the model foretold of a verdict, and what came. */
  #check([similarity, was_right]: Observation, earlier: readonly Observation[]): void {
    const bound = this.#modelBound(similarity, earlier);
    this.#checks[checkOf(bound)]! += bound;
    if (!was_right) this.#checks[CHECKS + checkOf(bound)]! += 1;
  }

  #score([similarity, was_right]: Observation, earlier: readonly Observation[]): void {
    const line = this.#lineNow();
    for (const [i, variance] of ENTRY_VARIANCES.entries()) {
      const right = predicted(lineAt(line, similarity).logit, line, earlier, variance);
      this.#scores[i]! += Math.log(Math.max(was_right ? right : 1 - right, 1e-9));
    }
  }

  #lineNow(): Line {
    this.#line ??= fitLine(this.#counts);
    return this.#line;
  }

  /**
   * An upper bound of the probability that a kept answer is wrong for a question of that similarity. The model's own bound is
   * taken for larger where more answers turned out wrong than such bounds foretold: no model is right about everything.
   * @param observations the verdicts on this answer, the newest last
   */
  errorBound(similarity: number, observations: readonly Observation[]): number {
    const bound = this.#modelBound(similarity, observations);
    const foretold = this.#checks[checkOf(bound)]!;
    const came = this.#checks[CHECKS + checkOf(bound)]!;
    return Math.min(1, bound * Math.max(1, (came + 1) / (foretold + 1)));
  }

  #modelBound(similarity: number, observations: readonly Observation[]): number {
    const line = this.#lineNow();
    this.#regions ??= regionLogits(line, this.#counts);
    return (
      1 - predicted(this.#regions[binOf(similarity)]!, line, newest(observations), this.#entryVariance())
    );
  }

  #entryVariance(): number {
    return ENTRY_VARIANCES[this.#scores.indexOf(Math.max(...this.#scores))]!;
  }
}

function checkOf(bound: number): number {
  return Math.min(CHECKS - 1, Math.max(0, Math.ceil(Math.log2(bound / CHECKED_FROM))));
}

/** Of one answer, the newest verdicts count. */
function newest(observations: readonly Observation[]): readonly Observation[] {
  return observations.length > OWN_VERDICTS_MAX ? observations.slice(-OWN_VERDICTS_MAX) : observations;
}

/** The probability that an answer with those verdicts is right where answers on the whole have a logit. */
function predicted(logit: number, line: Line, own: readonly Observation[], entry_variance: number): number {
  const offset = ownOffset(line, own, entry_variance);
  const own_logit = logit * widening(entry_variance) + offset.logit;
  return logistic(own_logit / Math.sqrt(1 + SHRINK * offset.variance));
}

/** The line through the logits and the covariance of its two parameters. */
interface Line {
  readonly intercept: number;
  readonly slope: number;
  readonly covariance: readonly [intercept: number, both: number, slope: number];
}

/** Newton's method for the two parameters, with a normal prior on each: always has one maximum. */
function fitLine(counts: Float64Array): Line {
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
      const x = scaled(middleOf(bin));
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

/** The logit of the line at a similarity, and how uncertain it is. */
function lineAt({ intercept, slope, covariance }: Line, similarity: number): Estimate {
  const x = scaled(similarity);
  const [aa, ab, bb] = covariance;
  return { logit: intercept + slope * x, variance: aa + 2 * ab * x + bb * x * x };
}

/**
 * For each bin the logit of being right in it or above, on the safe side. Who serves from a similarity on serves what is above as
 * well, so the share of wrong answers is what counts there on the whole, weighted by how often it was asked for.
 */
function regionLogits(line: Line, counts: Float64Array): Float64Array {
  const logits = new Float64Array(BINS);
  let asked = 0;
  let wrong = 0;
  for (let bin = BINS - 1; bin >= 0; bin -= 1) {
    const { logit, variance } = lineAt(line, middleOf(bin));
    const error = logistic(CAUTION * Math.sqrt(variance) - logit);
    const mean = (wrong + error) / (asked + 1);
    logits[bin] = Math.log((1 - mean) / mean);
    const all = counts[bin]! + counts[BINS + bin]!;
    asked += all;
    wrong += all * error;
  }
  return logits;
}

/** An entry's own offset, given its verdicts: Newton's method in one dimension, and the curvature as its precision. */
function ownOffset(line: Line, observations: readonly Observation[], entry_variance: number): Estimate {
  if (observations.length === 0) return { logit: 0, variance: entry_variance };
  const logits = observations.map(
    ([similarity]) => lineAt(line, similarity).logit * widening(entry_variance),
  );
  let offset = 0;
  let precision = 1 / entry_variance;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    let gradient = -offset / entry_variance;
    precision = 1 / entry_variance;
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
