// Vectors in clusters, as those of texts are, the same in every run.

import { randomIntegers } from "../../memory/random.ts";

/** Gives vectors of length 1 near one of so many centres. */
export function clusteredVectors(seed: number, dims: number, clusters: number): () => Float32Array {
  const random = randomIntegers(seed);
  const bell = () => (random(10_000) + random(10_000) + random(10_000) - 14_998.5) / 10_000;
  const centres = Array.from({ length: clusters }, () => Float32Array.from({ length: dims }, bell));
  return () => {
    const centre = centres[random(clusters)]!;
    const vector = centre.map((value) => value + 0.6 * bell());
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
}

/** The cosine of two vectors of length 1. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}
