// A stand-in for the built-in model: words are thrown into 256 bins by their hashes. Texts with the same words are alike.

import type { BuiltinModel } from "../../src/inference/embedders/builtin_embedder.ts";

/** The stand-in. */
export function standIn(dims = 256, name = "stand-in"): BuiltinModel {
  return {
    name,
    dims,
    embed(text) {
      const vector = new Float32Array(dims);
      for (const word of text.toLowerCase().split(/[^\p{L}\p{N}]+/u)) {
        const hash = Bun.hash.xxHash32(word);
        vector[hash % dims]! += (hash >>> 31) * 2 - 1;
        vector[(hash >>> 8) % dims]! += 1;
      }
      const length = Math.hypot(...vector) || 1;
      return vector.map((value) => value / length);
    },
  };
}
