import { describe, expect, test } from "vitest";
import { BUCKETS, bucketOf } from "../../src/memory/histogram.ts";
import {
  SERIES_BLOCK_BYTES,
  SERIES_BYTES,
  SERIES_HEADER_BYTES,
  SERIES_MAX,
} from "../../src/memory/layout.ts";
import { ownMemory } from "../../src/memory/mapping.ts";
import { LABELS_MAX, SERIES_NAME_MAX_BYTES, type SeriesRecord } from "../../src/memory/series.ts";
import { SeriesBlock } from "../../src/memory/series_block.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { randomIntegers } from "./random.ts";

const geometry = { areas: 1, call_slots: 8 };

function count(record: SeriesRecord, label: string, amount = 1): void {
  record.add(record.placeOf(label), amount);
}

describe("series", () => {
  test("count under labels, as much as there is to count", () => {
    const record = SeriesBlock.own().append("one")!;
    count(record, "calls:200");
    count(record, "tokens:input", 2 ** 40);
    count(record, "calls:200", 2);
    count(record, "tokens:input", 2 ** 40 + 1);
    expect(record.name).toBe("one");
    expect(record.numbers()).toEqual([
      ["calls:200", 3],
      ["tokens:input", 2 ** 41 + 1],
    ]);
  });

  test("have as many labels as they have room for, and do without the others", () => {
    const record = SeriesBlock.own().append("one")!;
    for (let index = 0; index < LABELS_MAX + 5; index++) count(record, `label:${index}`);
    expect(record.numbers()).toEqual(Array.from({ length: LABELS_MAX }, (_, index) => [`label:${index}`, 1]));
    expect(record.placeOf("one too many")).toBe(-1);
    expect(record.placeOf("label:7")).toBeGreaterThan(0);
  });

  test("cut labels that are too long, and count nothing into what is beside them", () => {
    const record = SeriesBlock.own().append("one")!;
    count(record, `errors:${"x".repeat(100)}`);
    count(record, "errors:other", 5);
    expect(record.numbers()).toEqual([
      [`errors:${"x".repeat(37)}`, 1],
      ["errors:other", 5],
    ]);
  });

  test("have three histograms, each of which counts as a plain one would", () => {
    const block = SeriesBlock.own();
    const [record, neighbour] = [block.append("one")!, block.append("two")!];
    const random = randomIntegers(2);
    const model = [0, 1, 2].map(() => ({ counts: new Array<number>(BUCKETS).fill(0), count: 0, sum_us: 0 }));
    for (let step = 0; step < 5_000; step++) {
      const which = random(3) as 0 | 1 | 2;
      const duration_us = random(2) === 0 ? random(100) : 2 ** random(40);
      record.observe(which, duration_us);
      model[which]!.counts[bucketOf(duration_us)]! += 1;
      model[which]!.count += 1;
      model[which]!.sum_us += duration_us;
    }
    expect([record.histogram(0), record.histogram(1), record.histogram(2)]).toEqual(model);
    expect(neighbour.histogram(0).count).toBe(0);
    expect(neighbour.numbers()).toEqual([]);
  });

  test("are as many as there is room for, with names that are not too long", () => {
    const block = SeriesBlock.own();
    expect(block.append("ä".repeat(SERIES_NAME_MAX_BYTES / 2 + 1))).toBe(null);
    expect(block.append("ä".repeat(SERIES_NAME_MAX_BYTES / 2))?.name).toBe("ä".repeat(128));
    for (let index = 1; index < SERIES_MAX; index++) count(block.append(`series ${index}`)!, "label", index);
    expect(block.append("one too many")).toBe(null);
    const records = block.records.slice(1);
    expect(records.map(({ name }) => name)).toEqual(records.map((_, index) => `series ${index + 1}`));
    expect(records.map((record) => record.numbers()[0]![1])).toEqual(records.map((_, index) => index + 1));
  });

  test("lie in the file, apart for each process, and are there for whoever opens it next", () => {
    const folder = temporaryFolder();
    const state = createState(folder, geometry, () => {});
    for (const index of [0, 63]) {
      const block = state.series(index);
      count(block.append(`series of ${index}`)!, "calls:200", index + 1);
      block.in_flight = 3;
      block.is_in_service = true;
    }
    const beside = openState(folder).series(63);
    expect([beside.in_flight, beside.is_in_service]).toEqual([3, true]);
    // Another geometry lays other areas; what was counted stays, what was in flight is over.
    const after = createState(folder, { areas: 3, call_slots: 99 }, () => {});
    for (const index of [0, 63]) {
      const [record, ...more] = after.series(index).records;
      expect(more).toEqual([]);
      expect(record!.name).toBe(`series of ${index}`);
      expect(record!.numbers()).toEqual([["calls:200", index + 1]]);
    }
    expect([after.series(0).in_flight, after.series(0).is_in_service]).toEqual([0, false]);
    expect(after.series(1).records).toEqual([]);
    for (const odd of [-1, 64]) expect(() => after.series(odd)).toThrow(RangeError);
  });

  test("that clients have made up too many names for begin anew with the next process", () => {
    for (const [series, kept] of [
      [SERIES_MAX / 2, SERIES_MAX / 2],
      [SERIES_MAX / 2 + 1, 0],
    ] as const) {
      const block = SeriesBlock.own();
      for (let index = 0; index < series; index++) count(block.append(`series ${index}`)!, "label");
      block.reset();
      expect(block.count).toBe(kept);
      if (kept === 0) expect(block.append("first")!.numbers()).toEqual([]);
    }
  });

  test("are read without harm from pages that a power cut has mixed up", () => {
    const memory = ownMemory(SERIES_BLOCK_BYTES);
    const random = randomIntegers(9);
    for (let word = 0; word < (SERIES_HEADER_BYTES + 3 * SERIES_BYTES) / 4; word++) {
      memory.words[word] = random(2 ** 32);
    }
    for (const found of [-5, 2 ** 30, 3]) {
      memory.words[0] = found;
      const records = new SeriesBlock(memory, 0).records;
      expect(records.length).toBe(found === 3 ? 3 : found < 0 ? 0 : SERIES_MAX);
      for (const record of records.slice(0, 5)) {
        expect(record.numbers().length).toBeLessThanOrEqual(LABELS_MAX);
        expect(record.name.length).toBeLessThanOrEqual(SERIES_BLOCK_BYTES);
      }
    }
  });
});
