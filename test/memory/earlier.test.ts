// Files of other versions: an earlier one goes on in this one's, a newer one is refused.

import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CounterKey } from "../../src/memory/counter_key.ts";
import { earlierAreas, forgetEarlier } from "../../src/memory/earlier.ts";
import { encodeHeader } from "../../src/memory/header.ts";
import {
  AREAS_MAX,
  AREAS_OFFSET,
  fileBytes,
  LAYOUT_VERSION,
  SERIES_BLOCK_BYTES,
  SERIES_HEADER_BYTES,
  SERIES_MAX,
  SERIES_OFFSET,
} from "../../src/memory/layout.ts";
import { adoptSpills, EventSink, handOnEvents, readSpill } from "../../src/memory/spill.ts";
import { createState, stateRefusal } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { line, textsOf } from "./lines.ts";

const NOW_MS = Date.UTC(2026, 10, 26);
const geometry = { areas: 2, call_slots: 16 };
const nobody = () => {};
const key = () => new CounterKey([1, 2, 3, 4], 3_600_000);

/** The header that a version would have written. */
function headerOf(version: number, series_block_bytes: number): Int32Array {
  const words = new Int32Array(encodeHeader(geometry).buffer.slice(0));
  words[2] = version;
  words[5] = series_block_bytes;
  words[15] = Bun.hash.xxHash32(new Uint8Array(words.buffer, 0, 60)) | 0;
  return words;
}

/** Turns a file of this version into one of version 5, whose series were shorter. */
function toFifth(path: string): void {
  const block_bytes = SERIES_HEADER_BYTES + SERIES_MAX * 6144;
  const shift = AREAS_MAX * (SERIES_BLOCK_BYTES - block_bytes);
  const length = fileBytes(geometry);
  const from = Bun.mmap(path, { shared: true });
  const older = `${path}.older`;
  const file = openSync(older, "w");
  writeSync(file, from.subarray(0, SERIES_OFFSET), 0, SERIES_OFFSET, 0);
  writeSync(file, from.subarray(AREAS_OFFSET), 0, length - AREAS_OFFSET, AREAS_OFFSET - shift);
  writeSync(file, new Uint8Array(headerOf(5, block_bytes).buffer), 0, 64, 0);
  // Its supervisor is gone.
  writeSync(file, new Uint8Array(8), 0, 8, 64);
  closeSync(file);
  renameSync(older, path);
}

test("a file of an earlier version goes on: its counters, and what its processes have left", () => {
  const folder = temporaryFolder();
  const path = join(folder, "state");
  const before = createState(folder, geometry, nobody);
  Atomics.add(before.counters.words, before.counters.at(key(), NOW_MS), 41);
  const sink = new EventSink(folder, before.area(1));
  expect(sink.push(line('{"row":1}'))).toBe(true);
  before.area(1).calls.begin(line("a call"));
  toFifth(path);
  const state = createState(folder, geometry, nobody);
  expect(state.notice).toContain(`from layout 5 to ${LAYOUT_VERSION}`);
  const at = state.counters.find(key(), NOW_MS);
  expect(state.counters.words[at]).toBe(41);
  expect(state.area(1).is_empty).toBe(true);
  const earlier = earlierAreas(folder);
  // The owner of the area is this process, which lives.
  expect(earlier.is_anyone_there).toBe(true);
  expect(existsSync(join(folder, "state.replaced"))).toBe(true);
  forgetEarlier(folder);
  expect(earlierAreas(folder)).toEqual({ left: [], is_anyone_there: false });
  expect(createState(folder, geometry, nobody).notice).toBe(null);
});

test("what a dead process has left in an earlier file is read there", async () => {
  const folder = temporaryFolder();
  const script = `
    const { createState } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/memory/state.ts"))});
    const { EventSink } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/memory/spill.ts"))});
    const { line } = await import(${JSON.stringify(join(import.meta.dirname, "lines.ts"))});
    const state = createState(process.argv[1], ${JSON.stringify(geometry)}, () => {});
    new EventSink(process.argv[1], state.area(1)).push(line('{"row":1}'));
    state.area(1).calls.begin(line("a call"));`;
  const child = Bun.spawn([process.execPath, "-e", script, folder], { stderr: "inherit" });
  expect(await child.exited).toBe(0);
  toFifth(join(folder, "state"));
  createState(folder, geometry, nobody);
  const { left, is_anyone_there } = earlierAreas(folder);
  expect(is_anyone_there).toBe(false);
  expect(left.map(({ index }) => index)).toEqual([1]);
  expect(textsOf(left[0]!.ring.read(10))).toEqual(['{"row":1}']);
  expect([...left[0]!.calls.live].map(({ text }) => text)).toEqual(["a call"]);
});

test("a file of a newer version is refused and stays as it is", () => {
  const folder = temporaryFolder();
  const path = join(folder, "state");
  createState(folder, geometry, nobody);
  const file = openSync(path, "r+");
  writeSync(file, new Uint8Array(headerOf(LAYOUT_VERSION + 1, SERIES_BLOCK_BYTES + 4096).buffer), 0, 64, 0);
  closeSync(file);
  const head = readFileSync(path).subarray(0, 64);
  expect(() => createState(folder, geometry, nobody)).toThrow(/newer version of Venturi.*run that version/);
  expect(stateRefusal(folder)).toContain(`its layout is ${LAYOUT_VERSION + 1}`);
  expect(readFileSync(path).subarray(0, 64)).toEqual(head);
});

test("events that another version hands on are read once, and those that its dead processes left too", () => {
  const folder = temporaryFolder();
  const state = createState(folder, geometry, nobody);
  handOnEvents(folder, Buffer.from('{"a":1}\n{"b":2}'));
  writeFileSync(join(folder, "spill-0-3.lines"), '{"c":3}\n');
  const first = readSpill(state);
  expect(textsOf(first)).toEqual(['{"a":1}', '{"b":2}']);
  first.release();
  expect(readSpill(state).lines).toHaveLength(0);
  adoptSpills(folder);
  const second = readSpill(state);
  expect(textsOf(second)).toEqual(['{"c":3}']);
  second.release();
  expect(readSpill(state).lines).toHaveLength(0);
});
