// The lock file of an LMDB environment, written out before the library makes it: the library maps a file with a hole, and who
// writes into a hole on a full disk is ended by a signal.

import { linkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Readers that an environment has places for, and the bytes that its lock file then has. */
export const LMDB_READERS = 512;
const LOCK_BYTES = 36_864;

/** Makes the lock file in an environment's folder where there is none. Throws what the file system throws. */
export function makeLmdbLockFile(folder: string): void {
  const path = join(folder, "lock.mdb");
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  const made = `${path}.${process.pid}`;
  try {
    writeFileSync(made, Buffer.alloc(LOCK_BYTES), { mode: 0o600 });
    linkSync(made, path);
  } catch (error) {
    const is_there = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!is_there) throw error;
  } finally {
    rmSync(made, { force: true });
  }
}
