// What verdicts have taught, as it is written down for all processes and later runs.

import { Reliability } from "./reliability.ts";

/** What a note says; nothing is known where there is none. */
export function reliabilityOfNote(note: Uint8Array | null): Reliability {
  return note === null ? new Reliability() : new Reliability(numbersOf(note));
}

/** The note of what is known. */
export function noteOfReliability({ state }: Reliability): Uint8Array {
  return new Uint8Array(state.buffer, state.byteOffset, state.byteLength);
}

/** How many answers were compared with what was answered after all, and how many of them were wrong. */
export interface Verdicts {
  readonly compared: number;
  readonly wrong: number;
}

/** The verdicts behind some notes; of very many, the older ones count less. */
export function verdictsOfNotes(notes: readonly Uint8Array[]): Verdicts {
  const all = notes.map((note) => reliabilityOfNote(note).verdicts);
  return {
    compared: Math.round(all.reduce((sum, one) => sum + one.all, 0)),
    wrong: Math.round(all.reduce((sum, one) => sum + one.wrong, 0)),
  };
}

function numbersOf(bytes: Uint8Array): Float64Array {
  // A copy, since what is read from a store may lie at any address.
  const copy = bytes.slice();
  return new Float64Array(copy.buffer, 0, Math.floor(copy.length / 8));
}
