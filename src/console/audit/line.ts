// A line of the audit log: an entry as JSON, sealed by the hash of all before it. Who changes, removes or moves a line
// breaks the chain there; what was hashed are the line's own bytes, so that nothing about them can be changed unseen.

/** What an operator has done. */
export interface AuditEvent {
  /** Who: `socket uid 1000`, `admin token from 10.0.0.7`, `command uid 1000`. */
  readonly actor: string;
  /** What: `key.create`, `key.update`, `key.rotate`, `key.revoke`. */
  readonly action: string;
  /** To what: an id or a name. */
  readonly target: string;
  /** How it was changed; never a secret, nor the hash of one. */
  readonly change: Readonly<Record<string, unknown>>;
}

/** An entry of the log. */
export interface AuditEntry extends AuditEvent {
  /** Counted from 1. */
  readonly seq: number;
  /** RFC 3339, in UTC. */
  readonly time: string;
  /** Hash of the entry before it. */
  readonly prev: string;
  readonly hash: string;
}

/** The end of a log: where the next entry goes on. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** Before the first entry. */
export const AUDIT_START: AuditHead = { seq: 0, hash: "0".repeat(64) };

/** What is recorded of a line that a crash has left unfinished. */
export const REPAIR_ACTION = "audit.repair";

const SEAL = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s;

/** Writes an entry behind a head, without the line's end. */
export function sealLine(
  event: AuditEvent,
  time_ms: number,
  head: AuditHead,
): { line: string; head: AuditHead } {
  const { actor, action, target, change } = event;
  const seq = head.seq + 1;
  const time = new Date(time_ms).toISOString();
  const open = JSON.stringify({ seq, time, actor, action, target, change, prev: head.hash }).slice(0, -1);
  const hash = sha256(open);
  return { line: `${open},"hash":"${hash}"}`, head: { seq, hash } };
}

/** Reads a line; null if it is none, or not what was sealed. */
export function openLine(line: string): AuditEntry | null {
  const [, open, hash] = SEAL.exec(line) ?? [];
  if (open === undefined || hash === undefined || sha256(open) !== hash) return null;
  try {
    return { ...(JSON.parse(`${open}}`) as Omit<AuditEntry, "hash">), hash };
  } catch {
    return null;
  }
}

/** What is said of an unfinished line, to know it by. */
export function fragmentOf(bytes: Uint8Array): { readonly bytes: number; readonly sha256: string } {
  return { bytes: bytes.length, sha256: sha256(bytes) };
}

function sha256(text: string | Uint8Array): string {
  return new Bun.SHA256().update(text).digest("hex");
}
