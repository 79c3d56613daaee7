// What is noted of a call in flight, in shared memory: enough to write its row and to set its budgets right should its process die.

import { NO_USAGE } from "../dialects/usage.ts";
import type { LedgerRow } from "./row.ts";
import { readRow } from "./row_text.ts";
import { writeRow } from "./row_writer.ts";

/** A note. */
export interface FlightNote {
  /** The row as it would be if the call ended now, without what its answer has used. */
  readonly row: LedgerRow;
  /** Nano-dollars that its prompt costs by estimate, and each token of its answer; null where the price is not known. */
  readonly input_cost: number | null;
  readonly output_cost: number | null;
  /** Nano-dollars that are held of its budgets, in decimal. */
  readonly held: string;
  /** The call is over, and its row is all there but for a more exact count of its tokens. */
  readonly is_answered?: boolean;
}

/** The longest note, in bytes of UTF-8. */
const NOTE_MAX_BYTES = 992;

/** A note as text that fits its slot: what is least needed goes first. */
export function noteText(note: FlightNote): string {
  const text = textOf(note);
  // No character has more than three bytes for each of its code units.
  if (text.length * 3 <= NOTE_MAX_BYTES || Buffer.byteLength(text) <= NOTE_MAX_BYTES) return text;
  for (const shorten of SHORTER) {
    const shorter = textOf({ ...note, row: shorten(note.row) });
    if (Buffer.byteLength(shorter) <= NOTE_MAX_BYTES) return shorter;
  }
  return textOf({ ...note, row: { ...needed(note.row), team: null, key: null } });
}

/** What can be left out of a row, the least needed first. */
const SHORTER: readonly ((row: LedgerRow) => LedgerRow)[] = [
  (row) => ({ ...row, tags: {}, attempts: [], timings_us: {}, redactions: {}, request_id: row.id }),
  needed,
  (row) => ({ ...needed(row), team: null }),
];

/** Who pays for it, and what it has used. */
function needed(row: LedgerRow): LedgerRow {
  const { id, time, tenant, team, key, status, stream, cost_nano_usd, estimated } = row;
  const usage = { ...NO_USAGE, input_tokens: row.usage.input_tokens };
  return {
    ...{ id, request_id: id, time, tenant, team, key, status, stream, cost_nano_usd, estimated, usage },
    ...{ user: null, feature: null, tags: {}, model: null, provider: null, served_model: null, error: null },
    ...{ finish_reason: null, price_version: null, cache: "bypass", similarity: null },
    ...{ attempts: [], redactions: {}, timings_us: {} },
  };
}

function textOf({ row, input_cost, output_cost, held, is_answered }: FlightNote): string {
  const rest = is_answered === true ? ',"is_answered":true}' : "}";
  return `{"row":${writeRow(row)},"input_cost":${input_cost},"output_cost":${output_cost},"held":"${held}"${rest}`;
}

/** Reads a note back; null if it is none. */
export function readNote(text: string): FlightNote | null {
  try {
    const value = JSON.parse(text) as FlightNote | null;
    const row = readRow(JSON.stringify(value?.row ?? null));
    return row === null ? null : { ...value!, row };
  } catch {
    return null;
  }
}

/** The row of a call whose process died when its answer had so many tokens. */
export function rowOfKilled(note: FlightNote, output_tokens: number): LedgerRow {
  const { row, input_cost, output_cost } = note;
  if (note.is_answered === true) return row;
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
