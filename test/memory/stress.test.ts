// Several real processes at one state: nothing is lost, counted twice, torn or there twice, whoever is killed and when.

import { closeSync, ftruncateSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CounterTable } from "../../src/memory/counter_table.ts";
import { mapFile } from "../../src/memory/mapping.ts";
import { readSpill } from "../../src/memory/spill.ts";
import { createState, type State } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { textsOf } from "./lines.ts";
import { randomIntegers } from "./random.ts";
import {
  ADMIT_MAX,
  admissionKey,
  FRESH_KEYS,
  freshKey,
  gaugeKey,
  HOT_KEYS,
  hotKey,
  NOTE_CALL,
  NOTE_PUSHED,
  nowMs,
  type Tally,
} from "./stress_keys.ts";

const PROCESSES = 4;
const PROGRAM = resolve(import.meta.dirname, "stress_process.ts");
const geometry = { areas: PROCESSES, call_slots: 64 };

interface Hammer {
  readonly index: number;
  readonly notes: Int32Array;
  /** Resolves when it works. */
  readonly started: Promise<void>;
  /** What it has done; null if it was killed. */
  readonly done: Promise<Tally | null>;
  kill(): void;
}

function hammer(folder: string, index: number, duration_ms: number): Hammer {
  const notes_path = join(folder, `notes-${index}`);
  const file = openSync(notes_path, "w");
  ftruncateSync(file, 4096);
  closeSync(file);
  const command = [process.execPath, PROGRAM, folder, String(index), String(duration_ms), notes_path];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  onTestFinished(() => child.kill("SIGKILL"));
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const done = (async () => {
    let said = "";
    for await (const bytes of child.stdout) {
      said += new TextDecoder().decode(bytes);
      if (said.startsWith("started\n")) start();
    }
    await child.exited;
    start();
    const told = said.slice("started\n".length);
    return told === "" ? null : (JSON.parse(told) as Tally);
  })();
  return { index, notes: mapFile(notes_path).words, started, done, kill: () => child.kill("SIGKILL") };
}

/** The numbers of the events of each process, as they were read. */
class Consumer {
  readonly numbers: number[][] = Array.from({ length: PROCESSES }, () => []);
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** Reads up to `max` events of each ring. */
  read(max: number): number {
    let read = 0;
    for (let index = 0; index < PROCESSES; index++) {
      const batch = this.#state.area(index).ring.read(max);
      const texts = textsOf(batch);
      this.#note(texts);
      batch.release();
      read += texts.length;
    }
    return read;
  }

  /** Reads all that there is, in rings and files. */
  drain(): void {
    while (this.read(1_000) > 0) {}
    for (;;) {
      const batch = readSpill(this.#state);
      const texts = textsOf(batch);
      this.#note(texts);
      batch.release();
      if (texts.length === 0) return;
    }
  }

  #note(texts: readonly string[]): void {
    for (const text of texts) {
      const event: { index: number; number: number; filler: string } = JSON.parse(text);
      expect(event.filler).toBe("€".repeat(event.filler.length));
      this.numbers[event.index]!.push(event.number);
    }
  }
}

/** Every number from zero on, once; gives how many. */
function expectEachOnce(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const wrong = sorted.findIndex((number, index) => number !== index);
  expect(wrong, `event ${sorted[wrong]} in place of ${wrong}`).toBe(-1);
  return sorted.length;
}

function expectKeysOnce({ words }: CounterTable, places: Iterable<number>): void {
  // The key stands behind the entry's state, a cache line before the caller's words.
  const keys = Array.from(places, (at) => words.slice(at - 15, at - 11).join());
  expect(new Set(keys).size).toBe(keys.length);
}

function countIn(counters: CounterTable, key: ReturnType<typeof hotKey>): number {
  const at = counters.find(key, nowMs());
  return at < 0 ? 0 : counters.words[at]!;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function pause(time_ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, time_ms));
}

function makeHot(counters: CounterTable): number[] {
  return Array.from({ length: HOT_KEYS }, (_, name) => counters.at(hotKey(name), nowMs()));
}

/** What a reader may see at any moment. */
function expectNothingTorn(state: State, hot: readonly number[]): void {
  const { counters } = state;
  for (const at of hot) {
    const both = Atomics.load(counters.longs, (at >> 1) + 1);
    expect(both >> 32n).toBe(both & 0xffff_ffffn);
  }
  const gauge = counters.at(gaugeKey(), nowMs());
  for (let index = 0; index < PROCESSES; index++) {
    expect([0, 1]).toContain(Atomics.load(counters.words, gauge + index));
    for (const { text } of state.area(index).calls.live) expect(JSON.parse(text).index).toBe(index);
  }
}

describe("four processes at one state", () => {
  test("lose no update, admit no more than there is, and make no counter twice", async () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, () => {});
    const { counters } = state;
    const hot = makeHot(counters);
    const hammers = Array.from({ length: PROCESSES }, (_, index) => hammer(folder, index, 2_000));
    const consumer = new Consumer(state);
    let is_over = false;
    const all = Promise.all(hammers.map(({ done }) => done)).finally(() => {
      is_over = true;
    });
    while (!is_over) {
      expectNothingTorn(state, hot);
      consumer.read(200);
      await pause(5);
    }
    const tallies = (await all).filter((tally) => tally !== null);
    expect(tallies.length).toBe(PROCESSES);
    consumer.drain();
    for (const [index, { pushed }] of tallies.entries()) {
      expect(expectEachOnce(consumer.numbers[index]!)).toBe(pushed);
      expect(state.area(index).is_empty).toBe(true);
    }
    for (let name = 0; name < HOT_KEYS; name++) {
      const expected = sum(tallies.map((tally) => tally.hot[name]!));
      expect(expected).toBeGreaterThan(100);
      expect(countIn(counters, hotKey(name))).toBe(expected);
      expect(counters.longs[(hot[name]! >> 1) + 1]).toBe(BigInt(expected) * 0x1_0000_0001n);
    }
    for (let name = 0; name < FRESH_KEYS; name++) {
      const expected = sum(tallies.map((tally) => tally.fresh[name]!));
      expect(countIn(counters, freshKey(name)), `new counter ${name}`).toBe(expected);
    }
    expect(sum(tallies.map(({ admitted }) => admitted))).toBe(ADMIT_MAX);
    expect(sum(tallies.map(({ refused }) => refused))).toBeGreaterThan(0);
    expect(countIn(counters, admissionKey())).toBe(ADMIT_MAX);
    const gauge = counters.at(gaugeKey(), nowMs());
    expect(Array.from(counters.words.slice(gauge, gauge + 64))).toEqual(new Array(64).fill(0));
    expectKeysOnce(counters, counters);
    expect(counters.stats.evicted).toBeGreaterThan(0);
  });

  test("may be killed at any moment: what was done is there once, and the others go on", async () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, () => {});
    const { counters } = state;
    const hot = makeHot(counters);
    const random = randomIntegers(3);
    // One lives through it all.
    const survivor = hammer(folder, 3, 60_000);
    const survivor_events = new Consumer(state);
    await survivor.started;
    for (let round = 0; round < 8; round++) {
      const victims = [0, 1].map((index) => hammer(folder, index, 60_000));
      await Promise.all(victims.map(({ started }) => started));
      const consumer = new Consumer(state);
      // With nobody who reads, most of them are killed while they write to a file.
      const until_ms = performance.now() + random(120);
      while (performance.now() < until_ms) {
        if (round % 2 === 0) consumer.read(2_000);
        await pause(1);
      }
      for (const victim of victims) victim.kill();
      for (const { index, notes, done } of victims) {
        expect(await done).toBe(null);
        expect(counters.releaseColumn(index)).toBe(true);
        const { calls } = state.area(index);
        const notes_left = Array.from(calls.live, ({ text, output_tokens }) => {
          return { number: JSON.parse(text).number as number, output_tokens };
        });
        expect(new Set(notes_left.map(({ number }) => number)).size).toBe(notes_left.length);
        expect(notes_left.length).toBeLessThanOrEqual(20);
        for (const { number, output_tokens } of notes_left) {
          expect(number).toBeGreaterThanOrEqual(notes[NOTE_CALL]!);
          expect([0, number]).toContain(output_tokens);
        }
        calls.clear();
      }
      consumer.drain();
      for (const { index, notes } of victims) {
        const events = expectEachOnce(consumer.numbers[index]!);
        // The last one may have been pushed, and its push not have returned.
        expect(events - notes[NOTE_PUSHED]!).toBeGreaterThanOrEqual(0);
        expect(events - notes[NOTE_PUSHED]!).toBeLessThanOrEqual(1);
        expect(state.area(index).is_empty).toBe(true);
        const gauge = counters.at(gaugeKey(), nowMs());
        expect(counters.words[gauge + index]).toBe(0);
      }
      for (const number of consumer.numbers[3]!) survivor_events.numbers[3]!.push(number);
      expectNothingTorn(state, hot);
      expect(counters.at(freshKey(FRESH_KEYS + round), nowMs())).toBeGreaterThan(0);
    }
    survivor.kill();
    expect(await survivor.done).toBe(null);
    survivor_events.drain();
    expect(expectEachOnce(survivor_events.numbers[3]!)).toBeGreaterThan(1_000);
    expectKeysOnce(counters, counters);
  });
});
