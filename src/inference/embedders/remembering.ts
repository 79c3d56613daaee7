// Remembers the vectors of the newest texts: what is looked up in vain is added a moment later, and embedding it twice would
// take, or cost, twice as much. A text that is being embedded is not embedded again either.

import type { Embedded, Embedder } from "./embedder.ts";

/** Texts that are remembered. */
const TEXTS_MAX = 2_000;

type One = Float32Array | { readonly fault: string };

/** An embedder that asks this one for each text only once in a while. */
export function remembering(embedder: Embedder, texts_max = TEXTS_MAX): Embedder {
  /** By the hash of the text, so that no long texts are kept; the newest last. */
  const known = new Map<string, Promise<One>>();

  function ask(keys: readonly string[], texts: readonly string[]): void {
    const missing = new Map<string, string>();
    for (const [at, key] of keys.entries()) if (!known.has(key)) missing.set(key, texts[at]!);
    if (missing.size === 0) return;
    const embedded = Promise.resolve(embedder.embed([...missing.values()]));
    for (const [at, key] of [...missing.keys()].entries()) {
      const one = embedded.then(
        (all): One => ("fault" in all ? all : (all[at] ?? { fault: "a vector is missing" })),
      );
      known.set(key, one);
      // A failure is not remembered.
      void one.then((vector) => {
        if ("fault" in vector && known.get(key) === one) known.delete(key);
      });
    }
  }

  return {
    get name() {
      return embedder.name;
    },
    async embed(texts): Promise<Embedded> {
      const keys = texts.map((text) => new Bun.CryptoHasher("sha256").update(text).digest("base64"));
      ask(keys, texts);
      const vectors = await Promise.all(keys.map((key) => known.get(key)!));
      for (const key of known.keys()) {
        if (known.size <= texts_max) break;
        known.delete(key);
      }
      const failed = vectors.find((vector) => "fault" in vector);
      if (failed !== undefined) return failed;
      return vectors.filter((vector) => vector instanceof Float32Array);
    },
    close: async () => embedder.close?.(),
  };
}
