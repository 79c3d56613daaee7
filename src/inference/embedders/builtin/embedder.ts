// The embedder that needs no download: a text's vector is the sum of the vectors of its tokens and of its frequent pairs of tokens,
// which were trained to give the similarities of a sentence transformer (models/embedder/README.md).

import { partPath } from "../../../program/parts.ts";
import { readWeights, type Weights } from "./weights.ts";
import { Vocabulary } from "./wordpiece.ts";

/** The weights that come with Venturi. */
const WEIGHTS = "models/embedder/venturi-embed.bin";

/** Tokens that are taken of one text. */
export const MAX_TOKENS = 512;

/** Embeds short texts in microseconds. Not shared between threads; each call is done when it returns. */
export class BuiltinEmbedder {
  /** Name and version: vectors of different names are not comparable. */
  readonly name: string;
  /** Numbers in a vector. */
  readonly dims: number;
  readonly #vocabulary: Vocabulary;
  readonly #weights: Weights;
  readonly #tokens = new Uint16Array(MAX_TOKENS);

  constructor(weights: Weights) {
    this.name = `builtin-${weights.version}`;
    this.dims = weights.dims;
    this.#weights = weights;
    this.#vocabulary = new Vocabulary(weights.units, weights.offsets);
  }

  /** The numbers of a text's tokens, as the vectors are summed over. */
  tokens(text: string): Uint16Array {
    return this.#tokens.slice(0, this.#vocabulary.tokenize(text, this.#tokens));
  }

  /** A vector of length 1; all zeros where the text has no token. The first 8,192 characters and 512 tokens count. */
  embed(text: string): Float32Array {
    const { dims, scales, rows, pairs } = this.#weights;
    const vector = new Float32Array(dims);
    const count = this.#vocabulary.tokenize(text, this.#tokens);
    for (let at = 0; at < count; at++) {
      const token = this.#tokens[at]!;
      addRow(vector, rows, token, scales[token]!);
      const pair = at === 0 ? -1 : placeOf(pairs, this.#tokens[at - 1]! * 0x10000 + token);
      if (pair < 0) continue;
      const row = this.#vocabulary.count + pair;
      addRow(vector, rows, row, scales[row]!);
    }
    scaleToUnit(vector);
    return vector;
  }
}

/** Loads the weights that come with Venturi, or those at a path; a fault says why there are none. */
export function loadBuiltinEmbedder(path = partPath(WEIGHTS)): BuiltinEmbedder | { readonly fault: string } {
  const weights = readWeights(path);
  return "fault" in weights ? weights : new BuiltinEmbedder(weights);
}

/** How alike two texts are by their vectors of one embedder: 1 at most, about 0 for strangers. */
export function similarity(a: Float32Array, b: Float32Array): number {
  const length = Math.min(a.length, b.length);
  let sum = 0;
  for (let at = 0; at < length; at++) sum += a[at]! * b[at]!;
  return sum;
}

/** Where a number is among rising ones, or -1. */
function placeOf(rising: Uint32Array, number: number): number {
  let low = 0;
  let high = rising.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = rising[middle]!;
    if (found === number) return middle;
    if (found < number) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function addRow(vector: Float32Array, rows: Int8Array, row: number, scale: number): void {
  const start = row * vector.length;
  for (let at = 0; at < vector.length; at++) vector[at]! += scale * rows[start + at]!;
}

function scaleToUnit(vector: Float32Array): void {
  let square = 0;
  for (let at = 0; at < vector.length; at++) square += vector[at]! * vector[at]!;
  if (square === 0) return;
  const factor = 1 / Math.sqrt(square);
  for (let at = 0; at < vector.length; at++) vector[at]! *= factor;
}
