// A ledger row: what is kept of every call, whatever ended it. As JSON it is what `venturi logs` and billing streams show;
// it travels as a line (`row_line.ts`), and the store spreads that over columns.

import type { Usage } from "../dialects/usage.ts";
import type { Judged } from "./judged.ts";
import { type ClientTrace, spanIdOf, traceIdOf } from "./trace.ts";

/** One try at a target. */
export interface AttemptRow {
  readonly provider: string;
  readonly model: string;
  /** `ok`, a status, or what happened to the connection. */
  readonly outcome: string;
  /** Its moments; only where the call's trace is kept whole, and the try was sent. */
  readonly moments_us?: Moments;
}

/** Moments of a try, in microseconds after the call's arrival; null for what did not come. */
export interface Moments {
  readonly started: number;
  readonly connected: number | null;
  readonly first_byte: number | null;
  /** Its end; that of the answer, where it was the one that was given. */
  readonly ended: number;
}

/** The stages that are timed, in the order of their lines: one that is new goes to the end. */
export const STAGES = [
  "total",
  "auth",
  "body",
  "scan",
  "connect",
  "first_byte",
  "overhead",
  "queue",
  "route",
  "privacy",
  "guards",
  "cache",
  "admit",
  "answer",
] as const;

/** Durations in microseconds; a stage that did not take place has none. */
export type Timings = { readonly [stage in (typeof STAGES)[number]]?: number | undefined };

/** What `cache` says of answers that came from one. */
export const CACHE_HITS: ReadonlySet<string> = new Set(["hit", "semantic", "stale", "joined"]);

/** What rules of the policy table look at, and what they said. What is not there, or was not worked out, is left out. */
export interface RoutingRow {
  /** The rule that held. */
  readonly route?: string;
  /** The model that it gave: in a test, the arm. */
  readonly model?: string;
  /** Whether the rule splits calls among models. */
  readonly split?: boolean;
  readonly task?: string;
  readonly region?: string;
  readonly tier?: string;
  /** As `needs` of a rule has them. */
  readonly needs?: readonly string[];
  readonly complexity?: string;
}

/** What is said of the call of a candidate, which nobody gets an answer of. */
export interface ShadowRow {
  /** The id of the call that it was made beside. */
  readonly of: string;
  /** How much of both answers is the same, 0 to 1; null where they were not compared. */
  readonly agreement: number | null;
  /** Whether the answer of that call was a refusal; null where it was not looked at. */
  readonly of_refused: boolean | null;
}

/** How the tenants of candidates' calls begin, so that what they use is in nobody's usage; the tenant's own name follows. */
export const SHADOW_PREFIX = "shadow/";
/** The same of calls that an operator has made again. */
export const REPLAY_PREFIX = "replay/";

/** Whether a row's tenant is nobody's: what it names was used beside the calls of tenants. */
export function isNobodys(tenant: string): boolean {
  return tenant.startsWith(SHADOW_PREFIX) || tenant.startsWith(REPLAY_PREFIX);
}

/** A record of nothing, such as the tags of a call that has none: whoever writes rows knows it at a glance. */
export const NOTHING: Readonly<Record<string, never>> = {};

/** A row. Money is whole nano-dollars (10^-9 USD). */
export interface LedgerRow {
  /** The call's own id, unique for ever, made by the gateway: a client's `x-request-id` may repeat. */
  readonly id: string;
  /** What the client sees as `x-request-id`. */
  readonly request_id: string;
  /** When it arrived, milliseconds since 1970. */
  readonly time: number;
  readonly tenant: string;
  readonly team: string | null;
  /** The key's name; null where the caller is not known. */
  readonly key: string | null;
  readonly user: string | null;
  readonly feature: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** As the client asked for it; what a rule gave in its place is told by `routing`. */
  readonly model: string | null;
  /** Where the answer, or the last try, came from. */
  readonly provider: string | null;
  readonly served_model: string | null;
  readonly status: number;
  /** The error's code, or null. `killed`: its gateway process died. `client_closed`: the client went away. */
  readonly error: string | null;
  readonly finish_reason: string | null;
  readonly stream: boolean;
  /** What it asked for, as `/chat/completions`; null where it was passed on unread, or was refused before that. */
  readonly endpoint: string | null;
  readonly usage: Usage;
  /** Null: the price is not known. A call that used nothing costs 0. */
  readonly cost_nano_usd: number | null;
  /** What priced it. */
  readonly price_version: string | null;
  /** What the answer would have cost, had it not come from a cache; 0 for all other calls. */
  readonly saved_nano_usd: number;
  /** `hit`, `semantic`, `stale`, `joined`, `miss`, `bypass`. */
  readonly cache: string;
  readonly similarity: number | null;
  readonly attempts: readonly AttemptRow[];
  /** How many texts of each kind were redacted. */
  readonly redactions: Readonly<Record<string, number>>;
  /** What became of what guards found: `allow`, `flag`, `redact` or `block` by the guard's name. */
  readonly guards: Readonly<Record<string, string>>;
  /** Null: nothing of the kind is known of it. */
  readonly routing: RoutingRow | null;
  /** Whether the answer is known to be a refusal: by its own word, or its provider's. */
  readonly refusal: boolean;
  /** What its answer was seen to be; null where nobody looked. */
  readonly judged: Judged | null;
  /** Null: it is a call of its own. */
  readonly shadow: ShadowRow | null;
  /** The id of the call that an operator has made again with it; null: it is none of those. */
  readonly replay_of: string | null;
  readonly timings_us: Timings;
  /** The trace that its client has begun; null: it has one of its own. */
  readonly trace: ClientTrace | null;
  /** Whether its trace is kept whole: the tries have their moments. */
  readonly sampled: boolean;
  /** Whether the usage was counted by the gateway because no provider told it. */
  readonly estimated: boolean;
}

/** A row as logs and billing events show it: with its cost in dollars too. */
export type ShownRow = Omit<LedgerRow, "trace"> & {
  readonly cost_usd: number | null;
  /** W3C Trace Context: of its client, or its own. */
  readonly trace_id: string;
  /** Of the call itself; its tries have others. */
  readonly span_id: string;
  /** Its client's; null where that told none. */
  readonly parent_span_id: string | null;
};

/** The row as it is shown. */
export function shownRow({ trace, ...row }: LedgerRow): ShownRow {
  return {
    ...row,
    cost_usd: row.cost_nano_usd === null ? null : row.cost_nano_usd / 1e9,
    trace_id: traceIdOf(row.id, trace),
    span_id: spanIdOf(row.id),
    parent_span_id: trace?.parent_id ?? null,
  };
}
