// Where a call stands among what others trace (W3C Trace Context): the ids that its client gave, and those that are made of its own.
// The call's id is a UUID, half of which is random: its digits are the id of a trace that nobody else has begun, and the last of them
// its span's. Tries have spans below that.

/** A trace that a client has begun. */
export interface ClientTrace {
  /** 32 hexadecimal digits. */
  readonly trace_id: string;
  /** The client's span, 16 of them. */
  readonly parent_id: string;
  /** Whether the client keeps it. */
  readonly is_sampled: boolean;
}

/** A version that is not ff, a trace and a span that are not 0, and flags (W3C Trace Context, 3.2.2). */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
/** Characters of version 00, which has nothing behind its flags. */
const VERSION_0_CHARS = 55;
const SAMPLED = 1;

/** Reads `traceparent`; null where it is none. Of later versions what this one has is read (W3C Trace Context, 4.2). */
export function readTraceparent(text: string | null): ClientTrace | null {
  if (text === null) return null;
  const parts = TRACEPARENT.exec(text);
  if (parts === null || (parts[1] === "00" && text.length !== VERSION_0_CHARS)) return null;
  return {
    trace_id: parts[2]!,
    parent_id: parts[3]!,
    is_sampled: (Number.parseInt(parts[4]!, 16) & SAMPLED) !== 0,
  };
}

/** `traceparent` for a provider. */
export function writeTraceparent(trace_id: string, span_id: string, is_sampled: boolean): string {
  return `00-${trace_id}-${span_id}-${is_sampled ? "01" : "00"}`;
}

/** The trace of a call: its client's, or its own. */
export function traceIdOf(id: string, trace: ClientTrace | null): string {
  return trace === null ? id.replaceAll("-", "") : trace.trace_id;
}

/** The span of a call. Its first bits are a UUID's variant, so that it is never 0. */
export function spanIdOf(id: string): string {
  return id.slice(19, 23) + id.slice(24);
}

/** Tries of a call that have spans of their own. */
const TRIES_MAX = 0x7f;

/** The span of a call's try, the first is 1: no call's span begins like it, since a UUID's variant is 8 to b. */
export function trySpanId(id: string, number: number): string {
  const own = Math.min(number, TRIES_MAX).toString(16).padStart(2, "0");
  return own + id.slice(21, 23) + id.slice(24);
}

/** Whether a share of all traces has this one in it, by the last digits of its id: whoever asks the same gets the same answer. */
export function isSampled(trace_id: string, share: number): boolean {
  if (share >= 1) return true;
  return share > 0 && Number.parseInt(trace_id.slice(-8), 16) < share * 0x1_0000_0000;
}
