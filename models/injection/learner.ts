// Trains the linear classifier of the injection score: each text is judged by its heaviest window, as it is when the score is used, so
// that a document's one bad sentence is what is learned, and the rest of it is not.

import { Features, PLACES } from "../../src/privacy/guards/injection/features.ts";
import type { InjectionSource } from "../../src/privacy/guards/injection/injection.ts";
import { divisorOf, LONG, SHORT, Windows } from "../../src/privacy/guards/injection/windows.ts";
import { randomNumbers, shuffle } from "../ner/random.ts";
import type { Example } from "./examples.ts";

const EPOCHS = 10;
const RATE = 0.04;
const BIAS_RATE = 0.02;
const DECAY = 2e-6;

/** An example with its features. */
export interface Seen {
  readonly example: Example;
  readonly places: Int32Array;
  /** For each word, how many of the places come no later. */
  readonly ends: Int32Array;
}

/** What was learned. */
export interface Learned {
  /** Words of a short window. */
  readonly short: number;
  readonly weights: Float32Array;
  readonly long_bias: number;
  readonly short_bias: number;
}

const features = new Features();
const windows = new Windows();

/** Turns an example into features. */
export function see(example: Example): Seen {
  const places: number[] = [];
  const ends: number[] = [];
  features.clear();
  for (let at = 0; at < example.text.length; ) {
    at = features.fill(example.text, at);
    for (let word = 0; word < features.words; word++) ends.push(places.length + features.ends[word]!);
    for (let index = 0; index < features.count; index++) places.push(features.places[index]!);
  }
  return { example, places: Int32Array.from(places), ends: Int32Array.from(ends) };
}

/** The sum of an example's heaviest window, which `windows` knows the place of afterwards. */
export function sumOf({ places, ends }: Seen, { short, weights, long_bias, short_bias }: Learned): number {
  windows.begin(short, long_bias, short_bias);
  let next = 0;
  for (const end of ends) {
    let weight = 0;
    for (; next < end; next++) weight += weights[places[next]!]!;
    windows.add(weight);
  }
  return windows.count === 0 ? -100 : windows.end();
}

/** Learns from examples, with AdaGrad; the same for the same examples. */
export function learn(examples: readonly Seen[], source: InjectionSource): Learned {
  const short = SHORT[source];
  const random = randomNumbers(2026);
  const weights = new Float32Array(PLACES);
  const squares = new Float32Array(PLACES).fill(1e-3);
  let learned: Learned = { short, weights, long_bias: 0, short_bias: 0 };
  const order = examples.filter(({ ends, example }) => ends.length > 0 && example.weight > 0);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    const rate = RATE * (1 - epoch / EPOCHS);
    for (const seen of order) {
      const { example, places, ends } = seen;
      let { long_bias, short_bias } = learned;
      const sum = sumOf(seen, learned);
      let [from, to, is_long] = [windows.best_from, windows.best_to, windows.is_best_long];
      // Nothing is known at first of which window matters: the text is, and of attacks inside documents nothing.
      if (epoch === 0) {
        if (example.is_hidden) continue;
        [from, to, is_long] = [0, Math.min(LONG, ends.length), true];
      }
      const slope = (1 / (1 + Math.exp(-sum)) - (example.is_attack ? 1 : 0)) * example.weight;
      if (Math.abs(slope) < 1e-3) continue;
      const step = slope / divisorOf(to - from);
      const first = from === 0 ? 0 : ends[from - 1]!;
      const end = ends[to - 1]!;
      for (let index = first; index < end; index++) {
        const place = places[index]!;
        const gradient = step + DECAY * weights[place]!;
        squares[place]! += gradient * gradient;
        weights[place]! -= (rate * gradient) / Math.sqrt(squares[place]!);
      }
      if (is_long) long_bias -= BIAS_RATE * slope;
      else short_bias -= BIAS_RATE * slope;
      learned = { short, weights, long_bias, short_bias };
    }
  }
  return learned;
}
