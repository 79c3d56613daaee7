// A JSON body in pieces that other bodies are likely to have too: a message of a conversation, a system prompt, a list of tools.
// Put behind each other the pieces are the body again, byte for byte; what a piece means nobody has to know.

import { scanElements, scanObject } from "../wire/json.ts";

/** Shorter runs stay with what is between them: to keep one apart takes as much as it saves. */
const APART_MIN_BYTES = 512;
/** Pieces of one body that are kept apart; what is behind them is one piece. */
const APART_MAX = 4_096;

/** A run of a body's bytes. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Whether another body may have the same. */
  readonly is_apart: boolean;
}

/** The pieces of a body, in order; a body that is no object is one piece. */
export function piecesOf(body: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { start, end } of runsApart(body)) {
    if (start > from) pieces.push({ bytes: body.subarray(from, start), is_apart: false });
    pieces.push({ bytes: body.subarray(start, end), is_apart: true });
    from = end;
  }
  if (from < body.length) pieces.push({ bytes: body.subarray(from), is_apart: false });
  return pieces;
}

interface Run {
  readonly start: number;
  readonly end: number;
}

/** Members of the object that are long enough, and of those that are arrays as few elements in a row as are long enough together. */
function runsApart(body: Uint8Array): Run[] {
  const scan = scanObject(body);
  if (scan.fault !== null) return body.length < APART_MIN_BYTES ? [] : [{ start: 0, end: body.length }];
  const found: Run[] = [];
  for (const member of scan) {
    if (!isLong(member)) continue;
    // Definitions of tools hardly ever change one by one; turns of a conversation come one by one.
    const is_whole = member.kind !== "array" || isTools(body, member);
    const elements = is_whole ? null : scanElements(body, member.start, member.end);
    if (elements === null || elements.fault !== null) found.push(member);
    else found.push(...runsOf(elements));
  }
  return found.slice(0, APART_MAX);
}

/** Counted from the first on, so that a conversation that has grown has the runs that it had before. */
function* runsOf(elements: Iterable<Run>): Generator<Run> {
  let start = -1;
  for (const element of elements) {
    if (start < 0) start = element.start;
    if (element.end - start < APART_MIN_BYTES) continue;
    yield { start, end: element.end };
    start = -1;
  }
}

function isLong({ start, end }: Run): boolean {
  return end - start >= APART_MIN_BYTES;
}

const TOOLS = '"tools"';

function isTools(body: Uint8Array, { key_start, key_end }: { key_start: number; key_end: number }): boolean {
  return Buffer.prototype.utf8Slice.call(body, key_start, key_end) === TOOLS;
}
