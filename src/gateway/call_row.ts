// The one row that a call leaves in the ledger, put together of what is known of it when it ends.

import { isRefusalReason } from "../dialects/refusal.ts";
import { NO_USAGE, type Usage } from "../dialects/usage.ts";
import type { LedgerRow, RoutingRow, Timings } from "../ledger/row.ts";
import { serverOf } from "./answer.ts";
import type { Books } from "./books.ts";
import type { Call } from "./call.ts";
import { askedModel, readTags, routingRow, wordOf } from "./labels.ts";
import { isKept, timingsOf, triesOf } from "./timings.ts";

/** What it would have taken to ask for an answer that was there. */
export interface Saved {
  readonly nano_usd: number;
  readonly duration_ms: number;
}

/** How a call ended, as far as its account is concerned. */
export interface CallEnd {
  readonly status: number;
  readonly code: string | null;
  /** As the provider told it; null where it told none. */
  readonly usage: Usage | null;
  /** Whether it told that before the answer broke off, so that what came of it had to be counted. */
  readonly is_partial?: boolean;
  /** The model that an answer names which was passed through: its target may have none. */
  readonly model?: string | null;
  readonly finish_reason: string | null;
  /** Tokens of the answer, by the gateway's own count; null where nothing of one has come. */
  readonly counted_tokens: number | null;
  /** What a kept answer has saved. */
  readonly saved?: Saved;
  /** What was answered, to be counted by a tokenizer where no usage was told; null where it is not kept. */
  readonly answer?: readonly Uint8Array[] | null;
}

/** The row of a call that was refused before it had an account. */
export function recordRefused(call: Call, end: CallEnd, books: Books): void {
  books.record(
    rowOf(call, labelsOf(call), {
      end,
      usage: NO_USAGE,
      estimated: false,
      timings_us: timingsOf(call),
      user: null,
      model: null,
      stream: false,
      cost_nano_usd: 0,
      price_version: null,
    }),
  );
}

/** What its account knows of it. */
export interface RowRest {
  readonly end: CallEnd;
  readonly usage: Usage;
  readonly estimated: boolean;
  readonly timings_us: Timings;
  readonly user: string | null;
  readonly model: string | null;
  readonly stream: boolean;
  readonly cost_nano_usd: number | null;
  readonly price_version: string | null;
}

/** What is said of a call for whoever reads the ledger. */
export interface Labels {
  readonly routing: RoutingRow | null;
  readonly feature: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

/** What its client and its route say of it. */
export function labelsOf(call: Call): Labels {
  const { headers } = call.request;
  const { discreet } = call;
  return {
    routing: routingRow(call),
    feature: wordOf(headers.get("x-venturi-feature"), discreet),
    tags: readTags(headers.get("x-venturi-tags"), discreet),
  };
}

/** The row. */
export function rowOf(call: Call, { feature, tags, routing }: Labels, rest: RowRest): LedgerRow {
  const { client } = call;
  const { end } = rest;
  const server = serverOf(call);
  const sampled = isKept(call, end, rest.timings_us);
  return {
    id: call.ledger_id,
    request_id: call.kept_id,
    time: Math.round(call.wall_ms),
    tenant: client?.tenant ?? "",
    team: client?.team ?? null,
    key: client?.name ?? null,
    user: rest.user,
    feature,
    tags,
    model: askedModel(call) ?? rest.model,
    provider: server?.provider ?? null,
    served_model: server?.model || end.model || null,
    status: end.status,
    error: end.code,
    finish_reason: end.finish_reason,
    stream: rest.stream,
    endpoint: call.endpoint,
    usage: rest.usage,
    cost_nano_usd: rest.cost_nano_usd,
    price_version: rest.price_version,
    saved_nano_usd: end.saved?.nano_usd ?? 0,
    cache: call.cache,
    similarity: call.kept_from?.similarity ?? null,
    attempts: sampled ? triesOf(call, rest.timings_us) : call.tries,
    redactions: call.redactions,
    guards: call.guards,
    routing,
    refusal: call.refused || isRefusalReason(end.finish_reason),
    judged: call.judged,
    shadow: call.shadow,
    replay_of: call.replay_of,
    timings_us: rest.timings_us,
    trace: call.trace,
    sampled,
    estimated: rest.estimated,
  };
}
