import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { CounterKey } from "../../src/memory/counter_key.ts";
import { LAYOUT_VERSION } from "../../src/memory/layout.ts";
import type { ProcessArea } from "../../src/memory/process_area.ts";
import { createState, openState, type State } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { line, textsOf } from "./lines.ts";

const NOW_MS = Date.UTC(2026, 10, 26);
const HOLDER = resolve(import.meta.dirname, "holding_process.ts");
const geometry = { areas: 2, call_slots: 16 };
const nobody = () => {};

function key(): CounterKey {
  return new CounterKey([1, 2, 3, 4], 3_600_000);
}

function count(state: State): number {
  return Atomics.add(state.counters.words, state.counters.at(key(), NOW_MS), 1);
}

function countSoFar(state: State): number | undefined {
  const at = state.counters.find(key(), NOW_MS);
  return at < 0 ? undefined : state.counters.words[at];
}

function asideFiles(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("state.aside-"));
}

/** A process that holds the folder as a supervisor, or an area as a gateway process; ends with the test. */
async function holdIn(folder: string, ...what: string[]): Promise<{ pid: number; end(): Promise<unknown> }> {
  const holder = Bun.spawn([process.execPath, HOLDER, folder, ...what], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await holder.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("holding\n");
  return {
    pid: holder.pid,
    end: () => {
      holder.kill("SIGKILL");
      return holder.exited;
    },
  };
}

describe("the state of a gateway", () => {
  test("is made where there is none, in a folder that only its user can read, and takes hardly any room", () => {
    const folder = join(temporaryFolder(), "deep", "data");
    const state = createState(folder, { areas: 64, call_slots: 4096 }, nobody);
    count(state);
    expect(state.areas).toBe(64);
    expect(state.notice).toBe(null);
    expect(readdirSync(folder)).toEqual(["state"]);
    expect(statSync(folder).mode & 0o077).toBe(0);
    const { mode, size, blocks } = statSync(join(folder, "state"));
    expect(mode & 0o077).toBe(0);
    expect(size).toBeGreaterThan(300 * 2 ** 20);
    expect(blocks * 512).toBeLessThan(2 ** 20);
  });

  test("is there again after everybody has gone, and the same for all who open it", () => {
    const folder = temporaryFolder();
    const first = createState(folder, geometry, nobody);
    count(first);
    const opened = openState(folder);
    expect(countSoFar(opened)).toBe(1);
    expect(opened.areas).toBe(2);
    expect(opened.call_slots).toBe(16);
    count(opened);
    expect(countSoFar(createState(folder, geometry, nobody))).toBe(2);
    expect(asideFiles(folder)).toEqual([]);
  });

  test("gives the same area every time, and none that it has not", () => {
    const state = createState(temporaryFolder(), geometry, nobody);
    expect(state.area(1)).toBe(state.area(1));
    expect(state.area(1).index).toBe(1);
    for (const odd of [-1, 2, Number.NaN]) expect(() => state.area(odd)).toThrow(RangeError);
  });

  test("that cannot be read is set aside and made anew, whatever is wrong with it", () => {
    const damages: Record<string, (path: string) => void> = {
      "has 5000 of its": (path) => truncateSync(path, 5000),
      "too short": (path) => truncateSync(path, 3),
      "is not a state file": (path) => writeFileSync(path, "x".repeat(100_000)),
      "header is damaged": (path) => overwrite(path, 32, 9),
      [`its layout is version ${LAYOUT_VERSION + 1}`]: (path) => overwrite(path, 8, LAYOUT_VERSION + 1),
    };
    for (const [reason, damage] of Object.entries(damages)) {
      const folder = temporaryFolder();
      count(createState(folder, geometry, nobody));
      const path = join(folder, "state");
      damage(path);
      const damaged_bytes = statSync(path).size;
      expect(() => openState(folder)).toThrow(reason);
      const state = createState(folder, geometry, nobody);
      expect(state.notice).toContain(reason);
      expect(countSoFar(state)).toBe(undefined);
      const [aside, ...more] = asideFiles(folder);
      expect(more).toEqual([]);
      expect(statSync(join(folder, aside!)).size).toBe(damaged_bytes);
      expect(createState(folder, geometry, nobody).notice).toBe(null);
    }
  });

  test("is not opened where there is none, nor made in impossible sizes", () => {
    const folder = temporaryFolder();
    expect(() => openState(folder)).toThrow("does not exist");
    for (const odd of [
      { areas: 0, call_slots: 1 },
      { areas: 65, call_slots: 1 },
      { areas: 1, call_slots: 0 },
      { areas: 1.5, call_slots: 1 },
    ]) {
      expect(() => createState(folder, odd, nobody)).toThrow(RangeError);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("has as many call slots as fit into a file of two gigabytes, all of which can be used", () => {
    const folder = temporaryFolder();
    const state = createState(folder, { areas: 64, call_slots: 65_536 }, nobody);
    expect(state.areas).toBe(64);
    expect(state.call_slots).toBeGreaterThan(20_000);
    expect(statSync(join(folder, "state")).size).toBeLessThan(2 ** 31);
    const { ring, calls } = state.area(63);
    for (let slot = 0; slot < 3; slot++) expect(calls.begin(line(`call ${slot}`))).toBe(slot);
    expect(Array.from(calls.live, ({ text }) => text)).toEqual(["call 0", "call 1", "call 2"]);
    expect(ring.push(line("event"))).toBe(true);
    expect(textsOf(ring.read(9))).toEqual(["event"]);
    // More areas of this size there cannot be, and these are in use.
    const smaller = temporaryFolder();
    createState(smaller, { areas: 20, call_slots: 65_536 }, nobody).area(0).ring.push(line("event"));
    const kept = createState(smaller, { areas: 40, call_slots: 16 }, nobody);
    expect([kept.areas, kept.call_slots]).toEqual([20, 65_536]);
    expect(textsOf(openState(smaller).area(0).ring.read(9))).toEqual(["event"]);
  });

  test("whose making was broken off is made from the beginning", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "state.new"), "half of it");
    expect(countSoFar(createState(folder, geometry, nobody))).toBe(undefined);
    expect(readdirSync(folder)).toEqual(["state"]);
  });

  test("in the place of a folder is set aside like anything else", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "state"));
    expect(createState(folder, geometry, nobody).notice).toContain("it is not a file");
  });

  test("with more areas keeps counters, calls and events", () => {
    const folder = temporaryFolder();
    const before = createState(folder, geometry, nobody);
    count(before);
    before.area(1).ring.push(line("event"));
    before.area(1).calls.begin(line("call"));
    const recovered: ProcessArea[] = [];
    const after = createState(folder, { areas: 5, call_slots: 16 }, (area) => recovered.push(area));
    expect(recovered.map(({ index }) => index)).toEqual([1]);
    expect(after.areas).toBe(5);
    expect(countSoFar(after)).toBe(1);
    expect(textsOf(after.area(1).ring.read(9))).toEqual(["event"]);
    expect(Array.from(after.area(1).calls.live, ({ text }) => text)).toEqual(["call"]);
    expect(after.area(4).ring.push(line("there"))).toBe(true);
    // Fewer are asked for: those that are there stay.
    expect(createState(folder, geometry, nobody).areas).toBe(5);
  });

  test("with other call slots keeps counters, when the areas have been taken over", () => {
    const folder = temporaryFolder();
    const before = createState(folder, geometry, nobody);
    count(before);
    before.area(0).ring.push(line("event"));
    before.area(1).calls.begin(line("call"));
    const taken: string[] = [];
    const takeOver = ({ ring, calls }: ProcessArea) => {
      const batch = ring.read(10);
      taken.push(...textsOf(batch), ...Array.from(calls.live, ({ text }) => text));
      batch.release();
      calls.clear();
    };
    // Nobody takes them over: they stay where they are.
    const kept = createState(folder, { areas: 3, call_slots: 500 }, nobody);
    expect([kept.areas, kept.call_slots]).toEqual([3, 16]);
    const after = createState(folder, { areas: 3, call_slots: 500 }, takeOver);
    expect(taken).toEqual(["event", "call"]);
    expect([after.areas, after.call_slots]).toEqual([3, 500]);
    expect(countSoFar(after)).toBe(1);
    for (let index = 0; index < 3; index++) expect(after.area(index).is_empty).toBe(true);
    for (let slot = 0; slot < 500; slot++) expect(after.area(2).calls.begin(line(`call ${slot}`))).toBe(slot);
    expect(openState(folder).call_slots).toBe(500);
  });

  test("belongs to one supervisor at a time, and to the next when that one is dead", async () => {
    const folder = temporaryFolder();
    const other = await holdIn(folder, "state");
    expect(() => createState(folder, geometry, nobody)).toThrow(`process ${other.pid}`);
    expect(asideFiles(folder)).toEqual([]);
    await other.end();
    expect(createState(folder, geometry, nobody).areas).toBe(2);
  });

  test("leaves a gateway process its area while it lives, though its supervisor is dead", async () => {
    const folder = temporaryFolder();
    createState(folder, geometry, nobody);
    const gateway = await holdIn(folder, "area", "1");
    const recovered: number[] = [];
    const note = ({ index }: ProcessArea) => recovered.push(index);
    const state = createState(folder, { areas: 4, call_slots: 99 }, note);
    expect([state.areas, state.call_slots]).toEqual([4, 16]);
    expect(recovered).toEqual([]);
    expect(state.area(0).owner_pid).toBe(0);
    expect(state.area(1).owner_pid).toBe(gateway.pid);
    expect(state.area(1).claim()).toBe(false);
    // Its events are read while it lives.
    expect(textsOf(state.area(1).ring.read(9))).toEqual(["held"]);
    await gateway.end();
    expect(state.area(1).owner_pid).toBe(0);
    expect(state.area(1).claim()).toBe(true);
    expect(state.area(1).owner_pid).toBe(process.pid);
    createState(folder, geometry, note);
    expect(recovered).toEqual([]);
  });

  test("frees a lock that nobody holds who lives", () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, nobody);
    // The process id is in use again, by somebody else.
    state.counters.words[32] = process.ppid << 9;
    expect(state.counters.at(key(), NOW_MS)).toBe(-1);
    expect(createState(folder, geometry, nobody).counters.at(key(), NOW_MS)).toBeGreaterThan(0);
  });

  test("is brought to the disk while it is in use", async () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, nobody);
    count(state);
    await state.flush();
    const at = state.counters.find(key(), NOW_MS) * 4;
    expect(existsSync(join(folder, "state"))).toBe(true);
    expect(readFileSync(join(folder, "state")).readInt32LE(at)).toBe(1);
  });
});

/** Changes a word of a file. */
function overwrite(path: string, offset: number, word: number): void {
  const bytes = readFileSync(path);
  bytes.writeInt32LE(word, offset);
  writeFileSync(path, bytes);
}
