// Whether an audit log is as it was written: every line sealed, each behind the one it names, and its end where the store of
// keys remembers it. The first thing that is wrong is told by its line.

import { AUDIT_START, type AuditEntry, type AuditHead, fragmentOf, openLine, REPAIR_ACTION } from "./line.ts";
import type { RawLine } from "./log.ts";

/** What came of it. */
export type AuditVerdict =
  | { readonly is_intact: true; readonly entries: number; readonly notes: readonly string[] }
  /** `line` is counted from 1; 0 where it is not about one. */
  | { readonly is_intact: false; readonly line: number; readonly fault: string };

/** A line that is no entry, until the next one says why. */
interface Fragment {
  readonly line: number;
  readonly raw: RawLine;
}

/** Reads a log to its end. `remembered` is its end as the store of keys knows it, null if it knows none. */
export async function verifyAudit(
  lines: AsyncIterable<RawLine>,
  remembered: AuditHead | null,
): Promise<AuditVerdict> {
  let head = AUDIT_START;
  let line = 0;
  let fragment: Fragment | null = null;
  const notes: string[] = [];
  const broken = (at: number, fault: string): AuditVerdict => ({ is_intact: false, line: at, fault });

  for await (const raw of lines) {
    line += 1;
    const entry = openLine(raw.bytes.toString());
    if (fragment !== null) {
      if (entry === null || !isRepairOf(entry, fragment)) return broken(fragment.line, CHANGED);
      notes.push(`line ${fragment.line} was left unfinished by a crash, which entry ${entry.seq} records`);
      fragment = null;
    }
    if (entry === null) {
      fragment = { line, raw };
      continue;
    }
    const fault = faultAfter(head, entry);
    if (fault !== null) return broken(line, fault);
    if (entry.seq === remembered?.seq && entry.hash !== remembered.hash)
      return broken(line, `entry ${entry.seq} is not the one that was written`);
    head = entry;
  }

  if (fragment !== null) {
    if (fragment.raw.is_whole) return broken(fragment.line, CHANGED);
    notes.push(`line ${fragment.line} is unfinished, as a crash leaves it; the next change will record that`);
  }
  if (remembered === null && line > 0)
    notes.push("whether the log's end is missing cannot be told: the store of keys has not been told of it");
  if (remembered !== null && remembered.seq > head.seq)
    return broken(
      line,
      `the end is missing: entry ${remembered.seq} was written, the last here is ${head.seq}`,
    );
  return { is_intact: true, entries: head.seq, notes };
}

const CHANGED = "this line is no entry as it was written";

/** What is wrong with an entry in this place; null for nothing. */
function faultAfter(head: AuditHead, entry: AuditEntry): string | null {
  const due = head.seq + 1;
  if (entry.seq > due) {
    const missing = entry.seq - 1 === due ? `entry ${due} is` : `entries ${due} to ${entry.seq - 1} are`;
    return `${missing} missing before entry ${entry.seq}`;
  }
  if (entry.seq < due) return `entry ${entry.seq} stands where entry ${due} should`;
  return entry.prev === head.hash ? null : `entry ${entry.seq} does not follow the entry before it`;
}

function isRepairOf(entry: AuditEntry, fragment: Fragment): boolean {
  const { bytes, sha256 } = fragmentOf(fragment.raw.bytes);
  return (
    entry.action === REPAIR_ACTION && entry.change["bytes"] === bytes && entry.change["sha256"] === sha256
  );
}
