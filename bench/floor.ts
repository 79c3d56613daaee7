// What a call costs on this runtime before Venturi does anything: its server with a constant answer, and a relay of nothing but that
// server and our HTTP/1.1 client, beside Venturi and HAProxy at the same work.

import { type Case, inTurn, load, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { bareServer, HAPROXY, HAPROXY_429, type Target, VENTURI, WRONG_AUTHORIZATION } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Measures targets at the same work; calls that are refused reach no provider. */
function measure(stage: Stage, row: string, statusOf: (target: Target) => number): Promise<Case[]> {
  const targets = stage.targets.filter(({ name }) => name !== "direct");
  return inTurn(
    stage,
    row,
    async (target, is_warm_up) => {
      const expect_status = statusOf(target);
      const order = orderFor(stage, target, {
        expect_status,
        ...(expect_status === 401 ? { headers: WRONG_AUTHORIZATION } : {}),
        seconds: is_warm_up ? stage.sizes.warm_seconds : stage.sizes.seconds,
      });
      const { result, cpu_ms, fault } = await load(stage, target, order, (calls) =>
        expect_status === 200 ? calls : 0,
      );
      const { p50_us, p99_us } = result.latency;
      const cpu_us = (cpu_ms * 1000) / result.calls;
      const values = { cpu_us, calls_per_s: result.calls_per_s, p50_us, p99_us };
      return { values, fault, raw: { ...result, cpu_ms } };
    },
    targets,
  );
}

/** CPU per call of the bare server, Venturi and HAProxy. */
export const floor: Part = {
  name: "floor",
  about:
    "The runtime's server alone, with a constant answer and as a relay that looks at nothing (with our HTTP/1.1 client), beside Venturi and HAProxy: what of a call's cost is the runtime's.",
  usual: { rounds: 5, seconds: 1.5, connections: 32 },
  run: async (sizes, log) => [
    ...(await onStage(sizes, log, [bareServer("constant"), VENTURI, HAPROXY_429], async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      return measure(stage, "refused", ({ name }) => (name === VENTURI.name ? 401 : 429));
    })),
    ...(await onStage(sizes, log, [bareServer("relay"), VENTURI, HAPROXY], async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      return measure(stage, "relayed, 1 KB", () => 200);
    })),
  ],
};
