import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { bytesOfCard, cardOfBytes } from "../../../src/cache/exact/card.ts";
import { bytesOfEntry, entryOfBytes } from "../../../src/cache/exact/entry_bytes.ts";
import { openEnvironment } from "../../../src/cache/exact/environment.ts";
import { randomIntegers } from "../../memory/random.ts";
import { makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { makeData, openCache, openKeeper } from "./opened.ts";
import { seen } from "./seen.ts";

const key = makeKey(1).bytes;

describe("the bytes of an entry", () => {
  test("are an entry only under their key, and only as long as none of them is another", () => {
    const random = randomIntegers(3);
    const entry = makeEntry({ tags: ["team=a"], body: Buffer.alloc(700, "answer ") });
    const bytes = bytesOfEntry(key, entry);
    expect(entryOfBytes(key, bytes, bytes.length)).toMatchObject({ model: "fast", tags: ["team=a"] });
    expect(entryOfBytes(makeKey(2).bytes, bytes, bytes.length)).toBeNull();
    for (let at = 0; at < bytes.length; at++) {
      const wrong = Buffer.from(bytes);
      wrong[at]! ^= 1 << random(8);
      expect(entryOfBytes(key, wrong, wrong.length)).toBeNull();
      expect(entryOfBytes(key, bytes, at)).toBeNull();
    }
  });

  test("are none where they are garbage, whatever it is", () => {
    const random = randomIntegers(4);
    for (let round = 0; round < 3_000; round++) {
      const bytes = Buffer.from(Array.from({ length: random(80) }, () => random(256)));
      expect(entryOfBytes(key, bytes, bytes.length)).toBeNull();
    }
  });

  test("lie behind each other in what is read, and only the first ones count", () => {
    const bytes = bytesOfEntry(key, makeEntry());
    const longer = Buffer.concat([bytes, Buffer.alloc(10_000, 7)]);
    expect(entryOfBytes(key, longer, bytes.length)).not.toBeNull();
  });
});

describe("the card of an entry", () => {
  test("says what is needed to remove it", () => {
    const card = cardOfBytes(bytesOfCard(makeEntry({ tags: ["beta"] }), 1_000, 50));
    expect(card).toEqual({
      bytes: 1_100,
      created_s: NOW_MS / 1000,
      model: "fast",
      served_by: "openai/gpt-4o-mini",
      tags: ["beta"],
    });
  });

  test("is none where it is anything else", () => {
    const random = randomIntegers(5);
    const { pack } = new Packr({ useRecords: false });
    const packed = [
      null,
      1,
      "text",
      [],
      [2, 1, 1, "", "", []],
      [1, 1, 1, "", "", [1]],
      [1, "1", 1, "", "", []],
    ];
    for (const value of packed) expect(cardOfBytes(pack(value))).toBeNull();
    for (let round = 0; round < 3_000; round++) {
      cardOfBytes(Buffer.from(Array.from({ length: random(40) }, () => random(256))));
    }
  });
});

test("what others wrote into the store is no answer, and can be removed", async () => {
  const data = makeData();
  const environment = openEnvironment(data, SIZE_BYTES);
  if ("fault" in environment) throw new Error(environment.fault);
  const { cache, faults } = openCache(data);
  const values = ["", "x", "\0\0\0\0\0", "\u0001{}", "a".repeat(5_000)].map((text) => Buffer.from(text));
  await environment.root.batch(() => {
    for (const [number, value] of values.entries()) {
      environment.answers.put(makeKey(number).bytes, value);
      environment.cards.put(makeKey(number).bytes, value, NOW_MS + 1);
      environment.used.put(makeKey(number).bytes, value);
      environment.blocked.put(makeKey(number).bytes, value, NOW_MS + 1);
    }
  });
  await seen(cache);
  for (const number of values.keys()) {
    expect(cache.get(makeKey(number), NOW_MS)).toBeNull();
    expect(cache.isBlocked(makeKey(number), NOW_MS)).toBe(true);
  }
  const { keeper, lines } = openKeeper(data, 4096);
  await keeper.tidy(NOW_MS);
  await seen(cache);
  expect(cache.stats().entries).toBe(values.length);
  await keeper.evict();
  await seen(cache);
  expect(cache.stats().entries).toBe(0);
  expect([...faults, ...lines]).toEqual([]);
});
