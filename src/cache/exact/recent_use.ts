// Which answers a process has used of late. Reading writes nothing; the keys are written down together now and then, and what is
// not written down yet when eviction looks is what it does not know of.

/** Keys that are remembered between two times of writing down; what is used more often comes sooner, and so is among them. */
const MOST_KEYS = 10_000;

/** The keys in use since they were last taken. */
export class RecentUse {
  readonly #keys = new Set<string>();

  /** Notes a use. */
  note(key: Buffer): void {
    if (this.#keys.size < MOST_KEYS) this.#keys.add(key.toString("latin1"));
  }

  /** Takes all keys out. */
  take(): Buffer[] {
    const keys = [...this.#keys].map((key) => Buffer.from(key, "latin1"));
    this.#keys.clear();
    return keys;
  }
}

/** A moment in seconds since 1970 as it is written down. */
export function bytesOfSecond(second: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(4);
  bytes.writeUInt32LE(second >>> 0);
  return bytes;
}

/** The moment in these bytes; 0 where there is none. */
export function secondOfBytes(bytes: Buffer | undefined): number {
  return bytes?.length === 4 ? bytes.readUInt32LE(0) : 0;
}
