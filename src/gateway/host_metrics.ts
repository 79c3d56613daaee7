// What `/metrics` tells of the gateway as a whole: which build it is, since when it runs, what could not be told to a collector.

import package_json from "../../package.json" with { type: "json" };
import type { TlsPlan } from "../config/certificates.ts";
import type { OtherMetric } from "../ledger/metrics.ts";
import { CONTENT_OUTCOMES, type HostFacts, type LedgerStoreStatus } from "../memory/host_facts.ts";

/** Labels of the build. */
const BUILD = `{version="${package_json.version}",bun="${Bun.version}"}`;

/** Those metrics. */
export function hostMetrics(facts: HostFacts): OtherMetric[] {
  const { started_s, otlp_dropped, quality_shifts, store_status } = facts;
  const content = Object.fromEntries(
    CONTENT_OUTCOMES.map((outcome) => [`{outcome="${outcome}"}`, facts.contentCalls(outcome)]),
  );
  return [
    {
      ...{ name: "venturi_build_info", type: "gauge", samples: { [BUILD]: 1 } },
      help: "The gateway's version, and that of its runtime.",
    },
    {
      ...{ name: "venturi_start_time_seconds", type: "gauge" },
      samples: started_s === 0 ? {} : { "": started_s },
      help: "When the supervisor started, in seconds since 1970.",
    },
    {
      ...{ name: "venturi_otlp_dropped_total", type: "counter", samples: { "": otlp_dropped } },
      help: "Spans that no collector of OpenTelemetry got.",
    },
    {
      ...{ name: "venturi_quality_shifts", type: "gauge", samples: { "": quality_shifts } },
      help: "Measures in which models answer otherwise than usual; `venturi quality` says which.",
    },
    {
      ...{ name: "venturi_content_calls_total", type: "counter", samples: content },
      help: "Calls by what became of their prompts and answers, where those are kept.",
    },
    ...(store_status === null ? [] : storeMetrics(store_status)),
  ];
}

/** Until when the certificates of the public listener hold; none where it speaks plain HTTP. */
export function certificateMetrics(tls: TlsPlan | null): OtherMetric[] {
  const samples: Record<string, number> = {};
  for (const [index, { names, not_after_s }] of (tls?.certificates ?? []).entries())
    samples[`{certificate="${index}",name="${(names[0] ?? "").replace(/["\\\n]/g, "")}"}`] = not_after_s;
  return [
    {
      ...{ name: "venturi_tls_certificate_expiry_timestamp_seconds", type: "gauge", samples },
      help: "Until when a certificate of the public listener holds, in seconds since 1970.",
    },
  ];
}

/** Of the store that rows go to beyond the data folder. */
function storeMetrics({ is_up, waiting, rows, oldest_s }: LedgerStoreStatus): OtherMetric[] {
  const waits_s = oldest_s === 0 ? 0 : Math.max(0, Math.floor(Date.now() / 1_000) - oldest_s);
  return [
    {
      ...{ name: "venturi_ledger_store_up", type: "gauge", samples: { "": is_up ? 1 : 0 } },
      help: "Whether the ledger's store (Postgres, or a collector) took the last rows that it was sent.",
    },
    {
      ...{ name: "venturi_ledger_store_waiting_rows", type: "gauge", samples: { "": waiting } },
      help: "Rows of the data folder that the ledger's store does not have yet.",
    },
    {
      ...{ name: "venturi_ledger_store_wait_seconds", type: "gauge", samples: { "": waits_s } },
      help: "How old the oldest of those rows is.",
    },
    {
      ...{ name: "venturi_ledger_store_rows_total", type: "counter", samples: { "": rows } },
      help: "Rows that this host has brought to the ledger's store since its start.",
    },
  ];
}
