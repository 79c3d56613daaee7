// How long a target takes to its first byte: a peak-sensitive moving average, and a histogram of late for quantiles.
//
// The average is that of Finagle's PeakEwma (twitter.github.io/finagle, "Aperture + Least Loaded / Peak EWMA"): it rises to a worse
// sample at once and falls to better ones with time. Unlike there it does not fall while nobody measures: targets that were not
// measured for a while are asked on purpose (`strategies.ts`), so that it is known how many calls that costs.

import { BUCKETS, bucketBound, bucketOf } from "../../memory/histogram.ts";

/** Time constant of the average, in milliseconds. */
const DECAY_MS = 10_000;

/** Words: the average in microseconds (0: nothing was measured), when it was last changed, samples in the histogram, when they were halved. */
const AVERAGE = 0;
const MEASURED_AT = 1;
const SAMPLES = 2;
const HALVED_AT = 3;
/** When somebody was last sent to measure. */
const EXPLORED_AT = 4;
/** Two counts of 16 bits to a word. */
const HISTOGRAM = 8;
const HISTOGRAM_WORDS = BUCKETS / 2;

/** So many samples are halved, whatever their age. */
const SAMPLES_MAX = 1_024;
/** So many are halved when this time has passed: what is told is of late, and of at least half as many. */
const SAMPLES_ENOUGH = 256;
const HALVING_MS = 60_000;

/** A quantile, and how many samples it is of. */
export interface Quantile {
  readonly ms: number;
  readonly samples: number;
}

/** Takes a time to the first byte into account. */
export function observe(words: Int32Array, at: number, duration_us: number, now_ms: number): void {
  const sample = Math.min(Math.max(1, Math.round(duration_us)), 0x7fffffff);
  const before = Atomics.load(words, at + AVERAGE);
  let next = sample;
  if (sample < before) {
    const kept = Math.exp(-ageMs(words, at + MEASURED_AT, now_ms) / DECAY_MS);
    next = Math.max(1, Math.round(before * kept + sample * (1 - kept)));
  }
  // Of two samples at one moment one may be left out.
  Atomics.compareExchange(words, at + AVERAGE, before, next);
  Atomics.store(words, at + MEASURED_AT, now_ms | 0);
  const bucket = bucketOf(sample);
  Atomics.add(words, at + HISTOGRAM + (bucket >> 1), bucket & 1 ? 0x1_0000 : 1);
  const samples = Atomics.add(words, at + SAMPLES, 1) + 1;
  const is_old = samples >= SAMPLES_ENOUGH && ageMs(words, at + HALVED_AT, now_ms) >= HALVING_MS;
  if (samples >= SAMPLES_MAX || is_old) halve(words, at, now_ms);
}

/** The average in milliseconds; 0 where nothing was measured. */
export function averageMs(words: Int32Array, at: number): number {
  return Atomics.load(words, at + AVERAGE) / 1_000;
}

/** For how long nothing was measured, in milliseconds. */
export function staleMs(words: Int32Array, at: number, now_ms: number): number {
  return Atomics.load(words, at + AVERAGE) === 0
    ? Number.POSITIVE_INFINITY
    : ageMs(words, at + MEASURED_AT, now_ms);
}

/** Whether the caller is to measure; one of all processes in any `every_ms`. */
export function takeExploration(words: Int32Array, at: number, now_ms: number, every_ms: number): boolean {
  const before = Atomics.load(words, at + EXPLORED_AT);
  if (before !== 0 && ((now_ms | 0) - before) >>> 0 < every_ms) return false;
  return Atomics.compareExchange(words, at + EXPLORED_AT, before, now_ms | 0 || 1) === before;
}

/** The time that a share of the samples of late did not exceed, to about a tenth; null where there are none. */
export function quantileOf(words: Int32Array, at: number, share: number): Quantile | null {
  const counts = new Array<number>(BUCKETS);
  let samples = 0;
  for (let index = 0; index < HISTOGRAM_WORDS; index++) {
    const pair = Atomics.load(words, at + HISTOGRAM + index);
    counts[2 * index] = pair & 0xffff;
    counts[2 * index + 1] = pair >>> 16;
    samples += (pair & 0xffff) + (pair >>> 16);
  }
  if (samples === 0) return null;
  let left = share * samples;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = counts[bucket]!;
    if (count >= left && count > 0) {
      const low_us = bucket === 0 ? 0 : bucketBound(bucket - 1);
      return { ms: (low_us + (bucketBound(bucket) - low_us) * (left / count)) / 1_000, samples };
    }
    left -= count;
  }
  return { ms: bucketBound(BUCKETS - 1) / 1_000, samples };
}

/** One of those who see that it is due halves. A count that is added meanwhile stays whole. */
function halve(words: Int32Array, at: number, now_ms: number): void {
  const before = Atomics.load(words, at + HALVED_AT);
  if (Atomics.compareExchange(words, at + HALVED_AT, before, now_ms | 0) !== before) return;
  let left = 0;
  for (let index = 0; index < HISTOGRAM_WORDS; index++) {
    const place = at + HISTOGRAM + index;
    const pair = Atomics.load(words, place);
    const half = (pair >>> 1) & 0x7fff_7fff;
    if (pair !== 0) Atomics.sub(words, place, pair - half);
    left += (half & 0xffff) + (half >>> 16);
  }
  Atomics.store(words, at + SAMPLES, left);
}

/** A moment is kept modulo 2^32 milliseconds: entries are begun anew long before that has passed. */
function ageMs(words: Int32Array, at: number, now_ms: number): number {
  return Math.max(0, ((now_ms | 0) - Atomics.load(words, at)) | 0);
}
