import { describe, expect, test } from "vitest";
import { JsonArraySplitter } from "../../src/wire/json_array.ts";
import { seededRandom } from "./json.cases.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Split {
  readonly elements: readonly string[];
  readonly ended: boolean;
  readonly failed: boolean;
}

function split(chunks: readonly Uint8Array[], limit_bytes = 1 << 20): Split {
  const elements: string[] = [];
  const splitter = new JsonArraySplitter(limit_bytes, (element) => elements.push(decoder.decode(element)));
  for (const chunk of chunks) {
    splitter.feed(chunk);
    expect(splitter.held_bytes).toBeLessThanOrEqual(limit_bytes);
  }
  return { elements, ended: splitter.ended, failed: splitter.failed };
}

function cutAt(bytes: Uint8Array, at: number): Uint8Array[] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** What a JSON value of any shape is, from a source of chance. */
function randomValue(random: () => number, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 7 : 5));
  if (kind === 0) return Math.floor(random() * 1e6) - 5e5;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return null;
  if (kind < 5) {
    const letters = '"\\[]{},: \né😀a';
    return Array.from(
      { length: Math.floor(random() * 6) },
      () => [...letters][Math.floor(random() * 14)],
    ).join("");
  }
  const items = Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth - 1));
  return kind === 5 ? items : Object.fromEntries(items.map((item, index) => [`k"${index}`, item]));
}

describe("a JSON array in pieces", () => {
  test("gives each element as soon as it is there", () => {
    const elements: string[] = [];
    const splitter = new JsonArraySplitter(100, (element) => elements.push(decoder.decode(element)));
    splitter.feed(encoder.encode('[{"a":1}'));
    expect(elements).toEqual(['{"a":1}']);
    splitter.feed(encoder.encode("\r\n,"));
    splitter.feed(encoder.encode('{"b":"]}'));
    expect(elements).toHaveLength(1);
    splitter.feed(encoder.encode('"}'));
    expect(elements).toEqual(['{"a":1}', '{"b":"]}"}']);
    expect(splitter.ended).toBe(false);
    splitter.feed(encoder.encode("\n]\n"));
    expect(splitter.ended).toBe(true);
  });

  test("an empty array ends without an element; an object is one element", () => {
    expect(split([encoder.encode(" [ ] ")])).toEqual({ elements: [], ended: true, failed: false });
    expect(split([encoder.encode('\n{"error":{}}\n')])).toEqual({
      ...{ elements: ['{"error":{}}'], ended: true, failed: false },
    });
  });

  test("what is no array is a fault", () => {
    for (const text of ["data: {}", "[,]", "[1,]", "[1 2]", "[{}{}]", "[] []", '{"a":1}{', "5", "[}"]) {
      const { ended, failed } = split([encoder.encode(text)]);
      // A bracket that closes nothing is a scalar to whoever does not parse: it never ends well.
      expect([text, ended], text).toEqual([text, false]);
      if (text !== "[}") expect([text, failed]).toEqual([text, true]);
    }
  });

  test("an element over the limit is a fault, in one piece or in many", () => {
    const long = encoder.encode(`[{"a":1},{"b":"${"x".repeat(100)}"},{"c":1}]`);
    expect(split([long], 50)).toEqual({ elements: ['{"a":1}'], ended: false, failed: true });
    const pieces = Array.from(long, (byte) => Uint8Array.of(byte));
    expect(split(pieces, 50)).toEqual({ elements: ['{"a":1}'], ended: false, failed: true });
  });

  test("random arrays come out the same wherever they are cut", () => {
    const random = seededRandom(11);
    for (let round = 0; round < 150; round++) {
      const values = Array.from({ length: Math.floor(random() * 5) }, () => randomValue(random, 3));
      const bytes = encoder.encode(JSON.stringify(values, null, round % 3));
      for (let at = 0; at <= bytes.length; at++) {
        const { elements, ended } = split(cutAt(bytes, at));
        expect(ended).toBe(true);
        expect(elements.map((element) => JSON.parse(element) as unknown)).toEqual(values);
      }
      expect(split(Array.from(bytes, (byte) => Uint8Array.of(byte))).elements).toHaveLength(values.length);
    }
  });

  test("random bytes never throw, and how they are cut changes nothing", () => {
    const random = seededRandom(5);
    const telling = '[[[{{}}]],,"\\: \n1tx';
    for (let round = 0; round < 3000; round++) {
      const text = Array.from(
        { length: Math.floor(random() * 24) },
        () => telling[Math.floor(random() * 19)],
      );
      const bytes = encoder.encode(`[${text.join("")}`);
      const whole = split([bytes], 16);
      for (let at = 1; at < bytes.length; at++) expect(split(cutAt(bytes, at), 16)).toEqual(whole);
    }
  });

  test("an element that drips in costs linear time", () => {
    const bytes = encoder.encode(`[{"a":"${"y".repeat(400_000)}"}]`);
    const started = performance.now();
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) =>
      bytes.subarray(7 * n, 7 * n + 7),
    );
    expect(split(pieces).elements).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
