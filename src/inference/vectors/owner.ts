// Whose a folder is: one living process', known by a mark in a mapped file that the death of its owner makes void.

import { closeSync, fstatSync, ftruncateSync, openSync } from "node:fs";
import { OwnerMark } from "../../memory/liveness.ts";

/** A page: what is mapped at least. */
const FILE_BYTES = 4096;

/** Takes what the file of this name stands for; false while another living process has it. Throws what the file system throws. */
export function takeOwnership(path: string): boolean {
  const descriptor = openSync(path, "a", 0o600);
  try {
    if (fstatSync(descriptor).size < FILE_BYTES) ftruncateSync(descriptor, FILE_BYTES);
  } finally {
    closeSync(descriptor);
  }
  const bytes = Bun.mmap(path, { shared: true });
  return new OwnerMark(new Int32Array(bytes.buffer, bytes.byteOffset, 2), 0).take();
}
