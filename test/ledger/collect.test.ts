import { resolve } from "node:path";
import { expect, test } from "vitest";
import { collectMetrics } from "../../src/ledger/collect.ts";
import { Metrics } from "../../src/ledger/metrics.ts";
import { EventSink } from "../../src/memory/spill.ts";
import { createState, type State } from "../../src/memory/state.ts";
import { temporaryFolder } from "../memory/folder.ts";

const geometry = { areas: 3, call_slots: 8 };

function calls({ snapshot }: ReturnType<typeof collectMetrics>): Record<string, unknown> {
  return Object.fromEntries(snapshot.series.map((one) => [`${one.provider}/${one.model}`, one.calls]));
}

/** Counts as a gateway process with this index does. */
function countIn(state: State, index: number, model: string): Metrics {
  const metrics = new Metrics(state.series(index));
  metrics.of("openai", model).countCall(200, null);
  return metrics;
}

test("the counts of all processes add up, those of the dead too, but not what the dead had in flight", async () => {
  const folder = temporaryFolder();
  const state = createState(folder, geometry, () => {});
  expect(collectMetrics(state)).toEqual({
    snapshot: { in_flight: 0, sockets: 0, series: [] },
    processes: 0,
    lag_events: 0,
  });
  new EventSink(folder, state.area(0));
  const other = Bun.spawn(
    [process.execPath, resolve(import.meta.dirname, "../memory/holding_process.ts"), folder, "area", "1"],
    { stdout: "pipe" },
  );
  try {
    await other.stdout.getReader().read();
    for (const index of [0, 1]) {
      countIn(state, index, "gpt").in_flight = 2;
      countIn(state, index, `of ${index}`);
      state.series(index).is_in_service = true;
    }
    const both = collectMetrics(state);
    expect(calls(both)).toEqual({
      "openai/gpt": { 200: 2 },
      "openai/of 0": { 200: 1 },
      "openai/of 1": { 200: 1 },
    });
    expect([both.snapshot.in_flight, both.processes]).toEqual([4, 2]);
    // One drains: its calls go on.
    state.series(0).is_in_service = false;
    expect(collectMetrics(state)).toMatchObject({ snapshot: { in_flight: 4 }, processes: 1 });
  } finally {
    other.kill("SIGKILL");
    await other.exited;
  }
  const after = collectMetrics(state);
  expect(calls(after)["openai/of 1"]).toEqual({ 200: 1 });
  expect([after.snapshot.in_flight, after.processes]).toEqual([2, 0]);
});

test("a process counts on where the one before it stopped", () => {
  const folder = temporaryFolder();
  countIn(
    createState(folder, geometry, () => {}),
    0,
    "gpt",
  );
  const state = createState(folder, geometry, () => {});
  countIn(state, 0, "gpt");
  expect(calls(collectMetrics(state))).toEqual({ "openai/gpt": { 200: 2 } });
});
