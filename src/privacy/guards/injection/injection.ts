// How much a text looks like an attack on the model that will read it: rules and a small linear classifier over hashed features, with
// weights of their own for what a user writes and for what a tool gives back (models/injection/README.md).

import { readFileSync } from "node:fs";
import { partPath } from "../../../program/parts.ts";
import { Features } from "./features.ts";
import { parseWeights, type SourceWeights, type Weights } from "./weights.ts";
import { SHORT, Windows } from "./windows.ts";

/** The weights that come with Venturi. */
const WEIGHTS = "models/injection/venturi-injection.bin";

/** Where a text comes from: a user may give orders, a tool's result may not. */
export type InjectionSource = "user" | "tool";

/** Scores texts, in time linear in their length. Not shared between threads; each call is done when it returns. */
export class InjectionScorer {
  /** Codes of text that the last call looked at, after normalisation: its work, for who wants to bound it. */
  looked = 0;
  readonly #weights: Weights;
  readonly #features = new Features();
  readonly #windows = new Windows();

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  /** A scorer with the weights in a file's bytes, which must not change afterwards; a fault says why there is none. */
  static load(bytes: Uint8Array): InjectionScorer | { readonly fault: string } {
    const weights = parseWeights(bytes);
    return "fault" in weights ? weights : new InjectionScorer(weights);
  }

  /** From 0 to 1: above 0.5 come about one in a hundred harmless texts of that source. */
  score(text: string, source: InjectionSource): number {
    const weights = this.#weights[source];
    const sum = this.#sum(text, weights, SHORT[source]);
    return 1 / (1 + Math.exp(-weights.slope * (sum - weights.threshold)));
  }

  /** What the heaviest window weighs. A text without words weighs nothing. */
  #sum(text: string, { table, scale, long_bias, short_bias }: SourceWeights, short: number): number {
    const features = this.#features;
    const windows = this.#windows;
    features.clear();
    windows.begin(short, long_bias, short_bias);
    // What stands after a block's last word is counted to the first word of the next.
    let weight = 0;
    for (let at = 0; at < text.length; ) {
      at = features.fill(text, at);
      const { places, ends, words, count } = features;
      let next = 0;
      for (let word = 0; word < words; word++) {
        const end = ends[word]!;
        for (; next < end; next++) weight += table[places[next]!]!;
        windows.add(weight * scale);
        weight = 0;
      }
      for (; next < count; next++) weight += table[places[next]!]!;
    }
    this.looked = features.looked;
    return windows.count === 0 ? Number.NEGATIVE_INFINITY : windows.end();
  }
}

/** Loads the weights that come with Venturi, or those at a path; a fault says why there are none. */
export function loadInjectionScorer(path = partPath(WEIGHTS)): InjectionScorer | { readonly fault: string } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    return { fault: "the weights for injections cannot be read" };
  }
  return InjectionScorer.load(bytes);
}
