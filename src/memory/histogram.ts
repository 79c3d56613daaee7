// The buckets of a log-linear histogram of durations: four to every doubling, from one microsecond to over an hour.
// A quarter of an octave bounds the error of any quantile to 19 %, and the same buckets add up over processes.

const SUB_BUCKETS = 4;
const OCTAVES = 32;

/** How many buckets a histogram has. */
export const BUCKETS = SUB_BUCKETS * OCTAVES;

/** The upper bound of a bucket, in microseconds. */
export function bucketBound(bucket: number): number {
  const octave = Math.floor(bucket / SUB_BUCKETS);
  return 2 ** octave * (1 + ((bucket % SUB_BUCKETS) + 1) / SUB_BUCKETS);
}

/** The bucket that a duration in microseconds falls into: the first whose bound is not below it. */
export function bucketOf(duration_us: number): number {
  if (!(duration_us > 1)) return 0;
  const octave = 31 - Math.clz32(Math.min(duration_us, 0x7fffffff));
  const base = 2 ** octave;
  const bucket = octave * SUB_BUCKETS + Math.ceil(((duration_us - base) / base) * SUB_BUCKETS) - 1;
  return Math.min(Math.max(bucket, 0), BUCKETS - 1);
}
