// What is kept of an answer to a prompt that comes again: on which side of some fixed planes its vector lies, a bit each. How many bits
// of two answers differ tells the angle between their vectors (Charikar, "Similarity Estimation Techniques from Rounding Algorithms",
// STOC 2002), and no bit tells a word.

/** Bits of a sketch. */
export const SKETCH_BITS = 256;
const SKETCH_BYTES = SKETCH_BITS / 8;
/** Bytes of what a prompt is known by. */
export const PROMPT_BYTES = 16;
/** What a line of a sketch begins with; the ids of rows are others. */
const MARK = "sketch";
const SEED = 0x5eed;

/** An answer to a prompt that comes again. */
export interface AnswerSketch {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly provider: string;
  readonly model: string;
  /** A keyed hash of the request. */
  readonly prompt: Uint8Array;
  readonly sketch: Uint8Array;
}

/** Signs of the planes' normals, by dimension: the same in every process and for ever. */
const planes = new Map<number, Int8Array>();

function planesOf(dims: number): Int8Array {
  const known = planes.get(dims);
  if (known !== undefined) return known;
  const made = new Int8Array(dims * SKETCH_BITS);
  let state = SEED;
  for (let at = 0; at < made.length; at++) {
    // Xorshift (Marsaglia, Journal of Statistical Software 8(14), 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    made[at] = state & 0x10000 ? 1 : -1;
  }
  planes.set(dims, made);
  return made;
}

/** The sketch of a vector. */
export function sketchOf(vector: Float32Array): Uint8Array {
  const signs = planesOf(vector.length);
  const sketch = new Uint8Array(SKETCH_BYTES);
  for (let bit = 0; bit < SKETCH_BITS; bit++) {
    let side = 0;
    const first = bit * vector.length;
    for (let at = 0; at < vector.length; at++) side += vector[at]! * signs[first + at]!;
    if (side > 0) sketch[bit >> 3]! |= 1 << (bit & 7);
  }
  return sketch;
}

/** The cosine of the angle between the vectors of two sketches, as far as their bits tell: 1 for the same. */
export function sketchSimilarity(one: Uint8Array, other: Uint8Array): number {
  let different = 0;
  for (let at = 0; at < SKETCH_BYTES; at++) {
    for (let bits = one[at]! ^ other[at]!; bits > 0; bits &= bits - 1) different += 1;
  }
  return Math.cos((Math.PI * different) / SKETCH_BITS);
}

/** The sketch as a line among those of rows, without its end. */
export function writeSketch({ time, provider, model, prompt, sketch }: AnswerSketch): string {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  return [MARK, time, JSON.stringify([provider, model]), hex(prompt), hex(sketch)].join("\t");
}

/** Reads such a line; null where it is none. */
export function readSketch(line: string): AnswerSketch | null {
  if (!line.startsWith(`${MARK}\t`)) return null;
  const [, time = "", names = "", prompt = "", sketch = ""] = line.split("\t");
  const [provider, model] = namesIn(names);
  const read = { time: Number(time), prompt: Buffer.from(prompt, "hex"), sketch: Buffer.from(sketch, "hex") };
  const is_one =
    Number.isSafeInteger(read.time) && read.time >= 0 && provider !== undefined && model !== undefined;
  if (!is_one || read.prompt.length !== PROMPT_BYTES || read.sketch.length !== SKETCH_BYTES) return null;
  return { ...read, provider, model };
}

function namesIn(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((name) => typeof name === "string") ? value : [];
  } catch {
    return [];
  }
}
