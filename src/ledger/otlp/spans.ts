// A call as spans (opentelemetry-proto, trace/v1): one of the call at the gateway, below it one of each try at a provider.

import type { AttemptRow, LedgerRow } from "../row.ts";
import { spanIdOf, traceIdOf, trySpanId } from "../trace.ts";
import { attributesOf, nanosOf, type OtlpAttribute } from "./attributes.ts";
import { errorType, hostOf, type KnownProvider, operationOf, providerName } from "./gen_ai.ts";

const KIND_SERVER = 2;
const KIND_CLIENT = 3;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;
/** Flags: what the parent's context says of where it is (trace/v1, SpanFlags). */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
const SAMPLED = 1;

/** Outcomes of tries that are no failures. */
const GOOD = /^(ok|hedge_won|hedge_lost|cascade_\w+|stopped)$/;

/** A span. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code: number; readonly message?: string };
}

/** Whether a call is told of as spans: it is kept whole, and its client does not say that it keeps nothing. */
export function isTold({ sampled, trace }: LedgerRow): boolean {
  return sampled && trace?.is_sampled !== false;
}

/** The spans of a call. */
export function spansOf(row: LedgerRow, providers: ReadonlyMap<string, KnownProvider>): OtlpSpan[] {
  const sent = row.attempts.filter(({ moments_us }) => moments_us !== undefined);
  return [
    callSpan(row, providers),
    ...sent.map((attempt, index) => trySpan(row, attempt, index + 1, providers)),
  ];
}

function callSpan(row: LedgerRow, providers: ReadonlyMap<string, KnownProvider>): OtlpSpan {
  const { trace, timings_us, usage } = row;
  const operation = operationOf(row);
  const error = errorType(row);
  const stages = Object.entries(timings_us).map(([stage, us]) => [`venturi.timings_us.${stage}`, us]);
  const cache_creation = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens;
  return {
    traceId: traceIdOf(row.id, trace),
    spanId: spanIdOf(row.id),
    ...(trace === null ? {} : { parentSpanId: trace.parent_id }),
    flags: SAMPLED | HAS_IS_REMOTE | (trace === null ? 0 : IS_REMOTE),
    name: row.model === null ? operation : `${operation} ${row.model}`,
    kind: KIND_SERVER,
    startTimeUnixNano: nanosOf(row.time),
    endTimeUnixNano: nanosOf(row.time, timings_us.total ?? 0),
    attributes: attributesOf({
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name":
        row.provider === null ? null : providerName(row.provider, providers.get(row.provider)),
      "gen_ai.request.model": row.model,
      "gen_ai.response.model": row.served_model,
      "gen_ai.response.finish_reasons": row.finish_reason === null ? null : [row.finish_reason],
      "gen_ai.usage.input_tokens": row.usage.input_tokens,
      "gen_ai.usage.output_tokens": row.usage.output_tokens,
      "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens || null,
      "gen_ai.usage.cache_creation.input_tokens": cache_creation || null,
      "http.response.status_code": row.status,
      "error.type": error,
      "venturi.request_id": row.request_id,
      "venturi.tenant": row.tenant || null,
      "venturi.team": row.team,
      "venturi.key": row.key,
      "venturi.user": row.user,
      "venturi.feature": row.feature,
      "venturi.provider": row.provider,
      "venturi.stream": row.stream,
      "venturi.cache": row.cache,
      "venturi.similarity": row.similarity,
      "venturi.cost_usd": row.cost_nano_usd === null ? null : row.cost_nano_usd / 1e9,
      "venturi.route": row.routing?.route,
      "venturi.estimated": row.estimated || null,
      ...Object.fromEntries(stages),
    }),
    status: statusOf(error !== null && isOurs(row), error),
  };
}

/** Of what a server answers, only its own failures are errors of its span (HTTP spans, "Status"). */
function isOurs({ status }: LedgerRow): boolean {
  return status >= 500 || status < 400;
}

function trySpan(
  row: LedgerRow,
  { provider, model, outcome, moments_us }: AttemptRow,
  number: number,
  providers: ReadonlyMap<string, KnownProvider>,
): OtlpSpan {
  const { started, connected, first_byte, ended } = moments_us!;
  const operation = operationOf(row);
  const is_good = GOOD.test(outcome);
  const known = providers.get(provider);
  return {
    traceId: traceIdOf(row.id, row.trace),
    spanId: trySpanId(row.id, number),
    parentSpanId: spanIdOf(row.id),
    flags: SAMPLED | HAS_IS_REMOTE,
    name: model === "" ? operation : `${operation} ${model}`,
    kind: KIND_CLIENT,
    startTimeUnixNano: nanosOf(row.time, started),
    endTimeUnixNano: nanosOf(row.time, ended),
    attributes: attributesOf({
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name": providerName(provider, known),
      "gen_ai.request.model": model || null,
      "server.address": hostOf(known?.base_url ?? null),
      "error.type": is_good ? null : outcome,
      "venturi.provider": provider,
      "venturi.outcome": outcome,
      "venturi.attempt": number,
      "venturi.connected_us": connected,
      "venturi.first_byte_us": first_byte,
    }),
    status: statusOf(!is_good, outcome),
  };
}

function statusOf(is_error: boolean, message: string | null): OtlpSpan["status"] {
  return is_error ? { code: STATUS_ERROR, ...(message === null ? {} : { message }) } : { code: STATUS_UNSET };
}
