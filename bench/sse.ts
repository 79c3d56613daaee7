// Streams: 200 at once with 100 events a second each, as models write, and events back to back, as caches and fast models do.

import type { LoadOrder } from "./load_order.ts";
import {
  addOverDirect,
  type Case,
  inTurn,
  load,
  onStage,
  orderFor,
  type Part,
  type Sizes,
  type Stage,
} from "./part.ts";
import { RELAYS, VENTURI } from "./targets.ts";
import { PLAIN_SCRIPT, type Script } from "./upstream.ts";

/** Name of the row that the targets are about. */
export const PACED_ROW = "paced streams";
const BURST_ROW = "back to back";
/** The time between two events of a paced stream. */
const INTERVAL_MS = 10;
/** Events besides the chunks: the finish and `[DONE]`. */
const EVENTS_MORE = 2;

/** How the provider streams: with events at a pace, or back to back where `interval_ms` is 0. */
export const streamScript = ({ chunks }: Sizes, interval_ms = INTERVAL_MS): Script => ({
  ...PLAIN_SCRIPT,
  answer: "stream",
  chunks,
  interval_ms,
});

/** An order of such streams. */
export const streamOrder = (
  { streams, connections, chunks }: Sizes,
  interval_ms = INTERVAL_MS,
): Partial<LoadOrder> => ({
  is_stream: true,
  events: chunks + EVENTS_MORE,
  connections: interval_ms > 0 ? streams : connections,
  // Streams that all began at once would all begin again at once.
  ramp_ms: chunks * interval_ms,
});

/** How long a part warms up that has both calls and streams, which begin less often: what begins them is compiled later. */
export const warmUpSeconds = ({ warm_seconds }: Sizes, is_stream = false): number =>
  is_stream ? 3 * warm_seconds : warm_seconds;

/** Measures streams whose events come at a pace, or back to back where `interval_ms` is 0; the order of ours is changed as `own` wants. */
async function measureStreams(
  stage: Stage,
  row: string,
  interval_ms: number,
  own: Partial<LoadOrder> = {},
): Promise<Case[]> {
  const { sizes } = stage;
  await stage.provider.play(streamScript(sizes, interval_ms));
  const measured = await inTurn(stage, row, async (target, is_warm_up) => {
    const order = orderFor(stage, target, {
      ...streamOrder(sizes, interval_ms),
      seconds: is_warm_up ? sizes.warm_seconds : sizes.seconds,
      ...(target.name === VENTURI.name ? own : {}),
    });
    const { result, cpu_ms, fault } = await load(stage, target, order);
    // At a pace, by how long the streams took: few of them end within the time.
    const paced_per_s = (order.connections * result.events * 1e6) / result.calls / result.latency.p50_us;
    const values = {
      cpu_us_per_chunk: (cpu_ms * 1000) / result.events,
      chunks_per_s: interval_ms > 0 ? paced_per_s : result.events_per_s,
      first_p50_us: result.first_event.p50_us,
      first_p99_us: result.first_event.p99_us,
    };
    return { values, fault, raw: { ...result, cpu_ms } };
  });
  return addOverDirect(measured, ["first_p50_us", "first_p99_us"]);
}

/** Measures paced streams. */
export function measurePaced(stage: Stage, row = PACED_ROW, own: Partial<LoadOrder> = {}): Promise<Case[]> {
  return measureStreams(stage, row, INTERVAL_MS, own);
}

/** CPU per chunk and time to the first chunk. */
export const sse: Part = {
  name: "sse",
  about:
    "Streams of 100 chunks: paced, 200 at a time with a chunk every 10 ms each, and written back to back over 32 connections.",
  usual: { rounds: 5, seconds: 3, streams: 200, chunks: 100, connections: 32, warm_seconds: 20 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage) => {
      // These first: what is done once a stream would take minutes to be compiled, of two hundred streams a second.
      const burst = await measureStreams(stage, BURST_ROW, 0);
      return [...(await measurePaced(stage)), ...burst];
    }),
};
