// Rows as log records of OTLP (opentelemetry-proto, logs/v1): the whole row as JSON in the body, and in attributes what is asked by.
// A record that comes twice is known by `venturi.call.id`.

import type { LedgerRow } from "../row.ts";
import { shownRow } from "../row.ts";
import { spanIdOf, traceIdOf } from "../trace.ts";
import { attributesOf, nanosOf, type OtlpAttribute } from "./attributes.ts";

/** A record. */
export interface OtlpLogRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  /** 9: INFO; 17: ERROR. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: readonly OtlpAttribute[];
  readonly traceId: string;
  readonly spanId: string;
}

const INFO = 9;
const ERROR = 17;

/** The record of a call. */
export function logRecordOf(row: LedgerRow, now_ms: number): OtlpLogRecord {
  const { id, time, error, usage, trace } = row;
  return {
    timeUnixNano: nanosOf(time),
    observedTimeUnixNano: nanosOf(now_ms),
    severityNumber: error === null ? INFO : ERROR,
    severityText: error === null ? "INFO" : "ERROR",
    eventName: "venturi.call",
    body: { stringValue: JSON.stringify(shownRow(row)) },
    attributes: attributesOf({
      "venturi.call.id": id,
      "venturi.tenant": row.tenant,
      "venturi.team": row.team,
      "venturi.key": row.key,
      "venturi.user": row.user,
      "venturi.feature": row.feature,
      "venturi.provider": row.provider,
      "venturi.cache": row.cache,
      "venturi.cost_usd": row.cost_nano_usd === null ? null : row.cost_nano_usd / 1e9,
      "gen_ai.request.model": row.model,
      "gen_ai.response.model": row.served_model,
      "gen_ai.usage.input_tokens": usage.input_tokens,
      "gen_ai.usage.output_tokens": usage.output_tokens,
      "http.response.status_code": row.status,
      "error.type": error,
    }),
    traceId: traceIdOf(id, trace),
    spanId: spanIdOf(id),
  };
}
