// The counts of all gateway processes together, read from the mapped file by whoever is asked.
// Those of the dead are among them, so that no sum ever falls.

import { AREAS_MAX } from "../memory/layout.ts";
import type { State } from "../memory/state.ts";
import { type MetricsSnapshot, mergeSnapshots, snapshotOf } from "./metrics.ts";

/** The counts, and how many processes answer calls. */
export interface Collected {
  readonly snapshot: MetricsSnapshot;
  readonly processes: number;
  /** Rows that the ledger does not have yet. */
  readonly lag_events: number;
}

/** Adds up what all processes have counted since the file was made. */
export function collectMetrics(state: State): Collected {
  const snapshots: MetricsSnapshot[] = [];
  let processes = 0;
  let lag_events = 0;
  for (let index = 0; index < AREAS_MAX; index++) {
    const { is_in_service, in_flight, sockets, count } = state.seriesHead(index);
    const is_busy = is_in_service || in_flight > 0 || sockets > 0;
    const is_alive = is_busy && index < state.areas && state.area(index).owner_pid !== 0;
    if (is_alive && is_in_service) processes += 1;
    if (count > 0 && index < state.areas) lag_events += state.area(index).ring.waiting;
    if (count === 0 && !is_alive) continue;
    snapshots.push({
      ...snapshotOf(state.series(index)),
      in_flight: is_alive ? in_flight : 0,
      sockets: is_alive ? sockets : 0,
    });
  }
  return { snapshot: mergeSnapshots(snapshots), processes, lag_events };
}
