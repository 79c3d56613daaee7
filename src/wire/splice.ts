// Changes to a text of bytes: what is replaced is new, everything else stays a view of the original.
// Nobody copies half a megabyte of messages because the name of the model differs.

import type { JsonObjectScan } from "./json.ts";
import { viewOf } from "./view.ts";

/** `bytes` in place of `[start..end)`; with `start === end` they are put in before that offset. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/**
 * The edited text in parts, to be sent one after the other. Unchanged stretches are views of `bytes`;
 * there are no empty parts. Edits must be sorted and must not overlap; several may be put in at one offset,
 * and come out in their order. Throws if they do not hold to that, which is a bug of the caller.
 */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let pos = 0;
  for (const edit of edits) {
    if (edit.start < pos || edit.end < edit.start || edit.end > bytes.length) {
      throw new RangeError(`edit [${edit.start}..${edit.end}) lies outside the text or before offset ${pos}`);
    }
    if (edit.start > pos) parts.push(viewOf(bytes, pos, edit.start));
    if (edit.bytes.length > 0) parts.push(edit.bytes);
    pos = edit.end;
  }
  if (pos < bytes.length) parts.push(viewOf(bytes, pos, bytes.length));
  return parts;
}

/**
 * The edit that adds a member behind the last one, where it also wins over an equal key before it. `value` is
 * JSON text. An object without members takes one such edit; a second would miss its comma.
 */
export function insertMember(scan: JsonObjectScan, name: string, value: Uint8Array): Edit {
  const is_empty = scan.count === 0;
  const key = Buffer.from(`${is_empty ? "" : ","}${JSON.stringify(name)}:`);
  const at = is_empty ? scan.start + 1 : scan.at(scan.count - 1).end;
  return { start: at, end: at, bytes: Buffer.concat([key, value]) };
}
