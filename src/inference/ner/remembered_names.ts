// What was found in the newest texts. Of a text itself only a keyed hash is kept, and the key is gone with the process.

import { randomBytes } from "node:crypto";
import type { Found } from "./ner.ts";

/** Texts, and names in all of them, that are remembered. */
const TEXTS_MAX = 20_000;
const NAMES_MAX = 200_000;
/** Bytes of a hash: so many that two texts do not share one. */
const HASH_BYTES = 16;

/** Findings by text; those that were not asked for longest go first. */
export class RememberedNames {
  readonly #key = randomBytes(32);
  readonly #texts_max: number;
  readonly #names_max: number;
  readonly #found = new Map<string, readonly Found[]>();
  #name_count = 0;

  constructor(texts_max = TEXTS_MAX, names_max = NAMES_MAX) {
    this.#texts_max = texts_max;
    this.#names_max = names_max;
  }

  /** Texts that are remembered. */
  get size(): number {
    return this.#found.size;
  }

  /** What a text is remembered by, for a model. */
  keyOf(model: string, text: string): string {
    const hasher = new Bun.CryptoHasher("sha256", this.#key);
    return hasher.update(`${model}\n`).update(text).digest().toString("latin1", 0, HASH_BYTES);
  }

  /** What was found; null where the text is not remembered. */
  get(key: string): readonly Found[] | null {
    const names = this.#found.get(key);
    if (names === undefined) return null;
    this.#found.delete(key);
    this.#found.set(key, names);
    return names;
  }

  /** Remembers what was found, and forgets what is too much. */
  set(key: string, names: readonly Found[]): void {
    this.#forget(key);
    this.#found.set(key, names);
    this.#name_count += names.length;
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= this.#texts_max && this.#name_count <= this.#names_max) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#name_count -= this.#found.get(key)?.length ?? 0;
    this.#found.delete(key);
  }
}
