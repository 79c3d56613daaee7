// How often somebody may be wrong about the admin token: a few times a minute from one address, and a bounded number from all.

const WINDOW_MS = 60_000;
const OF_ADDRESS_MAX = 5;
const OF_ALL_MAX = 100;
/** Addresses that are told apart. */
const ADDRESSES_MAX = 1_000;

interface Failures {
  count: number;
  ends_ms: number;
}

/** Failed logins of the last minute. */
export class LoginLimit {
  readonly #by_address = new Map<string, Failures>();
  #all: Failures = { count: 0, ends_ms: 0 };

  /** For how long nobody from an address may try again, in milliseconds; 0: it may. */
  restMs(address: string, now_ms: number): number {
    const own = this.#by_address.get(address);
    return Math.max(
      restOf(own, OF_ADDRESS_MAX, now_ms),
      // Those who have failed already do not keep the others out.
      own === undefined ? 0 : restOf(this.#all, OF_ALL_MAX, now_ms),
    );
  }

  /** A login failed. */
  count(address: string, now_ms: number): void {
    this.#all = counted(this.#all, now_ms);
    if (!this.#by_address.has(address) && this.#by_address.size >= ADDRESSES_MAX)
      this.#by_address.delete(this.#by_address.keys().next().value!);
    this.#by_address.set(address, counted(this.#by_address.get(address), now_ms));
  }

  /** A login did not fail. */
  forgive(address: string): void {
    this.#by_address.delete(address);
  }
}

function restOf(failures: Failures | undefined, max: number, now_ms: number): number {
  return failures === undefined || failures.count < max ? 0 : Math.max(0, failures.ends_ms - now_ms);
}

function counted(failures: Failures | undefined, now_ms: number): Failures {
  if (failures === undefined || failures.ends_ms <= now_ms) return { count: 1, ends_ms: now_ms + WINDOW_MS };
  return { ...failures, count: failures.count + 1 };
}
