// Messages that are known to hold nothing: of a conversation whose history is sent again, only what is new is looked through.

import { createHmac, randomBytes } from "node:crypto";

/** How many are remembered; the one that was not met for longest goes first. */
const MESSAGES_MAX = 50_000;
const KEY_BYTES = 32;
/** Characters of a keyed hash that are kept: 128 bits. */
const NAME_CHARS = 16;

/** Remembers messages by a keyed hash, whole requests of a process together. Nothing of them is kept. */
export class PlainMessages {
  readonly #names = new Map<string, true>();
  readonly #max: number;

  constructor(max = MESSAGES_MAX) {
    this.#max = max;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#names.size;
  }

  /** Those that are looked through in one way: where it or `tenant` differs, the same message is another. */
  under(key: Uint8Array, tenant: string, way: string): KnownMessages {
    const names = this.#names;
    const max = this.#max;
    return {
      nameOf(message) {
        const hmac = createHmac("sha256", key).update(`${tenant}\0${way}\0`).update(message);
        return hmac.digest("latin1").slice(0, NAME_CHARS);
      },
      has(name) {
        if (!names.delete(name)) return false;
        names.set(name, true);
        return true;
      },
      add(name) {
        names.set(name, true);
        if (names.size > max) for (const oldest of names.keys()) return void names.delete(oldest);
      },
    };
  }
}

/** The messages that were looked through in one way, and held nothing. */
export interface KnownMessages {
  /** What a message is known by. */
  nameOf(message: Uint8Array): string;
  has(name: string): boolean;
  add(name: string): void;
}

/** A key for one way to look through messages. It is made anew with each process, as what is remembered goes with it. */
export function wayKey(): Uint8Array {
  return randomBytes(KEY_BYTES);
}
