// What is noted of a call in flight, in shared memory: enough to write its row and to set its budgets right should its process die.

import type { LedgerRow } from "./row.ts";

/** A note. */
export interface FlightNote {
  /** The row as it would be if the call ended now, without what its answer has used. */
  readonly row: LedgerRow;
  /** Nano-dollars that its prompt costs by estimate, and each token of its answer; null where the price is not known. */
  readonly input_cost: number | null;
  readonly output_cost: number | null;
  /** Nano-dollars that are held of its budgets, in decimal. */
  readonly held: string;
}

/** The longest note, in bytes of UTF-8. */
const NOTE_MAX_BYTES = 992;

/** A note as text that fits its slot: what is least needed goes first. */
export function noteText(note: FlightNote): string {
  const text = JSON.stringify(note);
  if (Buffer.byteLength(text) <= NOTE_MAX_BYTES) return text;
  const { row } = note;
  const shorter: LedgerRow = { ...row, tags: {}, attempts: [], timings_us: {}, request_id: row.id };
  const second = JSON.stringify({ ...note, row: shorter });
  if (Buffer.byteLength(second) <= NOTE_MAX_BYTES) return second;
  return JSON.stringify({ ...note, row: { ...shorter, user: null, feature: null, model: null } });
}

/** Reads a note back; null if it is none. */
export function readNote(text: string): FlightNote | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "row" in value ? (value as FlightNote) : null;
  } catch {
    return null;
  }
}

/** The row of a call whose process died when its answer had so many tokens. */
export function rowOfKilled(note: FlightNote, output_tokens: number): LedgerRow {
  const { row, input_cost, output_cost } = note;
  const is_priced = input_cost !== null && output_cost !== null;
  return {
    ...row,
    status: 502,
    error: "killed",
    usage: { ...row.usage, output_tokens },
    cost_nano_usd: is_priced ? Math.round(input_cost + output_tokens * output_cost) : null,
    estimated: true,
  };
}
