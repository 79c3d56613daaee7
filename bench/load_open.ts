// The open loop: calls are sent when a schedule says, whether or not others are answered, and their latency counts from when they
// should have been sent. A target that stalls for a moment delays every call of that moment, as it would for real callers.

import { seeded } from "./bodies.ts";
import { Connection, type Outcome, requestOf } from "./load_connection.ts";
import type { LoadOrder, LoadResult } from "./load_order.ts";
import { Tally } from "./load_tally.ts";

/** The same arrivals in every run, and for every target. */
const SEED = 1_898;
/** Connections that are opened before the first call, as a share of the most that there may be. */
const OPEN_BEFORE = 0.25;

/** When calls are to be sent, in milliseconds from the begin. */
export function schedule(
  order: Pick<LoadOrder, "rate" | "seconds" | "arrivals">,
): Float64Array<SharedArrayBuffer> {
  const random = seeded(SEED);
  const gap_ms = 1000 / order.rate;
  const times: number[] = [];
  for (let at_ms = gap_ms; at_ms < order.seconds * 1000; ) {
    times.push(at_ms);
    at_ms += order.arrivals === "constant" ? gap_ms : -Math.log(1 - random()) * gap_ms;
  }
  const shared = new Float64Array(new SharedArrayBuffer(times.length * 8));
  shared.set(times);
  return shared;
}

/** Runs the loop to its end. */
export async function openLoop(order: LoadOrder): Promise<LoadResult> {
  const times = schedule(order);
  const request = requestOf(order);
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const idle: Connection[] = [];
  /** Due calls that found no connection, by when they should have been sent. */
  const late: number[] = [];
  let opened = 0;
  let sent = 0;
  let ended = 0;
  let tally = new Tally(0, 0);

  const send = (connection: Connection, begin_ms: number) => {
    connection.call(begin_ms);
    tally.sent(begin_ms);
  };
  const onOutcome = (outcome: Outcome, connection: Connection) => {
    tally.add(outcome);
    ended += 1;
    if (connection.is_closed) opened -= 1;
    else {
      const begin_ms = late.shift();
      if (begin_ms === undefined) idle.push(connection);
      else send(connection, begin_ms);
    }
    if (ended === times.length) finish();
  };
  const openAnother = () => {
    opened += 1;
    return new Connection(order, request, onOutcome).open();
  };
  const due = (begin_ms: number) => {
    sent += 1;
    let connection = idle.pop();
    while (connection?.is_closed) connection = idle.pop();
    if (connection !== undefined) {
      send(connection, begin_ms);
    } else if (opened < order.connections) {
      openAnother().then(
        (fresh) => send(fresh, begin_ms),
        (error: Error) => {
          tally.fail(error.message);
          ended += 1;
          if (ended === times.length) finish();
        },
      );
    } else late.push(begin_ms);
  };

  const before = Math.max(1, Math.floor(order.connections * OPEN_BEFORE));
  for (let index = 0; index < before; index++) idle.push(await openAnother());

  // A timer of the event loop is a millisecond coarse; a thread that sleeps on a cell wakes within tens of microseconds.
  const pacer = new Worker(new URL("./load_pacer.ts", import.meta.url).href);
  let begin_ms = 0;
  pacer.onmessage = (said: MessageEvent<number>) => {
    const now_ms = performance.now();
    if (begin_ms === 0) {
      begin_ms = said.data - performance.timeOrigin;
      tally = new Tally(begin_ms, begin_ms + order.seconds * 1000);
      return;
    }
    while (sent < times.length && begin_ms + times[sent]! <= now_ms) due(begin_ms + times[sent]!);
  };
  pacer.postMessage(times);
  await finished;
  pacer.terminate();
  for (const connection of idle) connection.close();
  return tally.result(order.rate, opened);
}
