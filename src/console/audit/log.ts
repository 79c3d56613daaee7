// The audit log: data/audit.ndjson, to which lines are only ever added, each on the disk before what it tells of is done.
// The store of keys is who lets one process at a time write, and remembers the log's end, so that a missing end is noticed.

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { KeyStore, KeyWriter } from "../../access/key_store.ts";
import {
  AUDIT_START,
  type AuditEvent,
  type AuditHead,
  fragmentOf,
  openLine,
  REPAIR_ACTION,
  sealLine,
} from "./line.ts";

/** How much of the log's end is looked at first, in bytes. */
const TAIL_BYTES = 16 * 1024;
const NEWLINE = 0x0a;
/** The name of the log's end in the store of keys. */
const HEAD_MARK = "audit.head";

/** The log's file in a data folder. */
export function auditPath(data: string): string {
  return join(data, "audit.ndjson");
}

/** Adds an entry; call it within a change of the store. Throws if the disk does not take it: then nothing may be done. */
export function appendAudit(data: string, writer: KeyWriter, event: AuditEvent, now_ms = Date.now()): void {
  const path = auditPath(data);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const { size } = fstatSync(descriptor);
    const end = readEnd(descriptor, size);
    let { head } = end;
    let text = end.is_torn ? "\n" : "";
    const add = (what: AuditEvent) => {
      const sealed = sealLine(what, now_ms, head);
      text += `${sealed.line}\n`;
      head = sealed.head;
    };
    if (end.fragment !== null)
      add({ ...event, action: REPAIR_ACTION, target: "audit", change: fragmentOf(end.fragment) });
    add(event);
    writeAll(descriptor, Buffer.from(text));
    fsyncSync(descriptor);
    if (size === 0) syncFolder(dirname(path));
    writer.setMark(HEAD_MARK, `${head.seq} ${head.hash}`);
  } finally {
    closeSync(descriptor);
  }
}

/** The log's end as the store remembers it; null if it has never been told. */
export function rememberedHead(store: KeyStore): AuditHead | null {
  const [seq, hash] = store.mark(HEAD_MARK)?.split(" ") ?? [];
  return seq === undefined || hash === undefined ? null : { seq: Number(seq), hash };
}

/** A line of the log's file. */
export interface RawLine {
  readonly bytes: Buffer;
  /** False of a last line that was not finished. */
  readonly is_whole: boolean;
}

/** The lines of the log, one after another, those that cannot be read too; none if there is no log. */
export async function* auditLines(data: string): AsyncGenerator<RawLine> {
  const path = auditPath(data);
  if (!existsSync(path)) return;
  let rest = Buffer.alloc(0);
  for await (const chunk of Bun.file(path).stream()) {
    let bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      yield { bytes: bytes.subarray(0, end), is_whole: true };
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield { bytes: rest, is_whole: false };
}

/** How a log ends. */
interface End {
  readonly head: AuditHead;
  /** Whether its last line lacks its end. */
  readonly is_torn: boolean;
  /** That line, where it is no entry. */
  readonly fragment: Buffer | null;
}

function readEnd(descriptor: number, size: number): End {
  // As much as it takes to see the last entry: entries have no fixed length.
  for (let length = TAIL_BYTES; ; length *= 4) {
    const start = Math.max(0, size - length);
    const tail = Buffer.alloc(size - start);
    readSync(descriptor, tail, 0, tail.length, start);
    const end = endOf(tail, start === 0);
    if (end !== null) return end;
  }
}

/** The end of a log, from its last bytes; null if it takes more of them. */
function endOf(tail: Buffer, is_all: boolean): End | null {
  const last_start = tail.lastIndexOf(NEWLINE) + 1;
  const last = tail.subarray(last_start);
  const is_torn = last.length > 0;
  const whole = is_torn ? openLine(last.toString()) : null;
  if (whole !== null) return { head: whole, is_torn, fragment: null };
  const fragment = is_torn ? last : null;
  for (let end = last_start - 1; end > 0; ) {
    const start = tail.lastIndexOf(NEWLINE, end - 1) + 1;
    const entry = openLine(tail.toString("utf8", start, end));
    if (entry !== null) return { head: entry, is_torn, fragment };
    end = start - 1;
  }
  return is_all ? { head: AUDIT_START, is_torn, fragment } : null;
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

/** The name of a new file is on the disk when its folder is. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
