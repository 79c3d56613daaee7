// What holds for any text: findings are in order and apart, nothing throws, time is linear; and what the options change.

import { describe, expect, test } from "vitest";
import type { Recognise } from "../../../src/privacy/entity.ts";
import { makeRecogniser, RECOGNISED } from "../../../src/privacy/recognisers/recognisers.ts";
import { randomIntegers } from "../../memory/random.ts";
import { textOfPieces, VALUES } from "./pieces.ts";
import { TOLD_BY_CONTEXT, TOLD_BY_THEMSELVES } from "./values.cases.ts";

const recognise = makeRecogniser();

function expectApart(text: string, found: ReturnType<Recognise>): void {
  let end = 0;
  for (const finding of found) {
    expect(finding.start).toBeGreaterThanOrEqual(end);
    expect(finding.end).toBeGreaterThan(finding.start);
    expect(finding.score).toBeGreaterThan(0);
    expect(finding.score).toBeLessThanOrEqual(1);
    end = finding.end;
  }
  expect(end).toBeLessThanOrEqual(text.length);
}

describe("in any text", () => {
  test("findings are in order, apart and inside", () => {
    const random = randomIntegers(6);
    for (let round = 0; round < 2_000; round++) {
      const text = textOfPieces(random, 40);
      expectApart(text, recognise(text));
    }
  });

  test("any UTF-16 units are read without a fault, halves of characters too", () => {
    const random = randomIntegers(7);
    for (let round = 0; round < 300; round++) {
      const units = Array.from({ length: random(300) }, () => random(random(2) === 0 ? 0x80 : 0x10000));
      const text = String.fromCharCode(...units);
      expectApart(text, recognise(text));
    }
  });

  test("a value is found wherever a text is cut around it", () => {
    const text = "Send 4556 9174 0029 7557 to ada@example.com or +1 212-555-2368 by noon.";
    const whole = recognise(text).map(({ start, end, entity }) => `${entity} ${text.slice(start, end)}`);
    expect(whole).toHaveLength(3);
    for (let cut = 1; cut < text.length; cut++) expectApart(text.slice(cut), recognise(text.slice(cut)));
  });

  test("the same text gives the same findings, whatever was read between", () => {
    const first = recognise(VALUES.join("\n"));
    recognise("9".repeat(1000));
    recognise("１２３");
    expect(recognise(VALUES.join("\n"))).toEqual(first);
  });
});

/** Texts that make searches slow that go back, or that look from each place to the end. */
const SLOW = [
  "a@",
  "a@a.",
  "@",
  "1",
  "1 ",
  "12-",
  "1.",
  "(1",
  "+1 ",
  "00 ",
  "[",
  "::",
  "ab:cd:",
  "sk-",
  "x1-",
  "a1",
  "A1-",
  "AB12 3",
  "=",
  "password=",
  'password="',
  "://a:b@",
  "%40",
  "eyJ.",
  `${"eyJhbGciOiJub25lIn0"}.`,
  "-----BEGIN PRIVATE KEY-----",
  "-----BEGIN ",
  "+19056743793 ",
  "Main St 5 ",
  "5 Main ",
  "1 Rue de ",
  "born 5 March ",
  "4111 1111 1111 1111 ",
  "phone phone ",
  "é1",
  "１",
  "AAAA+/",
  "\\n1",
];

/** Characters that are looked at while a text is read, one by one or in parts: unlike time, the same on every machine. */
function work(text: string): number {
  const { charCodeAt, slice } = String.prototype;
  let looked = 0;
  String.prototype.charCodeAt = function (at) {
    looked++;
    return charCodeAt.call(this, at);
  };
  String.prototype.slice = function (...range) {
    const part = slice.apply(this, range);
    looked += part.length;
    return part;
  };
  try {
    recognise(text);
  } finally {
    Object.assign(String.prototype, { charCodeAt, slice });
  }
  return looked;
}

const SMALL_CHARS = 8 * 1024;
const GROWTH = 16;
/** What one character may cost at most: looking at the words around each number costs a hundred. */
const WORK_MAX = 400;

test.each(SLOW)("work is linear over %j, again and again", (piece) => {
  const text = (chars: number) => piece.repeat(Math.ceil(chars / piece.length)).slice(0, chars);
  const small = work(text(SMALL_CHARS));
  expect(small).toBeGreaterThanOrEqual(SMALL_CHARS);
  expect(small / SMALL_CHARS).toBeLessThan(WORK_MAX);
  expect(work(text(SMALL_CHARS * GROWTH)) / small).toBeLessThan(GROWTH * 1.2);
});

describe("the options", () => {
  const text = "ada@example.com, 212-555-2368, 536-22-1847";
  const entities = (found: ReturnType<Recognise>) => found.map(({ entity }) => entity);

  test("entities that are not asked for are not found", () => {
    expect(entities(recognise(text))).toEqual(["EMAIL", "PHONE", "US_SSN"]);
    expect(entities(makeRecogniser({ entities: ["EMAIL"] })(text))).toEqual(["EMAIL"]);
    expect(entities(makeRecogniser({ entities: [] })(text))).toEqual([]);
  });

  test.each(RECOGNISED)("%s is found when it alone is asked for", (entity) => {
    const alone = makeRecogniser({ entities: [entity] });
    const of_themselves = TOLD_BY_THEMSELVES.find(([named]) => named === entity)?.[1] ?? [];
    const texts = [
      ...of_themselves,
      ...TOLD_BY_CONTEXT.filter((row) => row[1] === entity).map(([row]) => row),
    ];
    for (const each of texts) expect(entities(alone(each)), each).toContain(entity);
  });

  test("entities of a model are left to it", () => {
    expect(entities(makeRecogniser({ entities: ["PERSON", "EMAIL"] })(text))).toEqual(["EMAIL"]);
  });

  test("a threshold says from how sure on a finding counts", () => {
    const number = "The number is 4289633927.";
    expect(entities(recognise(number))).toEqual([]);
    expect(entities(makeRecogniser({ thresholds: { UK_NHS: 0.2 } })(number))).toEqual(["UK_NHS"]);
    expect(entities(makeRecogniser({ thresholds: { PHONE: 0.9 } })(text))).toEqual(["EMAIL", "US_SSN"]);
  });
});
