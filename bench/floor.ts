// What a call costs on this runtime before Venturi does anything: its server with a constant answer or one that is kept, and a relay of
// nothing but that server and our HTTP/1.1 client, beside Venturi and HAProxy at the same work.

import { HIT_BODIES, HIT_ROW, keepAnswers } from "./hits.ts";
import type { LoadOrder } from "./load_order.ts";
import { OPEN_ROW, OPEN_SCRIPT, openOrder } from "./open.ts";
import { type Case, inTurn, load, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { rowOfSize } from "./plain.ts";
import { REJECTED_ROW } from "./rejected.ts";
import { PACED_ROW, streamOrder, streamScript, warmUpSeconds } from "./sse.ts";
import {
  bareServer,
  CACHED_MODEL,
  HAPROXY,
  HAPROXY_429,
  type Target,
  VENTURI,
  WRONG_AUTHORIZATION,
} from "./targets.ts";

const isVenturi = ({ name }: Target) => name === VENTURI.name;

/** Measures targets at the same work; calls of whom `asks` denies reach no provider. */
function measure(
  stage: Stage,
  row: string,
  changesFor: (target: Target) => Partial<LoadOrder> = () => ({}),
  asks: (target: Target) => boolean = () => true,
): Promise<Case[]> {
  const targets = stage.targets.filter(({ name }) => name !== "direct");
  return inTurn(
    stage,
    row,
    async (target, is_warm_up) => {
      const changes = changesFor(target);
      const { sizes } = stage;
      const seconds = is_warm_up ? warmUpSeconds(sizes, changes.is_stream) : sizes.seconds;
      const order = orderFor(stage, target, { ...changes, seconds });
      const { result, cpu_ms, fault } = await load(stage, target, order, (calls) =>
        asks(target) ? calls : 0,
      );
      const { p50_us, p99_us } = result.latency;
      const values = order.is_stream
        ? { cpu_us_per_chunk: (cpu_ms * 1000) / result.events, first_p50_us: result.first_event.p50_us }
        : { cpu_us: (cpu_ms * 1000) / result.calls, calls_per_s: result.calls_per_s, p50_us, p99_us };
      return { values, fault, raw: { ...result, cpu_ms } };
    },
    targets,
  );
}

/** CPU per call, or per chunk of streams, of the bare server, Venturi and HAProxy. */
export const floor: Part = {
  name: "floor",
  about:
    "The runtime's server alone, with a constant answer, with one for every request that it has read, and as a relay that looks at nothing (with our HTTP/1.1 client), beside Venturi and HAProxy: what of a call's cost is the runtime's.",
  usual: { rounds: 5, seconds: 1.5, connections: 32, streams: 200, chunks: 100, rate: 5000, warm_seconds: 9 },
  run: async (sizes, log) => [
    ...(await onStage(sizes, log, [bareServer("constant"), VENTURI, HAPROXY_429], (stage) =>
      measure(
        stage,
        REJECTED_ROW,
        (target) => ({ headers: WRONG_AUTHORIZATION, expect_status: isVenturi(target) ? 401 : 429 }),
        () => false,
      ),
    )),
    ...(await onStage(sizes, log, [bareServer("kept"), VENTURI, HAPROXY], async (stage) => {
      await keepAnswers(stage, stage.targets.find(isVenturi)!);
      return measure(
        stage,
        HIT_ROW,
        (target) => ({ bodies: HIT_BODIES, ...(isVenturi(target) ? { model: CACHED_MODEL } : {}) }),
        ({ name }) => name === HAPROXY.name,
      );
    })),
    ...(await onStage(sizes, log, [bareServer("relay"), VENTURI, HAPROXY], async (stage) => {
      const cases = await measure(stage, rowOfSize(1));
      cases.push(...(await measure(stage, rowOfSize(500), () => ({ body_kb: 500 }))));
      await stage.provider.play(OPEN_SCRIPT);
      cases.push(...(await measure(stage, OPEN_ROW, () => openOrder(sizes.rate))));
      await stage.provider.play(streamScript(sizes));
      cases.push(...(await measure(stage, PACED_ROW, () => streamOrder(sizes))));
      return cases;
    })),
  ],
};
