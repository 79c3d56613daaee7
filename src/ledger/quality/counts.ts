// What is counted of a model's answers, by the hour: sums from which shares, means and their spread can be told of any stretch of time.

/** The sums, in the order of their columns. */
export const QUALITY_COLUMNS = [
  // All answers that have tokens, and the logarithm (to base 2, of one more) of how many.
  ...["answers", "length_sum", "length_squares"],
  // Of those that were looked at.
  ...["judged", "refused", "cut", "json", "json_invalid", "tools", "tools_failed"],
  // Of those that answer what was answered before.
  ...["compared", "similarity_sum", "similarity_squares"],
] as const;

/** One of them. */
export type QualityColumn = (typeof QUALITY_COLUMNS)[number];

/** The sums of a stretch of time. */
export type QualityCounts = Readonly<Record<QualityColumn, number>>;

/** Of nothing. */
export const NO_COUNTS: QualityCounts = Object.fromEntries(
  QUALITY_COLUMNS.map((name) => [name, 0]),
) as QualityCounts;

/** Both together. */
export function countsOfBoth(one: QualityCounts, other: QualityCounts): QualityCounts {
  return Object.fromEntries(QUALITY_COLUMNS.map((name) => [name, one[name] + other[name]])) as QualityCounts;
}

/** What is watched. */
export type Measure = "refusals" | "cut" | "invalid_json" | "tool_failures" | "length" | "similarity";

/** How a measure is told: a share of answers, or a mean over them. */
export interface MeasureParts {
  readonly kind: "share" | "mean";
  /** Of how many answers it is. */
  readonly count: QualityColumn;
  readonly sum: QualityColumn;
  /** For means. */
  readonly squares: QualityColumn | null;
}

/** The measures. */
export const MEASURES: Readonly<Record<Measure, MeasureParts>> = {
  refusals: { kind: "share", count: "judged", sum: "refused", squares: null },
  cut: { kind: "share", count: "judged", sum: "cut", squares: null },
  invalid_json: { kind: "share", count: "json", sum: "json_invalid", squares: null },
  tool_failures: { kind: "share", count: "tools", sum: "tools_failed", squares: null },
  length: { kind: "mean", count: "answers", sum: "length_sum", squares: "length_squares" },
  similarity: { kind: "mean", count: "compared", sum: "similarity_sum", squares: "similarity_squares" },
};

/** Their names. */
export const MEASURE_NAMES = Object.keys(MEASURES) as readonly Measure[];

/** A measure as a person reads it: a share, tokens, a similarity; null where there is nothing that it is of. */
export function measuredIn(measure: Measure, counts: QualityCounts): number | null {
  const { count, sum } = MEASURES[measure];
  const of = counts[count];
  if (of === 0) return null;
  const mean = counts[sum] / of;
  // The middle of lengths: their geometric mean.
  return measure === "length" ? 2 ** mean - 1 : mean;
}
