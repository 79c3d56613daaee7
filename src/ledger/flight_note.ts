// What is noted of a call in flight, in shared memory: enough to write its row and to set its budgets right should its process die.

import { NO_USAGE } from "../dialects/usage.ts";
import type { LineBuffer } from "../memory/line_buffer.ts";
import { type LedgerRow, NOTHING } from "./row.ts";
import { appendRow } from "./row_line.ts";
import { readRow } from "./row_reader.ts";

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
/** Fields of a note behind its row. */
const FIELDS = 4;
const TAB = 9;

/** Writes a note that fits its slot: what is least needed goes first. A row's line, and four fields behind it. */
export function writeNote(line: LineBuffer, note: FlightNote): void {
  fill(line, note, note.row);
  for (const shorten of SHORTER) {
    if (line.length <= NOTE_MAX_BYTES) return;
    fill(line, note, shorten(note.row));
  }
}

/** What can be left out of a row, the least needed first. */
const SHORTER: readonly ((row: LedgerRow) => LedgerRow)[] = [
  withoutMoments,
  (row) => ({
    ...row,
    tags: NOTHING,
    attempts: [],
    redactions: NOTHING,
    guards: NOTHING,
    routing: null,
    judged: null,
    request_id: row.id,
  }),
  needed,
  (row) => ({ ...needed(row), team: null }),
  (row) => ({ ...needed(row), team: null, key: null }),
];

function withoutMoments(row: LedgerRow): LedgerRow {
  const attempts = row.attempts.map(({ provider, model, outcome }) => ({ provider, model, outcome }));
  return { ...row, attempts, sampled: false };
}

/** Who pays for it, and what it has used. */
function needed(row: LedgerRow): LedgerRow {
  const { id, time, tenant, team, key, status, stream, cost_nano_usd, estimated } = row;
  const usage = { ...NO_USAGE, input_tokens: row.usage.input_tokens };
  return {
    ...{ id, request_id: id, time, tenant, team, key, status, stream, cost_nano_usd, estimated, usage },
    ...{ user: null, feature: null, model: null, provider: null, served_model: null, error: null },
    ...{ finish_reason: null, price_version: null, saved_nano_usd: 0, cache: "bypass", similarity: null },
    ...{ attempts: [], tags: NOTHING, redactions: NOTHING, guards: NOTHING, routing: null },
    ...{ refusal: false, judged: null, shadow: row.shadow, replay_of: row.replay_of },
    timings_us: NOTHING,
    ...{ trace: null, sampled: false, endpoint: null },
  };
}

function fill(
  line: LineBuffer,
  { input_cost, output_cost, held, is_answered }: FlightNote,
  row: LedgerRow,
): void {
  line.begin();
  appendRow(line, row);
  for (const field of [input_cost ?? "", output_cost ?? "", held, is_answered === true ? "answered" : ""]) {
    line.byte(TAB);
    line.text(`${field}`);
  }
  line.end();
}

/** Reads a note back; null if it is none. */
export function readNote(text: string): FlightNote | null {
  const fields = text.split("\t");
  const [input_cost = "", output_cost = "", held = "", answered] = fields.splice(-FIELDS);
  const row = readRow(fields.join("\t"));
  if (row === null || !/^\d+$/.test(held)) return null;
  const note = { row, input_cost: costOf(input_cost), output_cost: costOf(output_cost), held };
  return answered === "answered" ? { ...note, is_answered: true } : note;
}

function costOf(text: string): number | null {
  const cost = text === "" ? Number.NaN : Number(text);
  return Number.isFinite(cost) ? cost : null;
}

/** The row of a call whose process died when its answer had so many tokens, beside those of answers before it. */
export function rowOfKilled(note: FlightNote, output_tokens: number): LedgerRow {
  const { row, input_cost, output_cost } = note;
  if (note.is_answered === true) return row;
  const is_priced = input_cost !== null && output_cost !== null;
  return {
    ...row,
    status: 502,
    error: "killed",
    usage: { ...row.usage, output_tokens: row.usage.output_tokens + output_tokens },
    cost_nano_usd: is_priced ? Math.round(input_cost + output_tokens * output_cost) : null,
    estimated: true,
  };
}
