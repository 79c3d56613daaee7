// The closed loop: as many calls in flight as there are connections, the next when the last is answered. It finds what a target
// can do at most; it hides what a stall does to callers who do not wait for each other.

import { Connection, type Outcome, requestOf } from "./load_connection.ts";
import type { LoadOrder, LoadResult } from "./load_order.ts";
import { Tally } from "./load_tally.ts";

/**
 * Spreads any number of begins evenly, in no step that could fall in with the provider's: streams that begin 5 ms apart and have
 * a chunk every 10 ms would all have theirs in the same two milliseconds of ten.
 */
const GOLDEN_SHARE = 0.618_033_988_75;

/** Opens so many connections. */
export async function openAll(
  order: LoadOrder,
  onOutcome: (outcome: Outcome, connection: Connection) => void,
): Promise<Connection[]> {
  const request = requestOf(order);
  const connections: Connection[] = [];
  while (connections.length < order.connections) {
    const size = Math.min(order.open_at_once, order.connections - connections.length);
    const group = Array.from({ length: size }, () => new Connection(order, request, onOutcome).open());
    connections.push(...(await Promise.all(group)));
  }
  return connections;
}

/** Runs the loop to its end. */
export async function closedLoop(order: LoadOrder): Promise<LoadResult> {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  let running = order.connections;
  let tally = new Tally(0, 0);
  let end_ms = 0;

  const next = async (connection: Connection | null) => {
    const now_ms = performance.now();
    const is_over = order.calls > 0 ? tally.calls >= order.calls : now_ms >= end_ms;
    if (is_over || connection === null) {
      connection?.close();
      running -= 1;
      if (running === 0) finish();
      return;
    }
    connection.call(now_ms);
    tally.sent(now_ms);
  };
  const onOutcome = async (outcome: Outcome, connection: Connection) => {
    tally.add(outcome);
    if (outcome.is_left) await next(await new Connection(order, request, onOutcome).open());
    else await next(outcome.fault === null ? connection : null);
  };
  const request = requestOf(order);

  const connections = await openAll(order, onOutcome);
  const begin_ms = performance.now();
  end_ms = order.calls > 0 ? Number.POSITIVE_INFINITY : begin_ms + order.seconds * 1000;
  tally = new Tally(begin_ms, end_ms);
  for (const [index, connection] of connections.entries()) {
    if (order.ramp_ms === 0) void next(connection);
    else setTimeout(() => void next(connection), order.ramp_ms * ((index * GOLDEN_SHARE) % 1));
  }
  await finished;
  return tally.result(0, order.connections);
}

/** Opens a stream on every connection, says so when each has had its first event, and leaves them all when released. */
export async function holdStreams(
  order: LoadOrder,
  onHeld: () => void,
  released: Promise<void>,
): Promise<LoadResult> {
  const begin_ms = performance.now();
  const tally = new Tally(begin_ms, Number.POSITIVE_INFINITY);
  let waiting = order.connections;
  const { promise: all_open, resolve: open } = Promise.withResolvers<void>();
  const opened = () => {
    waiting -= 1;
    if (waiting === 0) open();
  };
  const onOutcome = (outcome: Outcome) => {
    tally.add(outcome);
    if (outcome.first_event_ms === 0) opened();
  };
  const connections: Connection[] = [];
  const group: LoadOrder = { ...order, connections: order.open_at_once };
  while (connections.length < order.connections) {
    const size = Math.min(order.open_at_once, order.connections - connections.length);
    const fresh = await openAll({ ...group, connections: size }, onOutcome);
    for (const connection of fresh) {
      connection.onFirstEvent = opened;
      connection.call(performance.now());
      tally.sent(performance.now());
    }
    connections.push(...fresh);
  }
  await all_open;
  onHeld();
  await released;
  for (const connection of connections) connection.close();
  return tally.result(0, order.connections);
}
