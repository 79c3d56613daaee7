// Walks over a database that may have millions of records: a few milliseconds at a time, each with the newest snapshot, so that the
// event loop turns and no old page is held back meanwhile.

import type { Database } from "./environment.ts";

/** How long a slice keeps the event loop. */
const SLICE_MS = 3;
/** Records of a slice at most: what is done with them is one transaction. */
const SLICE_RECORDS = 500;

/** A record on the way. */
export interface WalkedRecord {
  readonly key: Buffer;
  readonly value: Buffer;
  /** Where the database has them. */
  readonly version: number;
}

/** Keys from `start` on and before `end`; all where they are left out. */
export interface KeyRange {
  readonly start?: Uint8Array;
  readonly end?: Uint8Array;
}

/**
 * Shows every record of a range to `visit`, in the order of keys; after each slice `endSlice` is waited for, and the walk ends early
 * where that says false. Throws where the database is closed.
 */
export async function walk(
  database: Database,
  { start, end }: KeyRange,
  visit: (record: WalkedRecord) => void,
  endSlice: () => Promise<boolean>,
): Promise<void> {
  let from = start === undefined ? {} : { start };
  const to = end === undefined ? {} : { end };
  for (;;) {
    const begun_ms = performance.now();
    let last: Uint8Array | null = null;
    for (const { key, value, version } of database.getRange({
      ...from,
      ...to,
      versions: true,
      limit: SLICE_RECORDS,
    })) {
      last = key;
      visit({ key: Buffer.from(key.buffer, key.byteOffset, key.length), value, version: version ?? 0 });
      if (performance.now() - begun_ms > SLICE_MS) break;
    }
    if (last === null) return;
    // The next key that there can be.
    from = { start: Buffer.concat([last, Buffer.of(0)]) };
    if (!(await endSlice())) return;
    await new Promise((next) => setImmediate(next));
  }
}

/** All keys that begin with `prefix`: all that there are, where it is empty. */
export function keysWith(prefix: Uint8Array): KeyRange {
  if (prefix.length === 0) return {};
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    if (end[at]! < 0xff) {
      end[at]!++;
      return { start: prefix, end: end.subarray(0, at + 1) };
    }
  }
  return { start: prefix };
}
