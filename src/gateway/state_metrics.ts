// What `/metrics` tells of the state that hosts share; nothing where it is this host's own.

import type { OtherMetric } from "../ledger/metrics.ts";
import { type HostFacts, NOT_SHARED, REACHED } from "../memory/host_facts.ts";

/** Those metrics. */
export function stateMetrics(facts: HostFacts): OtherMetric[] {
  if (facts.shared === NOT_SHARED) return [];
  const gauge = (name: string, help: string, value: number): OtherMetric => ({
    ...{ name, help, type: "gauge", samples: { "": value } },
  });
  const counter = (name: string, help: string, samples: OtherMetric["samples"]): OtherMetric => ({
    ...{ name, help, type: "counter", samples },
  });
  return [
    gauge("venturi_state_up", "Whether the shared state can be used.", facts.shared === REACHED ? 1 : 0),
    gauge("venturi_state_hosts", "Hosts that share the state, as last heard.", facts.hosts),
    counter("venturi_state_answers_total", "Parts of limits that were asked for and answered.", {
      "": facts.sharedCount("answers"),
    }),
    counter("venturi_state_losses_total", "How often the shared state could not be used any more.", {
      "": facts.sharedCount("losses"),
    }),
    counter(
      "venturi_state_calls_total",
      "Calls that waited for the shared state or did without it, by what became of them.",
      {
        '{outcome="waited"}': facts.sharedCount("waited"),
        '{outcome="local"}': facts.sharedCount("local"),
        '{outcome="rejected"}': facts.sharedCount("rejected"),
      },
    ),
    counter("venturi_state_cache_total", "Looks for kept answers in the shared state, by outcome.", {
      '{outcome="hit"}': facts.sharedCount("cache_hits"),
      '{outcome="miss"}': facts.sharedCount("cache_misses"),
    }),
  ];
}
