// Refused calls: Venturi with a key that it does not know, HAProxy and nginx with a constant 429. The provider must see none.

import { inTurn, load, onStage, orderFor, type Part } from "./part.ts";
import { HAPROXY_429, NGINX_429, VENTURI, WRONG_AUTHORIZATION } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Name of the part's only row. */
export const REJECTED_ROW = "rejected";

/** CPU per refused call. */
export const rejected: Part = {
  name: "rejected",
  about: "1 KB calls that are refused: a wrong key at Venturi (401), a constant 429 of HAProxy and nginx.",
  usual: { rounds: 5, seconds: 2, connections: 32, warm_seconds: 12 },
  run: (sizes, log) =>
    onStage(sizes, log, [VENTURI, HAPROXY_429, NGINX_429], async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      const targets = stage.targets.filter(({ name }) => name !== "direct");
      const measure: Parameters<typeof inTurn>[2] = async (target, is_warm_up) => {
        const order = orderFor(stage, target, {
          headers: WRONG_AUTHORIZATION,
          expect_status: target.name === VENTURI.name ? 401 : 429,
          seconds: is_warm_up ? sizes.warm_seconds : sizes.seconds,
        });
        const { result, cpu_ms, fault } = await load(stage, target, order, () => 0);
        const { p50_us, p99_us } = result.latency;
        const values = {
          cpu_us: (cpu_ms * 1000) / result.calls,
          calls_per_s: result.calls_per_s,
          p50_us,
          p99_us,
        };
        return { values, fault, raw: { ...result, cpu_ms } };
      };
      return inTurn(stage, REJECTED_ROW, measure, targets);
    }),
};
