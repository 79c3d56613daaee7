import { describe, expect, test } from "vitest";
import { CALL_TEXT_MAX_BYTES, type CallTable } from "../../src/memory/call_table.ts";
import { areaPlaces } from "../../src/memory/layout.ts";
import { mapFile } from "../../src/memory/mapping.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { line } from "./lines.ts";
import { randomIntegers } from "./random.ts";

const SLOTS = 20;
const geometry = { areas: 2, call_slots: SLOTS };

function table(folder = temporaryFolder()): CallTable {
  return createState(folder, geometry, () => {}).area(1).calls;
}

function textsOf(calls: CallTable): string[] {
  return Array.from(calls.live, ({ text }) => text).sort();
}

describe("the table of calls in flight", () => {
  test("tells what is known of each call, and how far it has come", () => {
    const calls = table();
    const first = calls.begin(line("first"));
    const second = calls.begin(line("zweiter: äöü € 😀"));
    calls.progress(second, 12);
    calls.progress(second, 34);
    expect([...calls.live]).toEqual([
      { slot: first, text: "first", output_tokens: 0 },
      { slot: second, text: "zweiter: äöü € 😀", output_tokens: 34 },
    ]);
    calls.end(first);
    expect(textsOf(calls)).toEqual(["zweiter: äöü € 😀"]);
    // The next call in a slot has not come as far as the last one.
    calls.end(second);
    const third = calls.begin(line("third"));
    expect([...calls.live]).toEqual([{ slot: third, text: "third", output_tokens: 0 }]);
  });

  test("takes texts up to their longest, the empty one too, and no longer ones", () => {
    const calls = table();
    const longest = "ä".repeat(CALL_TEXT_MAX_BYTES / 2);
    expect(calls.begin(line(longest))).toBeGreaterThanOrEqual(0);
    expect(calls.begin(line(""))).toBeGreaterThanOrEqual(0);
    expect(calls.begin(line(`${longest}.`))).toBe(-1);
    expect(textsOf(calls)).toEqual(["", longest]);
  });

  test("has a slot for as many calls as it was made for, and a call without one does no harm", () => {
    const calls = table();
    const slots = Array.from({ length: SLOTS }, (_, name) => calls.begin(line(`call ${name}`)));
    expect(new Set(slots).size).toBe(SLOTS);
    const none = calls.begin(line("one too many"));
    expect(none).toBe(-1);
    calls.progress(none, 5);
    calls.end(none);
    expect(textsOf(calls).length).toBe(SLOTS);
    calls.end(slots[7]!);
    // Ended twice is ended once: two calls never share a slot.
    calls.end(slots[7]!);
    expect(calls.begin(line("after one has gone"))).toBe(slots[7]);
    expect(calls.begin(line("one too many again"))).toBe(-1);
  });

  test("is read by others, cleared by the supervisor, and used by the next process", () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, () => {});
    const before = openState(folder).area(1).calls;
    for (let name = 0; name < SLOTS; name++) before.begin(line(`call ${name}`));
    expect(textsOf(state.area(1).calls).length).toBe(SLOTS);
    expect(state.area(0).calls.is_empty).toBe(true);
    // A successor leaves alone what nobody has taken over.
    expect(openState(folder).area(1).calls.begin(line("too early"))).toBe(-1);
    state.area(1).calls.clear();
    expect(state.area(1).calls.is_empty).toBe(true);
    const after = openState(folder).area(1).calls;
    after.begin(line("next"));
    expect(textsOf(state.area(1).calls)).toEqual(["next"]);
  });

  test("passes over a note whose bytes are not what its state says", () => {
    const folder = temporaryFolder();
    const calls = table(folder);
    const damaged = calls.begin(line("damaged"));
    calls.begin(line("whole"));
    const { bytes } = mapFile(`${folder}/state`);
    bytes[areaPlaces(geometry, 1).call_slots + damaged * 1024 + 34]! ^= 1;
    expect(textsOf(calls)).toEqual(["whole"]);
  });

  test("does what a map would do, whoever comes and goes", () => {
    const calls = table();
    const random = randomIntegers(7);
    const model = new Map<number, { text: string; output_tokens: number }>();
    for (let step = 0; step < 20_000; step++) {
      const slots = [...model.keys()];
      const slot = slots[random(slots.length)];
      const action = random(5);
      if (action < 2) {
        const text = `${step} ${"€".repeat(random(300))}`;
        const begun = calls.begin(line(text));
        expect(begun >= 0).toBe(model.size < SLOTS);
        if (begun >= 0) expect(model.has(begun)).toBe(false);
        if (begun >= 0) model.set(begun, { text, output_tokens: 0 });
      } else if (slot !== undefined && action === 2) {
        calls.progress(slot, step);
        model.get(slot)!.output_tokens = step;
      } else if (slot !== undefined) {
        calls.end(slot);
        model.delete(slot);
      }
      if (step % 50 !== 0) continue;
      const expected = Array.from(model, ([at, note]) => ({ slot: at, ...note })).sort(
        (a, b) => a.slot - b.slot,
      );
      expect([...calls.live]).toEqual(expected);
    }
  });
});
