// Whether a model answers otherwise than it used to: the last 24 hours against the days before, each a whole day long, so that the hours
// of a day are alike in all of them. Days differ by more than chance, so that how much they do is estimated and allowed for; and among
// many models some are always odd, so that the more are looked at, the surer it has to be. docs/quality.md has the method and its errors.

import {
  countsOfBoth,
  MEASURE_NAMES,
  MEASURES,
  type Measure,
  type MeasureParts,
  measuredIn,
  NO_COUNTS,
  type QualityCounts,
} from "./counts.ts";

/** Days that today is compared with. */
export const USUAL_DAYS = 28;
/** Of so many of them something must be known. */
const DAYS_MIN = 3;
/** Answers of a day with which it counts, and of all of them together. */
const DAY_COUNT_MIN = 10;
const USUAL_COUNT_MIN = 100;
/** Answers of the last 24 hours. */
const NOW_COUNT_MIN = 30;
/** False alarms of a day, all models and measures together, at most. */
const ALPHA = 0.05;
/** It is looked every hour; looks that have most of their answers in common count as one. */
const LOOKS_PER_DAY = 4;
/** How much is expected of days to differ, before anything is known of them, and how many days' weight that has. */
const PRIOR_DAYS = 6;

/** What a measure needs to be told: on the scale that it is compared on, the spread of days, and the least change that matters. */
interface Scale {
  readonly day_spread: number;
  readonly change_min: number;
}

/** Shares are compared as the arcsine of their root, whose variance does not depend on them; lengths as logarithms. */
const SCALES: Readonly<Record<Measure, Scale>> = {
  refusals: { day_spread: 0.01, change_min: 0.01 },
  cut: { day_spread: 0.01, change_min: 0.01 },
  invalid_json: { day_spread: 0.01, change_min: 0.01 },
  tool_failures: { day_spread: 0.01, change_min: 0.01 },
  length: { day_spread: 0.05, change_min: 0.2 },
  similarity: { day_spread: 0.01, change_min: 0.02 },
};

/** A measure of a model, now and as it used to be. */
export interface Comparison {
  readonly measure: Measure;
  /** Null where there are no such answers. */
  readonly now: number | null;
  readonly usual: number | null;
  readonly count_now: number;
  readonly count_usual: number;
  /** How probable a difference like this is by chance; null where too little is known. */
  readonly p: number | null;
  /** Whether it is told: improbable among all that was compared, and large enough to matter. */
  readonly is_shift: boolean;
}

/** A model with its days, the last 24 hours first. */
export interface ModelDays {
  readonly provider: string;
  readonly model: string;
  readonly days: readonly QualityCounts[];
}

/** And what was found of it. */
export interface ModelQuality extends ModelDays {
  readonly comparisons: readonly Comparison[];
}

/** Compares all models. What is a shift depends on how many comparisons there are (Holm, Scandinavian Journal of Statistics 6, 1979). */
export function findShifts(models: readonly ModelDays[]): readonly ModelQuality[] {
  const compared = models.map((model) => ({
    ...model,
    comparisons: MEASURE_NAMES.map((measure) => compare(measure, model.days)),
  }));
  const told = new Set<Comparison>();
  const tests = compared
    .flatMap(({ comparisons }) => comparisons)
    .filter(({ p }) => p !== null)
    .sort((a, b) => a.p! - b.p!);
  for (const [before, test] of tests.entries()) {
    if (test.p! * LOOKS_PER_DAY * (tests.length - before) > ALPHA) break;
    if (isLarge(test)) told.add(test);
  }
  return compared.map((model) => ({
    ...model,
    comparisons: model.comparisons.map((one) => ({ ...one, is_shift: told.has(one) })),
  }));
}

function isLarge({ measure, now, usual }: Comparison): boolean {
  if (now === null || usual === null) return false;
  const change = measure === "length" ? Math.log2((now + 1) / (usual + 1)) : now - usual;
  return Math.abs(change) >= SCALES[measure].change_min;
}

function compare(measure: Measure, [now = NO_COUNTS, ...before]: readonly QualityCounts[]): Comparison {
  const parts = MEASURES[measure];
  const days = before.slice(0, USUAL_DAYS).filter((day) => day[parts.count] >= DAY_COUNT_MIN);
  const usual = days.reduce(countsOfBoth, NO_COUNTS);
  const [count_now, count_usual] = [now[parts.count], usual[parts.count]];
  const is_enough = days.length >= DAYS_MIN && count_now >= NOW_COUNT_MIN && count_usual >= USUAL_COUNT_MIN;
  return {
    ...{ measure, count_now, count_usual, is_shift: false },
    now: measuredIn(measure, now),
    usual: measuredIn(measure, usual),
    p: is_enough ? probabilityOf(measure, now, days, usual) : null,
  };
}

function probabilityOf(
  measure: Measure,
  now: QualityCounts,
  days: readonly QualityCounts[],
  usual: QualityCounts,
): number {
  const parts = MEASURES[measure];
  const spread = spreadOf(parts, usual);
  const middle = pointOf(parts, usual, spread);
  const points = days.map((day) => pointOf(parts, day, spread));
  const total = usual[parts.count];
  // What days differ by beyond chance; without any, what is expected of them.
  const around = points.reduce((sum, { at }) => sum + (at - middle.at) ** 2, 0) / (days.length - 1);
  const by_chance = points.reduce((sum, { variance }) => sum + variance, 0) / days.length;
  const seen = Math.max(0, around - by_chance);
  const freedom = PRIOR_DAYS + days.length - 1;
  const between = (PRIOR_DAYS * SCALES[measure].day_spread ** 2 + (days.length - 1) * seen) / freedom;
  const weights = days.reduce((sum, day) => sum + (day[parts.count] / total) ** 2, 0);
  const own = pointOf(parts, now, spread);
  const variance = own.variance + between + middle.variance + between * weights;
  return twoSided((own.at - middle.at) / Math.sqrt(variance), freedom);
}

/** Where a day lies on the scale of its measure, and how far chance may have moved it. */
interface Point {
  readonly at: number;
  readonly variance: number;
}

/** @param spread of one answer, for means */
function pointOf({ kind, count, sum }: MeasureParts, counts: QualityCounts, spread: number): Point {
  const of = counts[count];
  if (kind === "mean") return { at: counts[sum] / of, variance: spread / of };
  // Anscombe, "The Transformation of Poisson, Binomial and Negative-Binomial Data", Biometrika 35, 1948.
  return { at: Math.asin(Math.sqrt((counts[sum] + 3 / 8) / (of + 3 / 4))), variance: 1 / (4 * of + 2) };
}

/** The variance of one answer. */
function spreadOf({ count, sum, squares }: MeasureParts, counts: QualityCounts): number {
  if (squares === null) return 0;
  const of = counts[count];
  return Math.max(0, counts[squares] / of - (counts[sum] / of) ** 2);
}

/**
 * How probable it is that Student's t lies so far out, at either side: by the normal distribution that it comes close to (Wallace,
 * "Bounds on Normal Approximations to Student's and the Chi-Square Distributions", Annals of Mathematical Statistics 30, 1959).
 */
export function twoSided(t: number, freedom: number): number {
  const z = ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p((t * t) / freedom));
  return erfc(z / Math.SQRT2);
}

/** The complementary error function for x of 0 or more, to 1.2e-7 of its value (Press and others, "Numerical Recipes", 6.2). */
function erfc(x: number): number {
  const t = 1 / (1 + x / 2);
  const terms = [
    ...[-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806],
    ...[0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277],
  ];
  return t * Math.exp(-x * x + terms.reduceRight((sum, term) => sum * t + term, 0));
}
