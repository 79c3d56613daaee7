// What limits have counted, as a file that can be kept: the used entries of the table alone, without what belongs to processes.

import { readFileSync, writeFileSync } from "node:fs";
import { COUNTER_ENTRY_WORDS, COUNTERS, LAYOUT_VERSION } from "./layout.ts";
import { makeEmptyState, openState } from "./state.ts";

/** "VENTCNT" and a zero, then the layout's version and how many entries follow, each behind its place. */
const MAGIC = [0x544e4556, 0x00544e43] as const;
const HEAD_WORDS = 4;
const RECORD_WORDS = 1 + COUNTER_ENTRY_WORDS;

/** Writes the counters of a data folder into a file; gives how many there are. Throws what the file system throws. */
export function writeCounters(data: string, path: string): number {
  const records = [...openState(data).counters.entries()];
  const words = new Int32Array(HEAD_WORDS + records.length * RECORD_WORDS);
  words.set([...MAGIC, LAYOUT_VERSION, records.length]);
  for (const [index, record] of records.entries()) {
    const at = HEAD_WORDS + index * RECORD_WORDS;
    words[at] = record.place;
    words.set(record.words, at + 1);
  }
  writeFileSync(path, words, { mode: 0o600 });
  return records.length;
}

/** Makes a data folder's state of such a file; or says in words why it counts from zero. */
export function readCounters(path: string, data: string): string | null {
  const bytes = readFileSync(path);
  const words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
  if (words[0] !== MAGIC[0] || words[1] !== MAGIC[1]) return "it holds no counters";
  if (words[2] !== LAYOUT_VERSION)
    return `they were written by a version with another layout (${words[2]}, this is ${LAYOUT_VERSION})`;
  const count = words[3]!;
  if (!(count >= 0) || words.length !== HEAD_WORDS + count * RECORD_WORDS) return "it is cut off";
  const { counters } = makeEmptyState(data);
  for (let index = 0; index < count; index++) {
    const at = HEAD_WORDS + index * RECORD_WORDS;
    const place = words[at]!;
    if (place < 0 || place >= COUNTERS.entries) return "it names a place that is none";
    counters.place(place, words.subarray(at + 1, at + RECORD_WORDS));
  }
  return null;
}
