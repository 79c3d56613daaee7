// A ledger row: what is kept of every call, whatever ended it. As JSON it is what travels through the ring and what
// `venturi logs` and billing streams show; the store spreads it over columns.

import type { Usage } from "../dialects/usage.ts";

/** One try at a target. */
export interface AttemptRow {
  readonly provider: string;
  readonly model: string;
  /** `ok`, a status, or what happened to the connection. */
  readonly outcome: string;
}

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
  /** As the client asked for it. */
  readonly model: string | null;
  /** Where the answer, or the last try, came from. */
  readonly provider: string | null;
  readonly served_model: string | null;
  readonly status: number;
  /** The error's code, or null. `killed`: its gateway process died. `client_closed`: the client went away. */
  readonly error: string | null;
  readonly finish_reason: string | null;
  readonly stream: boolean;
  readonly usage: Usage;
  /** Null: the price is not known. A call that used nothing costs 0. */
  readonly cost_nano_usd: number | null;
  /** What priced it. */
  readonly price_version: string | null;
  /** `hit`, `semantic`, `stale`, `joined`, `miss`, `bypass`. */
  readonly cache: string;
  readonly similarity: number | null;
  readonly attempts: readonly AttemptRow[];
  /** How many texts of each kind were redacted. */
  readonly redactions: Readonly<Record<string, number>>;
  /** Durations of stages in microseconds. */
  readonly timings_us: Readonly<Record<string, number>>;
  /** Whether the usage was counted by the gateway because no provider told it. */
  readonly estimated: boolean;
}
