// How sure a figure is that was made of a sample: intervals that cover the true one in 95 of 100 samples. Null where there is too little.

/** Of the normal distribution: 2.5 % lie beyond it. */
const Z = 1.959963984540054;

/** A figure and the interval that the true one lies in with 95 % confidence. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * A share of `total`. The score interval of Wilson ("Probable Inference, the Law of Succession, and Statistical Inference", 1927), which
 * holds for few and for rare cases too.
 */
export function shareOf(count: number, total: number): Estimate | null {
  if (total === 0) return null;
  const value = count / total;
  const scale = 1 + (Z * Z) / total;
  const middle = (value + (Z * Z) / (2 * total)) / scale;
  const half = (Z / scale) * Math.sqrt((value * (1 - value)) / total + (Z * Z) / (4 * total * total));
  // Exact at the ends, where rounding would leave a trace.
  const low = count === 0 ? 0 : middle - half;
  const high = count === total ? 1 : middle + half;
  return { value, low, high };
}

/**
 * The mean, by Student's t ("The Probable Error of a Mean", 1908); of one sample nothing is known of its spread.
 * @param most the largest value that a sample can have; the least is 0
 */
export function meanOf(samples: readonly number[], most = Number.POSITIVE_INFINITY): Estimate | null {
  const count = samples.length;
  if (count < 2) return null;
  const value = samples.reduce((sum, sample) => sum + sample, 0) / count;
  const squares = samples.reduce((sum, sample) => sum + (sample - value) ** 2, 0);
  const half = tOf(count - 1) * Math.sqrt(squares / (count - 1) / count);
  return { value, low: Math.max(0, value - half), high: Math.min(most, value + half) };
}

/**
 * A quantile, whatever the distribution is: by how many samples may lie below it (Conover, "Practical Nonparametric Statistics", 1999,
 * 3.2). Null where not even the outermost samples are sure to enclose it.
 */
export function quantileOf(samples: readonly number[], share: number): Estimate | null {
  const count = samples.length;
  const spread = Z * Math.sqrt(count * share * (1 - share));
  const low = Math.floor(count * share - spread);
  const high = Math.ceil(count * share + spread);
  if (low < 1 || high > count) return null;
  const sorted = Float64Array.from(samples).sort();
  const at = (rank: number) => sorted[Math.min(count, Math.max(1, rank)) - 1]!;
  return { value: at(Math.ceil(count * share)), low: at(low), high: at(high) };
}

/**
 * What 2.5 % of Student's t lie beyond, by degrees of freedom. Closed forms for one and two; for others Hill's expansion ("Algorithm 396:
 * Student's t-quantiles", Communications of the ACM 13(10), 1970).
 */
export function tOf(freedom: number): number {
  if (freedom === 1) return Math.tan((Math.PI * 0.95) / 2);
  if (freedom === 2) return Math.sqrt(2 / (0.05 * (2 - 0.05)) - 2);
  const a = 1 / (freedom - 0.5);
  const b = 48 / (a * a);
  let c = (((20_700 * a) / b - 98) * a - 16) * a + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * freedom;
  let y = (d * 0.05) ** (2 / freedom);
  if (y > 0.05 + a) {
    const x = -Z;
    y = x * x;
    if (freedom < 5) c += 0.3 * (freedom - 4.5) * (x + 0.6);
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = a * y * y;
    y = y > 0.002 ? Math.expm1(y) : 0.5 * y * y + y;
  } else {
    const inner = ((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3;
    y = ((1 / inner + 0.5 / (freedom + 4)) * y - 1) * ((freedom + 1) / (freedom + 2)) + 1 / y;
  }
  return Math.sqrt(freedom * y);
}
