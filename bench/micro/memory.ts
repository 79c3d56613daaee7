// What the mapped file costs: a counter found, one changed, an event pushed, a call noted, a reservation taken and settled;
// alone, and while another process does the same to the same counters.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Reservation } from "../../src/access/reservation.ts";
import { CounterKey } from "../../src/memory/counter_key.ts";
import { LineBuffer } from "../../src/memory/line_buffer.ts";
import { createState, openState, type State } from "../../src/memory/state.ts";
import { sixCounters } from "../six_counters.ts";
import type { Task } from "./measure.ts";

const HOUR_MS = 3_600_000;
/** A ledger row and a call's note, about as long as they are. */
const ROW = line("x".repeat(240));
const NOTE = line("x".repeat(240));

function line(text: string): LineBuffer {
  const buffer = new LineBuffer();
  buffer.text(text);
  buffer.end();
  return buffer;
}

function key(name: number, is_gauge = false): CounterKey {
  return new CounterKey([name * 100, name, 0, 0], HOUR_MS, is_gauge);
}

function tasks(state: State, index: number, text: string): readonly Task[] {
  const { counters } = state;
  const { ring, calls } = state.area(index);
  const known = key(1);
  const gauge = key(2, true);
  const now_ms = Date.now();
  const at = counters.at(known, now_ms);
  const column = counters.at(gauge, now_ms);
  const tools = { counters, column: index, shared: null, now_ms: Date.now, wall_ms: Date.now };
  const sets = [sixCounters("bench")];
  const of = (name: string, bytes: number, run: () => unknown): Task => ({ text, name, bytes, run });
  return [
    of("known counter", 0, () => counters.at(known, now_ms)),
    of("other counter", 0, () => counters.at(key(1), now_ms)),
    of("add", 0, () => Atomics.add(counters.words, at, 1)),
    of("add to money", 0, () => Atomics.add(counters.longs, (at >> 1) + 1, 1n)),
    of("take and give", 0, () => {
      Atomics.add(counters.words, column + index, 1);
      let held = 0;
      for (let other = 0; other < 64; other++) held += Atomics.load(counters.words, column + other);
      Atomics.sub(counters.words, column + index, 1);
      return held;
    }),
    of("ring push", ROW.length, () => {
      if (!ring.push(ROW)) ring.read(5_000).release();
    }),
    of("call", NOTE.length, () => {
      const slot = calls.begin(NOTE);
      calls.progress(slot, 7);
      calls.end(slot);
    }),
    of("reserve, settle", 0, () => {
      const taken = Reservation.take(sets, { tokens: 10, nano_usd: 600_000 }, tools);
      if (!(taken instanceof Reservation)) throw new Error("the limits are too low to be measured");
      taken.settle({ tokens: 7, nano_usd: 400_000 });
    }),
  ];
}

/** The tasks, in a folder of their own, alone and beside another process; `end` when they have been measured. */
export function memoryTasks(): { readonly tasks: readonly Task[]; end(): void } {
  const folder = mkdtempSync(join(tmpdir(), "venturi-bench-"));
  const state = createState(folder, { areas: 2, call_slots: 1024 }, () => {});
  let rival: Bun.Subprocess | null = null;
  const startRival = () => {
    rival ??= Bun.spawn([process.execPath, fileURLToPath(import.meta.url), folder], {
      stdout: "ignore",
      stderr: "inherit",
    });
  };
  const beside = tasks(state, 0, "beside another process").map((task) => {
    return {
      ...task,
      run: () => {
        if (rival === null) startRival();
        return task.run();
      },
    };
  });
  return {
    tasks: [...tasks(state, 0, "alone"), ...beside],
    end: () => {
      rival?.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The other process: does all of it, over and over, for a minute at most. */
function rivalise(folder: string): void {
  const all = tasks(openState(folder), 1, "");
  for (const until = performance.now() + 60_000; performance.now() < until; ) {
    for (let round = 0; round < 100; round++) for (const { run } of all) run();
  }
}

if (import.meta.main) rivalise(process.argv[2] ?? "");
