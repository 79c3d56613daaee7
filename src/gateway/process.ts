// The role of a gateway process: get the configuration from the supervisor, serve, reload, drain.
// It outlives nothing: when the supervisor is gone, it finishes its calls and goes too.

import { compilePlan } from "../config/compile.ts";
import type { MetricsSnapshot } from "../ledger/metrics.ts";
import type { FromGateway, ToGateway } from "./protocol.ts";
import { type Gateway, startGateway } from "./server.ts";

/** How often the counts are told to the supervisor, in milliseconds. */
const TELL_COUNTS_MS = 1_000;
/** How long to wait for the counts of the other processes, in milliseconds. */
const COLLECT_MAX_MS = 2_000;

interface Collected {
  readonly snapshot: MetricsSnapshot;
  readonly processes: number;
}

/** Runs a gateway process; returns when the channel is set up, the process ends by itself. */
export function runGatewayProcess(): void {
  let gateway: Gateway | null = null;
  let is_draining = false;
  let collect_id = 0;
  const waiting = new Map<number, (collected: Collected) => void>();

  const tell = (message: FromGateway) => {
    if (process.connected) process.send?.(message);
  };

  function collectMetrics(): Promise<Collected> {
    const own = () => ({ snapshot: gateway!.metrics.snapshot(), processes: 1 });
    collect_id += 1;
    const id = collect_id;
    return new Promise((resolve) => {
      const settle = (collected: Collected) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(collected);
      };
      const timer = setTimeout(() => settle(own()), COLLECT_MAX_MS);
      waiting.set(id, settle);
      tell({ kind: "collect", id });
    });
  }

  function start(message: Extract<ToGateway, { kind: "start" }>): void {
    try {
      gateway = startGateway({
        plan: compilePlan(message.config),
        hostname: message.hostname,
        port: message.port,
        share_port: true,
        collectMetrics,
      });
      tell({ kind: "listening", port: gateway.port });
      setInterval(() => tellCounts(null), TELL_COUNTS_MS).unref();
    } catch (error) {
      tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }

  function tellCounts(id: number | null): void {
    if (gateway !== null) tell({ kind: "snapshot", snapshot: gateway.metrics.snapshot(), id });
  }

  async function drain(): Promise<void> {
    if (is_draining) return;
    is_draining = true;
    await gateway?.stop();
    tellCounts(null);
    process.exit(0);
  }

  process.on("message", (message: ToGateway) => {
    switch (message.kind) {
      case "start":
        start(message);
        break;
      case "config":
        gateway?.setPlan(compilePlan(message.config));
        break;
      case "snapshot":
        tellCounts(message.id);
        break;
      case "collected":
        waiting.get(message.id)?.(message);
        break;
      case "drain":
        void drain();
        break;
    }
  });
  process.on("disconnect", () => void drain());
  process.on("SIGTERM", () => void drain());
  // A terminal sends these to the whole group; the supervisor is who decides.
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  tell({ kind: "hello" });
}
