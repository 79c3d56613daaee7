// 5,000 calls a second to a provider that takes 60 ms, sent by a schedule whether or not others are answered: the latency that a
// target adds to callers who do not wait for each other. Counts from when a call should have been sent.

import type { LoadOrder } from "./load_order.ts";
import { addOverDirect, inTurn, load, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { bareServer, RELAYS } from "./targets.ts";
import { PLAIN_SCRIPT, type Script } from "./upstream.ts";

/** A provider that takes 60 ms. */
export const OPEN_SCRIPT: Script = { ...PLAIN_SCRIPT, latency_ms: 60 };
/** The most connections, as a share of the calls per second: several times what is in flight. */
const CONNECTIONS_PER_RATE = 0.3;
/** Below this share of the calls asked for, or above this lag, the generator does not hold the rate. */
const ACHIEVED_MIN = 0.98;
const LAG_P99_MAX_US = 5_000;
const RATE_STEP = 0.8;
const RATE_MIN = 100;
const CALIBRATION_SECONDS_MIN = 0.3;

/** What a server adds that costs so much more than the runtime's own, which does nothing but relay: that is what a target leaves. */
export const MORE_US = [0, 15, 30, 45, 60];

/** Name of the part's only row. */
export const OPEN_ROW = "open loop";

/** An order of so many calls a second. */
export const openOrder = (rate: number): Partial<LoadOrder> => ({
  loop: "open",
  rate,
  connections: Math.ceil(rate * CONNECTIONS_PER_RATE),
});

/** The highest rate, from the one asked for downwards, that the generator holds against the provider itself. */
async function holdableRate(stage: Stage): Promise<number> {
  const direct = stage.targets[0]!;
  let { rate } = stage.sizes;
  const seconds = Math.max(CALIBRATION_SECONDS_MIN, stage.sizes.warm_seconds);
  while (rate > RATE_MIN) {
    const { result } = await load(stage, direct, orderFor(stage, direct, { ...openOrder(rate), seconds }));
    if (result.calls_per_s >= rate * ACHIEVED_MIN && result.lag.p99_us <= LAG_P99_MAX_US) break;
    const lower = Math.round(rate * RATE_STEP);
    stage.log(
      `the generator does not hold ${rate} calls/s (${result.calls_per_s} achieved, lag p99 ${result.lag.p99_us} µs): ${lower} are tried`,
    );
    rate = lower;
  }
  return rate;
}

/** Latency percentiles of the open loop. */
export const open: Part = {
  name: "open",
  about:
    "Plain 1 KB calls by a Poisson schedule (the same for all), the provider takes 60 ms; latency from the intended send; added is over direct in the same round. The bare server relays with our HTTP/1.1 client and looks at nothing, as it is and with so much more processor time wasted on each call.",
  // Sixty thousand calls: what is compiled while others wait is not what a gateway is like that has run for an hour.
  usual: { rounds: 5, seconds: 4, rate: 5000, warm_seconds: 12 },
  run: (sizes, log) =>
    onStage(
      sizes,
      log,
      [...RELAYS, ...MORE_US.map((more_us) => bareServer("relay", more_us))],
      async (stage) => {
        await stage.provider.play(OPEN_SCRIPT);
        const rate = await holdableRate(stage);
        const cases = await inTurn(stage, OPEN_ROW, async (target, is_warm_up) => {
          const seconds = is_warm_up ? sizes.warm_seconds : sizes.seconds;
          const order = orderFor(stage, target, { ...openOrder(rate), seconds });
          const { result, cpu_ms, fault } = await load(stage, target, order);
          const { p50_us, p99_us, p999_us } = result.latency;
          const values = {
            asked_per_s: rate,
            calls_per_s: result.calls_per_s,
            p50_us,
            p99_us,
            p999_us,
            lag_p99_us: result.lag.p99_us,
            cpu_us: (cpu_ms * 1000) / result.calls,
          };
          return { values, fault, raw: { ...result, cpu_ms } };
        });
        return addOverDirect(cases, ["p50_us", "p99_us", "p999_us"]);
      },
    ),
};
