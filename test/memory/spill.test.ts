import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LAYOUT_VERSION } from "../../src/memory/layout.ts";
import { EventSink, readSpill } from "../../src/memory/spill.ts";
import { createState, type State } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { line, textsOf } from "./lines.ts";

const geometry = { areas: 2, call_slots: 8 };

function spillNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith("spill-"))
    .sort();
}

/** What is in spill files, all of them read and released. */
function drainSpill(state: State): string[] {
  const texts: string[] = [];
  for (let round = 0; round < 100; round++) {
    const batch = readSpill(state);
    const read = textsOf(batch);
    if (read.length === 0) break;
    texts.push(...read);
    batch.release();
  }
  return texts;
}

/** A state whose ring 1 is full, and who fills it. */
function fullRing(): { folder: string; state: State; sink: EventSink } {
  const folder = temporaryFolder();
  const state = createState(folder, geometry, () => {});
  const sink = new EventSink(folder, state.area(1));
  while (state.area(1).ring.push(line("x".repeat(60_000))));
  while (state.area(1).ring.push(line("x"))) {}
  return { folder, state, sink };
}

describe("events that the ring has no room for", () => {
  test("go to a file, a line each, and are read until they are released", () => {
    const { folder, state, sink } = fullRing();
    expect(textsOf(readSpill(state))).toEqual([]);
    const events = ['{"a":1}', '{"b":"ä€😀"}', '{"c":3}'];
    for (const event of events) expect(sink.push(line(event))).toBe(true);
    expect(textsOf(readSpill(state))).toEqual(events);
    const batch = readSpill(state);
    expect(textsOf(batch)).toEqual(events);
    // What comes meanwhile goes to another file, and stays.
    sink.push(line('{"d":4}'));
    batch.release();
    expect(drainSpill(state)).toEqual(['{"d":4}']);
    expect(spillNames(folder)).toEqual([]);
  });

  test("go to the ring again when it has room", () => {
    const { folder, state, sink } = fullRing();
    sink.push(line('{"a":1}'));
    state.area(1).ring.read(10).release();
    sink.push(line('{"b":2}'));
    expect(drainSpill(state)).toEqual(['{"a":1}']);
    expect(spillNames(folder)).toEqual([]);
    expect(textsOf(state.area(1).ring.read(10_000)).at(-1)).toBe('{"b":2}');
  });

  test("and events that are too long for the ring, go to a file too", () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, () => {});
    const event = JSON.stringify("y".repeat(70_000));
    expect(new EventSink(folder, state.area(0)).push(line(event))).toBe(true);
    expect(drainSpill(state)).toEqual([event]);
  });

  test("are not read while their process is just writing them", () => {
    const { state, sink } = fullRing();
    sink.push(line('{"a":1}'));
    const { spill } = state.area(1);
    spill.begin();
    expect(textsOf(readSpill(state))).toEqual([]);
    spill.end(false);
    expect(textsOf(readSpill(state))).toEqual(['{"a":1}']);
  });

  test("fill files of a bounded length, which are read one at a time", () => {
    const { folder, state, sink } = fullRing();
    const event = JSON.stringify("z".repeat(60_000));
    for (let count = 0; count < 300; count++) sink.push(line(event));
    const names = spillNames(folder);
    expect(names.length).toBe(3);
    expect(textsOf(readSpill(state)).length).toBeLessThan(150);
    expect(drainSpill(state)).toEqual(new Array(300).fill(event));
  });

  test("are read after the death of their process, but for a line that it did not finish", () => {
    for (const [left, expected] of [
      ['{"b":', ['{"a":1}']],
      ['{"b":2}', ['{"a":1}']],
      ['{"b":2}\n', ['{"a":1}', '{"b":2}']],
    ] as const) {
      const folder = temporaryFolder();
      createState(folder, geometry, () => {});
      appendFileSync(join(folder, `spill-${LAYOUT_VERSION}-1-0.lines`), `{"a":1}\n${left}`);
      const state = createState(folder, geometry, () => {});
      // A successor writes to a file of its own.
      const sink = new EventSink(folder, state.area(1));
      while (state.area(1).ring.push(line("x".repeat(60_000))));
      sink.push(line(JSON.stringify("c".repeat(60_000))));
      expect(drainSpill(state)).toEqual([...expected, JSON.stringify("c".repeat(60_000))]);
      expect(spillNames(folder)).toEqual([]);
    }
  });

  test("are read when their process has died in the middle and has no successor", () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, () => {});
    state.area(0).spill.begin();
    writeFileSync(join(folder, `spill-${LAYOUT_VERSION}-0-0.lines`), '{"a":1}\n{"b"');
    expect(state.area(0).owner_pid).toBe(0);
    expect(drainSpill(state)).toEqual(['{"a":1}']);
    expect(spillNames(folder)).toEqual([]);
  });

  test("are read whatever their file's number, when the state was made anew or has fewer areas", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, `spill-${LAYOUT_VERSION}-0-17.lines`), '{"a":1}\n');
    writeFileSync(join(folder, `spill-${LAYOUT_VERSION}-0-9.lines`), '{"b":2}\n');
    writeFileSync(join(folder, `spill-${LAYOUT_VERSION}-40-3.lines`), '{"c":3}\n');
    writeFileSync(join(folder, "spill-0-x.lines"), "not one of them");
    const state = createState(folder, geometry, () => {});
    expect(state.area(0).spill.file).toBe(18);
    expect(drainSpill(state)).toEqual(['{"b":2}', '{"a":1}', '{"c":3}']);
    expect(spillNames(folder)).toEqual(["spill-0-x.lines"]);
  });

  test("are told to be lost when they cannot be written, and those behind them are not harmed", () => {
    const { folder, state, sink } = fullRing();
    // Nobody can append to a folder.
    const name = join(folder, `spill-${LAYOUT_VERSION}-1-${state.area(1).spill.file}.lines`);
    mkdirSync(name);
    expect(sink.push(line('{"lost":1}'))).toBe(false);
    rmSync(name, { recursive: true });
    expect(sink.push(line('{"kept":2}'))).toBe(true);
    expect(drainSpill(state)).toEqual(['{"kept":2}']);
  });
});
