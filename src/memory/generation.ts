// A number in a mapped file that is counted up after every change of something, so that other processes learn of it at once.
// To look whether something has changed costs one atomic load, and no system call.

import { closeSync, fstatSync, ftruncateSync, openSync } from "node:fs";

/** A page: what is mapped at least. */
const FILE_BYTES = 4096;

/** The number of changes so far; it wraps. */
export interface Generation {
  current(): number;
  advance(): void;
}

/** Opens the number in the file of this name, which is made if it is not there. Throws what the file system throws. */
export function openGeneration(path: string): Generation {
  const descriptor = openSync(path, "a", 0o600);
  try {
    // Never made shorter: others have it mapped.
    if (fstatSync(descriptor).size < FILE_BYTES) ftruncateSync(descriptor, FILE_BYTES);
  } finally {
    closeSync(descriptor);
  }
  const bytes = Bun.mmap(path, { shared: true });
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, 1);
  return {
    current: () => Atomics.load(words, 0),
    advance: () => {
      Atomics.add(words, 0, 1);
    },
  };
}
