// What `/metrics` tells of the gateway as a whole: which build it is, since when it runs, what could not be told to a collector.

import package_json from "../../package.json" with { type: "json" };
import type { TlsPlan } from "../config/certificates.ts";
import type { OtherMetric } from "../ledger/metrics.ts";
import { CONTENT_OUTCOMES, type HostFacts } from "../memory/host_facts.ts";

/** Labels of the build. */
const BUILD = `{version="${package_json.version}",bun="${Bun.version}"}`;

/** Those metrics. */
export function hostMetrics(facts: HostFacts): OtherMetric[] {
  const { started_s, otlp_dropped } = facts;
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
      ...{ name: "venturi_content_calls_total", type: "counter", samples: content },
      help: "Calls by what became of their prompts and answers, where those are kept.",
    },
  ];
}

/** Until when the certificates of the public listener hold; nothing where it speaks plain HTTP. */
export function certificateMetrics(tls: TlsPlan | null): OtherMetric[] {
  if (tls === null) return [];
  const samples: Record<string, number> = {};
  for (const [index, { names, not_after_s }] of tls.certificates.entries())
    samples[`{certificate="${index}",name="${(names[0] ?? "").replace(/["\\\n]/g, "")}"}`] = not_after_s;
  return [
    {
      ...{ name: "venturi_tls_certificate_expiry_timestamp_seconds", type: "gauge", samples },
      help: "Until when a certificate of the public listener holds, in seconds since 1970.",
    },
  ];
}
