// What `/metrics` tells of the gateway as a whole: which build it is, since when it runs, what could not be told to a collector.

import package_json from "../../package.json" with { type: "json" };
import type { OtherMetric } from "../ledger/metrics.ts";
import type { HostFacts } from "../memory/host_facts.ts";

/** Labels of the build. */
const BUILD = `{version="${package_json.version}",bun="${Bun.version}"}`;

/** Those metrics. */
export function hostMetrics({ started_s, otlp_dropped }: HostFacts): OtherMetric[] {
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
  ];
}
