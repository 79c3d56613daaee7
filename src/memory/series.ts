// What one process has counted of one thing: numbers by label, and histograms. It lies in the mapped file, so that the counts
// outlive the process and whoever is asked can read those of all. One process writes, with plain stores of eight bytes.

import { BUCKETS, bucketOf } from "./histogram.ts";
import type { Mapping } from "./mapping.ts";

/** Longest name, in bytes of UTF-8. */
export const SERIES_NAME_MAX_BYTES = 256;
/** Labels of a series; what has more is not counted by them. */
export const LABELS_MAX = 64;

/** Words of a series: the length of its name, how many labels it has. Then, in bytes, where its parts are. */
const NAME_LENGTH = 0;
const LABELS = 1;
const NAME_OFFSET = 64;
const LABELS_OFFSET = NAME_OFFSET + SERIES_NAME_MAX_BYTES;
/** A label: its length, its text, and its number. */
const LABEL_BYTES = 56;
const LABEL_TEXT_OFFSET = 4;
const LABEL_NUMBER_OFFSET = 48;
/** A longer text is cut. */
const LABEL_TEXT_MAX_BYTES = LABEL_NUMBER_OFFSET - LABEL_TEXT_OFFSET;
/** A histogram: the sum, then its buckets. */
const HISTOGRAMS_OFFSET = LABELS_OFFSET + LABELS_MAX * LABEL_BYTES;
const HISTOGRAM_BYTES = 1088;

/** Histograms of a series. */
export const HISTOGRAMS = 3;

/** Which of them. */
export type HistogramIndex = 0 | 1 | 2;

/** A histogram as plain data; durations in microseconds. */
export interface HistogramCounts {
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum_us: number;
}

/** A series in the file. */
export class SeriesRecord {
  readonly name: string;
  readonly #mapping: Mapping;
  readonly #offset: number;

  constructor(mapping: Mapping, offset: number) {
    const start = offset + NAME_OFFSET;
    this.name = mapping.bytes.toString("utf8", start, start + mapping.words[(offset >> 2) + NAME_LENGTH]!);
    this.#mapping = mapping;
    this.#offset = offset;
  }

  /** Writes the name of a series, all of whose bytes are zero; false if it is too long. */
  static write({ bytes, words }: Mapping, offset: number, name: string): boolean {
    const length = Buffer.byteLength(name);
    if (length > SERIES_NAME_MAX_BYTES) return false;
    bytes.write(name, offset + NAME_OFFSET, length);
    words[(offset >> 2) + NAME_LENGTH] = length;
    return true;
  }

  /** The writer's: the place of a label's number, to be added to; -1 when there are too many. */
  placeOf(label: string): number {
    const labels = this.#labels;
    for (let index = 0; index < labels; index++)
      if (this.#labelAt(index) === label) return this.#numberAt(index);
    if (labels === LABELS_MAX) return -1;
    const { bytes, words } = this.#mapping;
    const offset = this.#labelOffset(labels);
    words[offset >> 2] = bytes.write(label, offset + LABEL_TEXT_OFFSET, LABEL_TEXT_MAX_BYTES);
    Atomics.store(words, (this.#offset >> 2) + LABELS, labels + 1);
    return this.#numberAt(labels);
  }

  /** The writer's: adds to a number; harmless for the place -1. */
  add(place: number, amount: number): void {
    if (place >= 0) this.#mapping.floats[place]! += amount;
  }

  /** The writer's: counts a duration in one of the histograms. */
  observe(histogram: HistogramIndex, duration_us: number): void {
    const { floats } = this.#mapping;
    const sum = this.#histogramAt(histogram);
    floats[sum]! += duration_us;
    floats[sum + 1 + bucketOf(duration_us)]! += 1;
  }

  /** All labels with their numbers. */
  numbers(): readonly (readonly [label: string, number: number])[] {
    return Array.from({ length: this.#labels }, (_, index) => {
      return [this.#labelAt(index), this.#mapping.floats[this.#numberAt(index)]!] as const;
    });
  }

  histogram(histogram: HistogramIndex): HistogramCounts {
    const sum = this.#histogramAt(histogram);
    const { floats } = this.#mapping;
    const counts = new Array<number>(BUCKETS);
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const counted = floats[sum + 1 + bucket]!;
      counts[bucket] = counted;
      count += counted;
    }
    return { counts, count, sum_us: floats[sum]! };
  }

  get #labels(): number {
    return Math.min(Atomics.load(this.#mapping.words, (this.#offset >> 2) + LABELS), LABELS_MAX);
  }

  #labelOffset(index: number): number {
    return this.#offset + LABELS_OFFSET + index * LABEL_BYTES;
  }

  #labelAt(index: number): string {
    const { bytes, words } = this.#mapping;
    const offset = this.#labelOffset(index);
    const start = offset + LABEL_TEXT_OFFSET;
    return bytes.toString("utf8", start, start + Math.min(words[offset >> 2]!, LABEL_TEXT_MAX_BYTES));
  }

  #numberAt(index: number): number {
    return (this.#labelOffset(index) + LABEL_NUMBER_OFFSET) >> 3;
  }

  #histogramAt(histogram: HistogramIndex): number {
    return (this.#offset + HISTOGRAMS_OFFSET + histogram * HISTOGRAM_BYTES) >> 3;
  }
}
