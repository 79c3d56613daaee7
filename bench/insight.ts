// What it costs to be looked at: plain calls through gateways that tell nobody, that tell of calls in one way each, and in all of them at
// once, taking turns. The gateway process is what a call waits for; all processes together have the supervisor's work in them too.

import { childrenOf, cpuMs, roleOf } from "../test/chaos/processes.ts";
import { type Case, inTurn, load, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { CLIENT_KEY, configured, type Program, type Target } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** The row. */
export const INSIGHT_ROW = "plain calls, 1 KB";

/** Ways of telling, as `telemetry` and other sections of a configuration have them. */
interface Telling {
  readonly quality?: string;
  readonly content?: string;
  readonly traces?: string;
  readonly otlp?: boolean;
  readonly log?: string;
}

const QUIET: Telling = { quality: "{ answers_per_s: 0 }", traces: "{ sample: 0 }" };
const QUALITY = "{ answers_per_s: 5 }";
const CONTENT = "{ store: on }";
const LOG = "{ calls: on, file: calls.log }";
const TRACES = "{ sample: 0.1 }";

/** What takes turns: the one that tells nobody first and, so that what changes by itself shows, last. */
const WAYS: Readonly<Record<string, Telling>> = {
  "tells nobody": QUIET,
  "quality watch": { ...QUIET, quality: QUALITY },
  "quality watch, similarity": { ...QUIET, quality: "{ answers_per_s: 5, similarity: true }" },
  "log of calls": { ...QUIET, log: LOG },
  "OTLP, a tenth sampled": { ...QUIET, otlp: true, traces: TRACES },
  "content store": { ...QUIET, content: CONTENT },
  "all of it": { quality: QUALITY, otlp: true, traces: TRACES, log: LOG, content: CONTENT },
  "tells nobody, again": QUIET,
};

function gatewayOf(name: string, telling: Telling, collector: string): Program {
  const { quality, content = "{ store: off }", traces, otlp = false, log = "{ calls: off }" } = telling;
  const text = (port: number, upstream: number) => `
listen: { port: ${port}, workers: 1 }
providers: { bench: { kind: openai, base_url: "http://127.0.0.1:${upstream}/v1", api_keys: [none] } }
keys: [{ name: bench, key: "${CLIENT_KEY}" }]
telemetry:
  quality: ${quality}
  traces: ${traces}
  content: ${content}
  ${otlp ? `otlp: { endpoint: "${collector}", interval_ms: 1000, max_queue: 1000000 }` : ""}
log: ${log}
`;
  // All of them start at once, on one core.
  return configured(name, text, { start_max_ms: 60_000 });
}

/** Processor time of a target's gateway processes so far, in milliseconds; of the provider, its own. */
function answeringMs(target: Target): number {
  const gateways = childrenOf(target.pid).filter((pid) => roleOf(pid) === "gateway");
  return (gateways.length === 0 ? [target.pid] : gateways).reduce((sum, pid) => sum + cpuMs(pid), 0);
}

function measure(stage: Stage): Promise<Case[]> {
  return inTurn(stage, INSIGHT_ROW, async (target, is_warm_up) => {
    const seconds = is_warm_up ? stage.sizes.warm_seconds : stage.sizes.seconds;
    const before_ms = answeringMs(target);
    const { result, cpu_ms, fault } = await load(
      stage,
      target,
      orderFor(stage, target, { body_kb: 1, seconds }),
    );
    const gateway_cpu_us = ((answeringMs(target) - before_ms) * 1000) / result.calls;
    const { p50_us, p99_us } = result.latency;
    const cpu_us = (cpu_ms * 1000) / result.calls;
    const values = { gateway_cpu_us, cpu_us, calls_per_s: result.calls_per_s, p50_us, p99_us };
    return { values, fault, raw: { ...result, cpu_ms } };
  });
}

/** CPU per call with each way of telling, and with all of them. */
export const insight: Part = {
  name: "insight",
  about:
    "Plain 1 KB calls through Venturi that tells nobody of calls, in one way, in all ways at once: the gateway process' CPU, and that of all its processes, until the supervisor has told what there was.",
  usual: { rounds: 9, seconds: 1.5, connections: 32, settle_ms: 1_500 },
  run: async (sizes, log) => {
    // A collector that takes everything.
    const collector = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        await request.bytes();
        return Response.json({});
      },
    });
    try {
      const address = `http://127.0.0.1:${collector.port}`;
      const programs = Object.entries(WAYS).map(([name, telling]) => gatewayOf(name, telling, address));
      return await onStage(sizes, log, programs, async (stage) => {
        await stage.provider.play(PLAIN_SCRIPT);
        return measure(stage);
      });
    } finally {
      await collector.stop(true);
    }
  },
};
