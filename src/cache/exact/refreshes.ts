// Who refreshes which answer: of all callers in all processes one at a time, until it says that it is done or its lease ends, as it
// does where its process was killed.

import type { CacheKey } from "../key.ts";
import type { Environment } from "./environment.ts";
import type { Writes } from "./writes.ts";

const NOTHING = Buffer.alloc(0);
/** Leases of this process that it can end by itself; one that is not remembered just runs out. */
const MOST_LEASES = 10_000;

/** The leases of one process. */
export class Refreshes {
  readonly #environment: Environment;
  readonly #writes: Writes;
  /** Until when this process has which, by key. */
  readonly #leases = new Map<string, number>();

  constructor(environment: Environment, writes: Writes) {
    this.#environment = environment;
    this.#writes = writes;
  }

  /** Takes a lease; false where another has it, or where it cannot be written. Throws where the store is closed. */
  async take(key: CacheKey, lease_ms: number, now_ms: number): Promise<boolean> {
    const { refreshes } = this.#environment;
    const until_ms = now_ms + lease_ms;
    const found_ms = refreshes.getEntry(key.bytes)?.version;
    if (found_ms !== undefined && found_ms > now_ms) return false;
    const put = () => refreshes.put(key.bytes, NOTHING, until_ms);
    const is_mine = await this.#writes.conditional(() =>
      found_ms === undefined
        ? refreshes.ifNoExists(key.bytes, put)
        : refreshes.ifVersion(key.bytes, found_ms, put),
    );
    if (is_mine && this.#leases.size < MOST_LEASES) this.#leases.set(nameOf(key), until_ms);
    return is_mine;
  }

  /** Gives a lease back, if this process has it. */
  end(key: CacheKey): void {
    const { refreshes } = this.#environment;
    const until_ms = this.#leases.get(nameOf(key));
    if (until_ms === undefined) return;
    this.#leases.delete(nameOf(key));
    // Where it ran out, and another took it, the version is another.
    void this.#writes.conditional(() =>
      refreshes.ifVersion(key.bytes, until_ms, () => refreshes.remove(key.bytes)),
    );
  }
}

function nameOf(key: CacheKey): string {
  return key.bytes.toString("latin1");
}
