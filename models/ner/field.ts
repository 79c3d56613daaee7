// Trains the conditional random field: stochastic gradient ascent of the likelihood, with a rate for each weight (AdaGrad).

import { Chain, mayFollow, OUTSIDE, TAG_COUNT } from "../../src/inference/ner/chain.ts";
import { FEATURES_MAX } from "../../src/inference/ner/features.ts";
import { TOKENS_MAX } from "../../src/inference/ner/tokens.ts";
import type { Dataset, Row } from "./dataset.ts";
import { shuffle } from "./random.ts";

const PAIRS = TAG_COUNT * TAG_COUNT;
/** Errors of a tag that are too small to be worth a step. */
const ERROR_MIN = 0.002;
/** The share of features that a token does without, others each time: none of them may be what all hangs on. */
const DROPPED = 0.3;

/** Weights in training. */
export class Field {
  readonly weights: Float32Array;
  readonly follows = new Float32Array(PAIRS);
  readonly #squares: Float32Array;
  readonly #follow_squares = new Float32Array(PAIRS);
  readonly #chain = new Chain();
  readonly #dataset: Dataset;
  readonly #random: () => number;
  /** The features that the tokens of the text have this time, and where those of each begin. */
  readonly #kept = new Int32Array(TOKENS_MAX * FEATURES_MAX);
  readonly #offsets = new Int32Array(TOKENS_MAX + 1);
  readonly #rate: number;
  readonly #decay: number;

  constructor(dataset: Dataset, feature_count: number, rate: number, decay: number, random: () => number) {
    this.#dataset = dataset;
    this.#random = random;
    this.weights = new Float32Array(feature_count * TAG_COUNT);
    this.#squares = new Float32Array(feature_count * TAG_COUNT);
    this.#rate = rate;
    this.#decay = decay;
  }

  /** Goes once over all texts, in random order; gives the mean logarithm of how likely the right tags were. */
  epoch(): number {
    let sum = 0;
    let tokens = 0;
    for (const row of shuffle([...this.#dataset.rows], this.#random)) {
      sum += this.#learn(row);
      tokens += row.tags.length;
    }
    return sum / tokens;
  }

  #learn(row: Row): number {
    const chain = this.#chain;
    const { tags } = row;
    const count = tags.length;
    this.#drop(row);
    const features = this.#kept;
    const offsets = this.#offsets;
    const share = 1 / (1 - DROPPED);
    chain.follow(this.follows);
    for (let token = 0; token < count; token++) {
      const fits = token * TAG_COUNT;
      chain.fits.fill(0, fits, fits + TAG_COUNT);
      for (let at = offsets[token]!; at < offsets[token + 1]!; at++) {
        const feature = features[at]! * TAG_COUNT;
        for (let tag = 0; tag < TAG_COUNT; tag++)
          chain.fits[fits + tag]! += share * this.weights[feature + tag]!;
      }
    }
    chain.weigh(count);
    let sum = 0;
    for (let token = 0; token < count; token++) {
      const likely = token * TAG_COUNT;
      sum += Math.log(Math.max(1e-12, chain.likely[likely + tags[token]!]!));
      for (let tag = 0; tag < TAG_COUNT; tag++) {
        const error = (tags[token] === tag ? 1 : 0) - chain.likely[likely + tag]!;
        if (Math.abs(error) < ERROR_MIN) continue;
        for (let at = offsets[token]!; at < offsets[token + 1]!; at++) {
          this.#step(features[at]! * TAG_COUNT + tag, error);
        }
      }
    }
    this.#learnFollows(tags);
    return sum;
  }

  /** Draws the features of this time. */
  #drop({ offsets, tags }: Row): void {
    const { features } = this.#dataset;
    let last = 0;
    for (let token = 0; token < tags.length; token++) {
      this.#offsets[token] = last;
      for (let at = offsets[token]!; at < offsets[token + 1]!; at++) {
        if (features[at]! >= 0 && this.#random() >= DROPPED) this.#kept[last++] = features[at]!;
      }
    }
    this.#offsets[tags.length] = last;
  }

  #step(place: number, error: number): void {
    const square = this.#squares[place]! + error * error;
    this.#squares[place] = square;
    const weight = this.weights[place]!;
    this.weights[place] = weight + (this.#rate / Math.sqrt(square + 0.1)) * (error - this.#decay * weight);
  }

  #learnFollows(tags: Uint8Array): void {
    const { before, after, factors, fit_factors } = this.#chain;
    const errors = new Float64Array(PAIRS);
    const pairs = new Float64Array(PAIRS);
    for (let token = 0; token < tags.length; token++) {
      const row = token * TAG_COUNT;
      let sum = 0;
      for (let from = 0; from < TAG_COUNT; from++) {
        const weight = token === 0 ? (from === OUTSIDE ? 1 : 0) : before[row - TAG_COUNT + from]!;
        for (let tag = 0; tag < TAG_COUNT; tag++) {
          const pair = from * TAG_COUNT + tag;
          pairs[pair] = weight * factors[pair]! * fit_factors[row + tag]! * after[row + tag]!;
          sum += pairs[pair]!;
        }
      }
      if (sum > 0) for (let pair = 0; pair < PAIRS; pair++) errors[pair]! -= pairs[pair]! / sum;
      errors[(token === 0 ? OUTSIDE : tags[token - 1]!) * TAG_COUNT + tags[token]!]! += 1;
    }
    for (let pair = 0; pair < PAIRS; pair++) {
      if (!mayFollow(Math.floor(pair / TAG_COUNT), pair % TAG_COUNT)) continue;
      const error = errors[pair]!;
      this.#follow_squares[pair]! += error * error;
      this.follows[pair]! += (this.#rate / Math.sqrt(this.#follow_squares[pair]! + 1)) * error;
    }
  }

  /** Goes so many times over all texts, and takes the mean of the weights after each. */
  epochsAveraged(count: number, report: (likelihood: number) => void): void {
    const sums = new Float64Array(this.weights.length);
    const follow_sums = new Float64Array(PAIRS);
    for (let epoch = 0; epoch < count; epoch++) {
      report(this.epoch());
      for (let at = 0; at < sums.length; at++) sums[at]! += this.weights[at]!;
      for (let at = 0; at < PAIRS; at++) follow_sums[at]! += this.follows[at]!;
    }
    for (let at = 0; at < sums.length; at++) this.weights[at] = sums[at]! / count;
    for (let at = 0; at < PAIRS; at++) this.follows[at] = follow_sums[at]! / count;
  }

  /** Leaves so many features, those that matter most; the others are out of the texts too. Gives which are left. */
  prune(times: Uint32Array, keep: number): boolean[] {
    const count = times.length;
    const worth = new Float32Array(count);
    for (let feature = 0; feature < count; feature++) {
      let square = 0;
      for (let tag = 0; tag < TAG_COUNT; tag++) square += this.weights[feature * TAG_COUNT + tag]! ** 2;
      worth[feature] = Math.sqrt(square) * Math.sqrt(Math.min(times[feature]!, 1000));
    }
    const least = worth.toSorted().at(Math.max(0, count - keep))!;
    const is_kept = Array.from(worth, (value) => value >= least && value > 0);
    const { features } = this.#dataset;
    for (let at = 0; at < features.length; at++)
      if (features[at]! >= 0 && !is_kept[features[at]!]) features[at] = -1;
    return is_kept;
  }
}
