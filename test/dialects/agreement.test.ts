import { expect, test } from "vitest";
import { agreementOf } from "../../src/dialects/agreement.ts";
import { isRefusalReason, saysRefusal } from "../../src/dialects/refusal.ts";

test.each([
  ["the same words", "The same words!", 1],
  ["a b c d", "a b", 2 / 3],
  // Words count as often as they stand there.
  ["a a b", "a b b", 2 / 3],
  ["one", "two", 0],
  ["", "", 1],
  ["", "word", 0],
  ["東京です", "東京でした", 6 / 9],
])("%j and %j agree by %d", (one, other, agreement) => {
  expect(agreementOf(one, other)).toBeCloseTo(agreement, 10);
  expect(agreementOf(other, one)).toBeCloseTo(agreement, 10);
});

test.each([
  ['{"message":{"content":null,"refusal":"No."}}', true],
  ['{"message":{"content":"a","refusal" : "No."}}', true],
  ['{"message":{"content":"a","refusal":null}}', false],
  ['{"message":{"content":"a","refusal":""}}', false],
  ['{"content":[{"type":"refusal","refusal":"No."}]}', true],
  ['{"message":{"content":"say \\"refusal\\": \\"No.\\""}}', false],
  ['{"type":"response.refusal.delta","delta":"N"}', true],
  ["{}", false],
])("%s says a refusal: %s", (json, is_refusal) => {
  expect(saysRefusal(Buffer.from(json))).toBe(is_refusal);
});

test("reasons of providers' filters are refusals", () => {
  expect(["refusal", "content_filter", "SAFETY"].every(isRefusalReason)).toBe(true);
  expect(["stop", "length", null].some(isRefusalReason)).toBe(false);
});
