// A database of an LMDB environment whose writes are read back at once: they are committed in another thread some milliseconds
// later, and until then this process finds them here.

import type { Lmdb } from "../../memory/lmdb.ts";

/** An open environment. */
export type Environment = ReturnType<Lmdb["open"]>;

/** A key as LMDB takes it. */
export type ShelfKey = Buffer | number;

/** How a database keeps keys and values. */
export interface ShelfOptions {
  readonly keyEncoding: "binary" | "uint32";
  readonly encoding: "msgpack" | "binary";
}

/** What a database has to tell. */
export interface ShelfHooks {
  /** Something could not be read, or a write not be committed. */
  onFault(error: unknown): void;
  /** What was put is not there after all. */
  onLost?(key: ShelfKey, value: unknown): void;
}

/** Some of what is in a database. */
export interface Page<K> {
  readonly rows: readonly { readonly key: K; readonly value: unknown }[];
  /** Behind what the next page begins; null when this one is the last. */
  readonly next: K | null;
}

/** Nothing is there, or will not be. */
const GONE = Symbol("gone");

/** One database. */
export class Shelf<K extends ShelfKey> {
  readonly #db: ReturnType<Environment["openDB"]>;
  readonly #hooks: ShelfHooks;
  readonly #is_binary: boolean;
  /** What is not committed yet, by key. */
  readonly #pending = new Map<string | number, { readonly value: unknown }>();

  constructor(root: Environment, name: string, options: ShelfOptions, hooks: ShelfHooks) {
    this.#db = root.openDB({ name, ...options });
    this.#is_binary = options.keyEncoding === "binary";
    this.#hooks = hooks;
  }

  /** Writes that are not committed. */
  get pending(): number {
    return this.#pending.size;
  }

  /** How many keys are committed. */
  get size(): number {
    const stats: unknown = this.#db.getStats();
    const count = typeof stats === "object" && stats !== null && "entryCount" in stats ? stats.entryCount : 0;
    return typeof count === "number" ? count : 0;
  }

  /** The value of a key; undefined where there is none. What it is has to be checked. */
  get(key: K): unknown {
    const pending = this.#pending.get(nameOf(key));
    if (pending === undefined) return this.#read(key);
    return pending.value === GONE ? undefined : pending.value;
  }

  put(key: K, value: unknown): void {
    this.#write(key, value, this.#db.put(key, value));
  }

  remove(key: K): void {
    this.#write(key, GONE, this.#db.remove(key));
  }

  /** Puts, and returns when it is on the disk; throws where it cannot be. */
  putNow(key: K, value: unknown): void {
    this.#db.putSync(key, value);
  }

  /** Keys and values in order, behind `after` or from the first on, up to `end`; so many are looked at as the limit says. */
  page(after: K | null, end: K | null, limit: number): Page<K> {
    const start = after === null ? {} : { start: after, exclusiveStart: true };
    const range = { ...start, ...(end === null ? {} : { end }), limit };
    const rows: { key: K; value: unknown }[] = [];
    let looked_at = 0;
    let last: K | null = null;
    try {
      for (const { key, value } of this.#db.getRange(range)) {
        looked_at += 1;
        last = this.#ownKey(key);
        if (last === null) continue;
        const pending = this.#pending.get(nameOf(last));
        if (pending?.value !== GONE)
          rows.push({ key: last, value: pending === undefined ? value : pending.value });
      }
    } catch (error) {
      this.#hooks.onFault(error);
      return { rows, next: null };
    }
    return { rows, next: looked_at < limit ? null : last };
  }

  #read(key: K): unknown {
    try {
      return this.#db.get(key);
    } catch (error) {
      // A value that cannot be read is none.
      this.#hooks.onFault(error);
      return undefined;
    }
  }

  /** A key as it was read, checked and copied: LMDB uses its buffer again. */
  #ownKey(key: unknown): K | null {
    if (this.#is_binary) return key instanceof Uint8Array ? (Buffer.from(key) as K) : null;
    return typeof key === "number" ? (key as K) : null;
  }

  #write(key: K, value: unknown, committed: Promise<boolean>): void {
    const name = nameOf(key);
    const own = { value };
    this.#pending.set(name, own);
    const settle = () => {
      if (this.#pending.get(name) === own) this.#pending.delete(name);
    };
    committed.then(settle, (error: unknown) => {
      const is_newest = this.#pending.get(name) === own;
      settle();
      if (is_newest && value !== GONE) this.#hooks.onLost?.(key, value);
      // The reason comes in a promise of its own, which has to be heard.
      if (!(error instanceof Error && "commitError" in error)) this.#hooks.onFault(error);
      else Promise.resolve(error.commitError).catch((reason: unknown) => this.#hooks.onFault(reason));
    });
  }
}

function nameOf(key: ShelfKey): string | number {
  return typeof key === "number" ? key : key.toString("latin1");
}
