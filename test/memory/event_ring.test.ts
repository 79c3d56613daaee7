import { describe, expect, test } from "vitest";
import { EVENT_MAX_BYTES, type EventRing } from "../../src/memory/event_ring.ts";
import { AREA_HEAD_WORD, AREA_TAIL_WORD, areaPlaces, RING_BYTES } from "../../src/memory/layout.ts";
import { mapFile } from "../../src/memory/mapping.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { line, textsOf } from "./lines.ts";
import { randomIntegers } from "./random.ts";

const geometry = { areas: 1, call_slots: 8 };

function ring(folder = temporaryFolder()): EventRing {
  return createState(folder, geometry, () => {}).area(0).ring;
}

function drain(one: EventRing, max = 100): string[] {
  const texts: string[] = [];
  for (;;) {
    const batch = one.read(max);
    const read = textsOf(batch);
    if (read.length === 0) return texts;
    texts.push(...read);
    batch.release();
  }
}

describe("the ring of events", () => {
  test("gives events in their order, as often as they are read, until they are released", () => {
    const events = ring();
    for (const text of ["one", "2", "drei: ä€😀"]) expect(events.push(line(text))).toBe(true);
    expect(events.waiting).toBe(3);
    expect(textsOf(events.read(2))).toEqual(["one", "2"]);
    const batch = events.read(2);
    expect(textsOf(batch)).toEqual(["one", "2"]);
    batch.release();
    expect(events.waiting).toBe(1);
    expect(textsOf(events.read(10))).toEqual(["drei: ä€😀"]);
    events.push(line("four"));
    expect(drain(events)).toEqual(["drei: ä€😀", "four"]);
    expect(events.waiting).toBe(0);
    expect(textsOf(events.read(10))).toEqual([]);
  });

  test("takes no room back that was given back already", () => {
    const events = ring();
    for (const text of ["one", "two", "three"]) events.push(line(text));
    const first = events.read(1);
    const both = events.read(2);
    both.release();
    first.release();
    both.release();
    expect(drain(events)).toEqual(["three"]);
  });

  test("takes events up to their longest, and no longer ones", () => {
    const events = ring();
    const longest = "ä".repeat(EVENT_MAX_BYTES / 2);
    expect(events.push(line(longest))).toBe(true);
    expect(events.push(line(`${longest}.`))).toBe(false);
    expect(drain(events)).toEqual([longest]);
  });

  test("says when it is full, loses nothing of what it took, and has room again after a release", () => {
    const events = ring();
    const text = "x".repeat(1_000);
    let taken = 0;
    while (events.push(line(`${taken} ${text}`))) taken += 1;
    expect(taken).toBeGreaterThan(2_000);
    expect(events.waiting).toBe(taken);
    expect(events.push(line("y".repeat(1_000)))).toBe(false);
    const batch = events.read(10);
    batch.release();
    expect(events.push(line(`${taken} ${text}`))).toBe(true);
    expect(drain(events)).toEqual(Array.from({ length: taken - 9 }, (_, index) => `${index + 10} ${text}`));
  });

  test("is filled to the last byte, and empty again, wherever it begins", () => {
    const events = ring();
    const text = "z".repeat(1015);
    for (let round = 0; round < 5; round++) {
      for (let count = 0; count < RING_BYTES / 1024; count++) expect(events.push(line(text))).toBe(true);
      expect(events.push(line("z"))).toBe(false);
      expect(drain(events).length).toBe(RING_BYTES / 1024);
    }
  });

  test("goes on when its positions need more than 32 bits", () => {
    const folder = temporaryFolder();
    const events = ring(folder);
    const { words } = mapFile(`${folder}/state`);
    const header = areaPlaces(geometry, 0).header >> 2;
    for (const start of [2 ** 31 - 64, -64]) {
      words[header + AREA_HEAD_WORD] = start;
      words[header + AREA_TAIL_WORD] = start;
      const texts = Array.from({ length: 50 }, (_, index) => `event ${index}`);
      for (const text of texts) expect(events.push(line(text))).toBe(true);
      expect(events.waiting).toBe(50);
      expect(drain(events, 7)).toEqual(texts);
    }
  });

  test("does what a queue would do, whatever the lengths", () => {
    const folder = temporaryFolder();
    const producer = ring(folder);
    let consumer = openState(folder).area(0).ring;
    const random = randomIntegers(11);
    const model: string[] = [];
    for (let step = 0; step < 20_000; step++) {
      if (random(5) < 3) {
        const length = random(20) === 0 ? random(EVENT_MAX_BYTES) : random(3_000);
        const text = `${step} ${"a".repeat(length)}`.slice(0, length + 8);
        if (producer.push(line(text))) model.push(text);
        else
          expect(model.reduce((sum, one) => sum + one.length + 16, length + 16)).toBeGreaterThan(
            RING_BYTES - 2 * EVENT_MAX_BYTES,
          );
      } else {
        const max = 1 + random(8);
        const batch = consumer.read(max);
        const texts = textsOf(batch);
        expect(texts).toEqual(model.slice(0, max));
        if (random(3) > 0) {
          batch.release();
          model.splice(0, texts.length);
        }
      }
      if (step % 1_000 === 0) {
        expect(producer.waiting).toBe(model.length);
        // Another supervisor takes over.
        consumer = openState(folder).area(0).ring;
      }
    }
    expect(drain(consumer)).toEqual(model);
  });

  test("passes over what a power cut left unreadable, and goes on behind it", () => {
    for (const damage of ["text", "length", "tail"] as const) {
      const folder = temporaryFolder();
      const events = ring(folder);
      for (const text of ["whole", "damaged", "behind it"]) events.push(line(text));
      const { bytes, words } = mapFile(`${folder}/state`);
      const { header, ring: start } = areaPlaces(geometry, 0);
      if (damage === "text") bytes[start + 24]! ^= 1;
      if (damage === "length") words[(start + 16) >> 2] = 1 << 20;
      if (damage === "tail") words[(header >> 2) + AREA_TAIL_WORD]! += 64;
      const expected = damage === "tail" ? ["whole", "damaged", "behind it"] : ["whole"];
      expect(drain(events)).toEqual(expected);
      expect(events.push(line("next"))).toBe(true);
      expect(drain(events)).toEqual(["next"]);
    }
  });

  test("whose head and tail have nothing to do with each other is empty after the next look", () => {
    for (const tail of [-4096, 8 * RING_BYTES, 12]) {
      const folder = temporaryFolder();
      const events = ring(folder);
      const { words } = mapFile(`${folder}/state`);
      words[(areaPlaces(geometry, 0).header >> 2) + AREA_TAIL_WORD] = tail;
      expect(textsOf(events.read(10))).toEqual([]);
      expect(events.waiting).toBe(0);
      expect(events.push(line("next"))).toBe(true);
      expect(drain(events)).toEqual(["next"]);
    }
  });
});
