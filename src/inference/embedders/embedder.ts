// What turns texts into vectors: the built-in model in this very thread, a larger one in a thread of its own, or a provider.

/** Vectors of texts in their order, each of length 1; or in words why there are none. */
export type Embedded = readonly Float32Array[] | { readonly fault: string };

/** Turns texts into vectors. */
export interface Embedder {
  /**
   * Names the space that its vectors are in, with the version of what makes them: what is stored under one name can be compared.
   */
  readonly name: string;
  /** An embedder that answers at once does so without a promise. */
  embed(texts: readonly string[]): Embedded | Promise<Embedded>;
  /** Lets go of what it holds. */
  close?(): Promise<void>;
}

/** A vector brought to length 1; null if it has none. */
export function normalised(vector: Float32Array): Float32Array | null {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!(squares > 0) || !Number.isFinite(squares)) return null;
  const factor = 1 / Math.sqrt(squares);
  return vector.map((value) => value * factor);
}
