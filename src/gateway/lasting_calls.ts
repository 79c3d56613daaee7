// What is done about calls that last: it is heard of their clients' leaving, their connections may be quiet, and what they need no
// more is let go of.

import type { Call } from "./call.ts";

/** After what part of a connection's idle time a call's is allowed to be quiet: to do it at once costs every call. */
const ALLOW_QUIET_PART = 0.25;
/** How old a call is when it lasts, and how often is looked; so many bytes of their requests are let go of at a time. */
const LASTING_MS = 1_000;
const LET_GO_MAX_BYTES = 8 * 1024 * 1024;
/** How old a call is when it hears of its client's leaving, and how often is looked: together the longest that it does not. */
const HEARING_MS = 100;
const HEARING_EVERY_MS = 250;

/** Calls in flight, and the connections that they came over. */
export interface LastingCalls {
  readonly calls: { readonly members: readonly Call[] };
  /** How long a client's connection may be silent, in seconds. */
  readonly idle_s: number;
  /** Allows a request's connection so many seconds of silence; 0 for any number. */
  timeout(request: Request, seconds: number): void;
}

/** Looks after calls that last; the function ends it. */
export function lookAfterLasting({ calls, idle_s, timeout }: LastingCalls): () => void {
  const hearing = setInterval(() => {
    const latest_ms = performance.now() - HEARING_MS;
    // From the end, because a call whose client has left leaves the roster.
    for (let i = calls.members.length - 1; i >= 0; i--) {
      const call = calls.members[i];
      if (call !== undefined && call.arrived_ms <= latest_ms) call.hearClient();
    }
  }, HEARING_EVERY_MS);
  const lasting = setInterval(() => {
    const now_ms = performance.now();
    let left_bytes = LET_GO_MAX_BYTES;
    for (const call of calls.members) {
      const age_ms = now_ms - call.arrived_ms;
      if (age_ms >= idle_s * 1_000 * ALLOW_QUIET_PART) allowQuiet(call);
      const { request_bytes = 0 } = call.account ?? {};
      if (age_ms < LASTING_MS || request_bytes === 0 || left_bytes <= 0) continue;
      call.listener?.onLasting?.();
      // Who is not asked, or may not let go yet, leaves the rest of it to others.
      left_bytes -= request_bytes - (call.account?.request_bytes ?? 0);
    }
  }, LASTING_MS);
  hearing.unref();
  lasting.unref();

  function allowQuiet(call: Call): void {
    const { stream, request } = call;
    // What gets comments is never quiet for long.
    if (call.may_be_quiet || stream?.has_comments) return;
    call.may_be_quiet = true;
    timeout(request, 0);
    // The server keeps it with the connection, and hears nothing of the request any more when its answer has ended.
    if (stream !== null) stream.beforeEnd = () => timeout(request, idle_s);
  }

  return () => {
    clearInterval(hearing);
    clearInterval(lasting);
  };
}
