// The first 64 bytes of the mapped file: what it is, by which version and geometry, with a checksum.
// They lie in one sector and are written by one write, so that they are the old ones or the new ones, never half.

import {
  CALL_SLOT_BYTES,
  COUNTER_ENTRY_WORDS,
  COUNTERS,
  fileBytes,
  type Geometry,
  isPossible,
  LAYOUT_VERSION,
  RING_BYTES,
  SERIES_BLOCK_BYTES,
} from "./layout.ts";

const MAGIC = [0x544e4556, 0x00495255] as const; // "VENTURI" and a zero, in little endian
const WORDS = 16;
const VERSION = 2;
const AREAS = 8;
const CALL_SLOTS = 9;
const CHECK = 15;

/** How many bytes a header has. */
export const HEADER_USED_BYTES = WORDS * 4;

/** The header of a file with this geometry. */
export function encodeHeader({ areas, call_slots }: Geometry): Uint8Array {
  const words = new Int32Array(WORDS);
  words.set([
    ...MAGIC,
    LAYOUT_VERSION,
    COUNTERS.entries,
    COUNTER_ENTRY_WORDS,
    SERIES_BLOCK_BYTES,
    CALL_SLOT_BYTES,
    RING_BYTES,
    areas,
    call_slots,
  ]);
  words[CHECK] = checkOf(words);
  return new Uint8Array(words.buffer);
}

/** The geometry that a header tells, or in words why the file cannot be used. */
export function decodeHeader(header: Uint8Array, file_bytes: number): Geometry | { readonly fault: string } {
  if (header.length < HEADER_USED_BYTES) return { fault: "it is too short to have a header" };
  const words = new Int32Array(header.slice(0, HEADER_USED_BYTES).buffer);
  if (words[0] !== MAGIC[0] || words[1] !== MAGIC[1]) return { fault: "it is not a state file" };
  if (words[VERSION] !== LAYOUT_VERSION) {
    return { fault: `its layout is version ${words[VERSION]}, and this is version ${LAYOUT_VERSION}` };
  }
  if (words[CHECK] !== checkOf(words)) return { fault: "its header is damaged" };
  const geometry = { areas: words[AREAS]!, call_slots: words[CALL_SLOTS]! };
  const expected = new Int32Array(encodeHeader(geometry).buffer);
  if (!isPossible(geometry) || words.some((word, index) => word !== expected[index])) {
    return { fault: "its sizes are not those of this version" };
  }
  const needed_bytes = fileBytes(geometry);
  if (file_bytes < needed_bytes) return { fault: `it has ${file_bytes} of its ${needed_bytes} bytes` };
  return geometry;
}

/** What the header of any version tells, if it is whole and its tables, calls and rings are those of this one; null otherwise. */
export interface HeaderWords {
  readonly version: number;
  readonly geometry: Geometry;
}

/** Reads a header of any version. */
export function headerWords(header: Uint8Array): HeaderWords | null {
  const words = new Int32Array(header.slice(0, HEADER_USED_BYTES).buffer);
  if (words[0] !== MAGIC[0] || words[1] !== MAGIC[1] || words[CHECK] !== checkOf(words)) return null;
  const version = words[VERSION]!;
  const geometry = { areas: words[AREAS]!, call_slots: words[CALL_SLOTS]! };
  const sizes = [COUNTERS.entries, COUNTER_ENTRY_WORDS, null, CALL_SLOT_BYTES, RING_BYTES];
  const is_alike = sizes.every((size, index) => size === null || words[VERSION + 1 + index] === size);
  return version > LAYOUT_VERSION || is_alike ? { version, geometry } : null;
}

function checkOf(words: Int32Array): number {
  return Bun.hash.xxHash32(new Uint8Array(words.buffer, 0, CHECK * 4)) | 0;
}
