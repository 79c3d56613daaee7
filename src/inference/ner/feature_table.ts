// The model's features as a table by hash. A slot has a byte of the hash, so that features that the model does not know count for
// nothing, and the number that each tag gets.

import { TAG_COUNT } from "./chain.ts";
import { SLOT_BYTES } from "./weights.ts";

/** Slots that a feature may lie in: its own and its neighbour's, which are in one line of the processor's cache. */
const PROBES = 2;

/** The table's slot of a feature's hash, as an offset of bytes; -1 where it is not there. */
export function findFeature(table: Int8Array, hash: number): number {
  const mark = hash >> 24;
  const mask = table.length / SLOT_BYTES - 1;
  const slot = hash & mask;
  for (let probe = 0; probe < PROBES; probe++) {
    const place = (slot ^ probe) * SLOT_BYTES;
    if (table[place] === mark && mark !== 0) return place;
  }
  return -1;
}

/** Puts a feature's numbers into the table; false where its slots are taken. */
export function putFeature(table: Int8Array, hash: number, numbers: ArrayLike<number>): boolean {
  const mark = hash >> 24;
  const mask = table.length / SLOT_BYTES - 1;
  // A free slot's mark.
  if (mark === 0) return false;
  for (let probe = 0; probe < PROBES; probe++) {
    const place = ((hash & mask) ^ probe) * SLOT_BYTES;
    if (table[place] !== 0) continue;
    table[place] = mark;
    for (let tag = 0; tag < TAG_COUNT; tag++) table[place + 1 + tag] = numbers[tag]!;
    return true;
  }
  return false;
}
