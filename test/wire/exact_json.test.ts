// JSON that is written again as it was read, numbers and all.

import { expect, test } from "vitest";
import { isExactNumber, parseExact } from "../../src/wire/exact_json.ts";

test.each([
  '{"n":9007199254740993}',
  "[12345678901234567890123,1e999,-1e-999,0.12345678901234567890]",
  '{"__proto__":{"n":12345678901234567890},"a":[]}',
  '{"text":"\\ud83d 12345678901234567890"}',
  '[1,0.5,-3,true,null,""]',
])("%s is the same again", (text) => {
  expect(JSON.stringify(parseExact(Buffer.from(text)))).toBe(text);
});

test("a number that a double holds is one", () => {
  const value = parseExact(Buffer.from("[1,9007199254740993]"));
  expect(Array.isArray(value) && value.map(isExactNumber)).toEqual([false, true]);
  expect(Array.isArray(value) && value[0]).toBe(1);
});

test.each(["", "{", "nul", '{"n":12345678901234567890', "\u0000"])("%j is no JSON", (text) => {
  expect(parseExact(Buffer.from(text))).toBe(undefined);
});

test("what nests too deep is nothing", () => {
  const nested = (depth: number) => Buffer.from(`${"[".repeat(depth)}"[[["${"]".repeat(depth)}`);
  expect(JSON.stringify(parseExact(nested(1024)))).toBe(nested(1024).toString());
  expect(parseExact(nested(1025))).toBe(undefined);
  expect(parseExact(nested(1e6))).toBe(undefined);
});
