import { describe, expect, test } from "vitest";
import { decodeHeader, encodeHeader, HEADER_USED_BYTES } from "../../src/memory/header.ts";
import { CONTENT_OUTCOMES, SHARED_COUNTS } from "../../src/memory/host_facts.ts";
import {
  AREAS_OFFSET,
  areaPlaces,
  CAREFUL_WORD,
  CONTENT_WORD,
  COUNTERS,
  DRILL_SLOT_WORDS,
  DRILL_SLOTS,
  DRILLS_WORD,
  fileBytes,
  HEADER_BYTES,
  HEALTH,
  LAYOUT_VERSION,
  LEDGER_STORE_WORD,
  OTLP_DROPPED_WORD,
  QUALITY_SHIFTS_WORD,
  RESTING_WORD,
  SHARED_STATE_WORD,
  STARTED_WORD,
  SUPERVISOR_WORD,
} from "../../src/memory/layout.ts";

const geometry = { areas: 3, call_slots: 100 };
const whole_bytes = fileBytes(geometry);

describe("the header of the mapped file", () => {
  test("tells the geometry that it was made from", () => {
    expect(decodeHeader(encodeHeader(geometry), whole_bytes)).toEqual(geometry);
    expect(decodeHeader(encodeHeader({ areas: 0, call_slots: 7 }), AREAS_OFFSET)).toEqual({
      areas: 0,
      call_slots: 7,
    });
  });

  test("with any one bit turned is refused", () => {
    for (let bit = 0; bit < HEADER_USED_BYTES * 8; bit++) {
      const header = encodeHeader(geometry);
      header[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeHeader(header, whole_bytes), `bit ${bit}`).toHaveProperty("fault");
    }
  });

  test("of another version is refused for that, whatever else is in it", () => {
    const header = encodeHeader(geometry);
    new Int32Array(header.buffer)[2] = LAYOUT_VERSION + 1;
    expect(decodeHeader(header, whole_bytes)).toEqual({
      fault: `its layout is version ${LAYOUT_VERSION + 1}, and this is version ${LAYOUT_VERSION}`,
    });
  });

  test("is refused when it is cut, or when the file is", () => {
    for (let length = 0; length < HEADER_USED_BYTES; length++) {
      expect(decodeHeader(encodeHeader(geometry).subarray(0, length), whole_bytes)).toHaveProperty("fault");
    }
    expect(decodeHeader(encodeHeader(geometry), whole_bytes - 1)).toHaveProperty("fault");
    expect(decodeHeader(encodeHeader(geometry), whole_bytes + 1)).toEqual(geometry);
  });

  test("with sizes that no file has is refused, however well it is signed", () => {
    for (const odd of [
      { areas: 65, call_slots: 100 },
      { areas: -1, call_slots: 100 },
      { areas: 3, call_slots: 0 },
      { areas: 3, call_slots: 65_537 },
      { areas: 64, call_slots: 65_536 },
    ]) {
      expect(decodeHeader(encodeHeader(odd), 2 ** 40)).toHaveProperty("fault");
    }
  });
});

test("parts of areas begin at cache lines, one after another, and end with the file", () => {
  let end = AREAS_OFFSET;
  for (let index = 0; index < geometry.areas; index++) {
    const { header, call_states, call_slots, ring } = areaPlaces(geometry, index);
    for (const place of [header, call_states, call_slots, ring]) expect(place % 64).toBe(0);
    expect(header).toBe(end);
    expect(header).toBeLessThan(call_states);
    expect(call_states + geometry.call_slots * 4).toBeLessThanOrEqual(call_slots);
    expect(call_slots + geometry.call_slots * 1024).toBeLessThanOrEqual(ring);
    end = ring + 2 * 1024 * 1024;
  }
  expect(end).toBe(whole_bytes);
});

test("what the header's page holds lies apart: no word of one thing is another's", () => {
  const places: readonly (readonly [name: string, first: number, words: number])[] = [
    ["header", 0, 16],
    ["supervisor", SUPERVISOR_WORD, 2],
    ["started", STARTED_WORD, 1],
    ["otlp", OTLP_DROPPED_WORD, 1],
    ["quality", QUALITY_SHIFTS_WORD, 1],
    ["ledger's store", LEDGER_STORE_WORD, 4],
    ["content", CONTENT_WORD, CONTENT_OUTCOMES.length],
    ["careful", CAREFUL_WORD, 1],
    ["resting", RESTING_WORD, 1],
    ["shared state", SHARED_STATE_WORD, 3 + SHARED_COUNTS.length],
    ...[COUNTERS, HEALTH].flatMap(({ lock, evicted }) => [
      ["lock", lock, 1] as const,
      ["evicted", evicted, 2] as const,
    ]),
    ["drills", DRILLS_WORD, DRILL_SLOTS * DRILL_SLOT_WORDS],
  ];
  const owners = new Map<number, string>();
  for (const [name, first, words] of places) {
    for (let word = first; word < first + words; word++) {
      expect([word, owners.get(word) ?? name]).toEqual([word, name]);
      owners.set(word, name);
    }
  }
  expect(Math.max(...owners.keys())).toBeLessThan(HEADER_BYTES / 4);
});
