// Recognisers from the configuration: they find what their pattern, checksum and context say, and their examples hold them to it.

import { describe, expect, test } from "vitest";
import type { CustomRecogniser } from "../../../src/privacy/recognisers/custom.ts";
import { checkCustom } from "../../../src/privacy/recognisers/custom_check.ts";
import { makeRecogniser } from "../../../src/privacy/recognisers/recognisers.ts";

const EMPLOYEE: CustomRecogniser = { name: "EMPLOYEE_ID", pattern: "\\bE-[0-9]{6}\\b" };

function found(custom: readonly CustomRecogniser[], text: string): string[] {
  return makeRecogniser({ custom })(text).map(
    ({ entity, start, end }) => `${entity} ${text.slice(start, end)}`,
  );
}

describe("a custom recogniser", () => {
  test("finds its pattern beside what is built in", () => {
    expect(found([EMPLOYEE], "E-123456 wrote to ada@example.com, not XE-1234567")).toEqual([
      "EMPLOYEE_ID E-123456",
      "EMAIL ada@example.com",
    ]);
  });

  test("is found although the entities that are asked for do not name it", () => {
    const recognise = makeRecogniser({ entities: ["IBAN"], custom: [EMPLOYEE] });
    expect(recognise("E-123456 ada@example.com").map(({ entity }) => entity)).toEqual(["EMPLOYEE_ID"]);
  });

  test("leaves what fails its checksum", () => {
    const imei: CustomRecogniser = {
      name: "IMEI",
      pattern: "[0-9]{2}-[0-9]{6}-[0-9]{6}-[0-9]",
      checksum: "luhn",
    };
    expect(found([imei], "49-015420-323751-8 and 49-015420-323751-9")).toEqual(["IMEI 49-015420-323751-8"]);
  });

  test("needs one of its words near, before or behind", () => {
    const badge: CustomRecogniser = { name: "BADGE", pattern: "[0-9]{4}", context: ["badge", "Ausweis"] };
    expect(found([badge], "his badge: 4711")).toEqual(["BADGE 4711"]);
    expect(found([badge], "4711 (Ausweis)")).toEqual(["BADGE 4711"]);
    expect(found([badge], "room 4711")).toEqual([]);
    expect(found([badge], "badges cost 4711")).toEqual([]);
  });

  test("finds values wherever they stand in a long text", () => {
    for (const before of [0, 15_000, 15_355, 16_380, 31_000, 100_000]) {
      const text = `${"x ".repeat(before / 2)}E-123456${" y".repeat(20_000)} E-654321`;
      expect(found([EMPLOYEE], text)).toEqual(["EMPLOYEE_ID E-123456", "EMPLOYEE_ID E-654321"]);
    }
  });

  test("finds nothing in halves of words that its windows cut", () => {
    for (let before = 15_330; before < 15_370; before++) {
      expect(found([EMPLOYEE], `${"x".repeat(before)}E-123456 ${"y ".repeat(5_000)}`)).toEqual([]);
    }
    for (let before = 16_370; before < 16_390; before++) {
      expect(found([EMPLOYEE], `${" ".repeat(before)}E-1234567 ${"y ".repeat(5_000)}`)).toEqual([]);
    }
  });

  test("finds nothing where its pattern matches nothing", () => {
    expect(found([{ name: "DIGITS", pattern: "[0-9]*" }], "a1b")).toEqual(["DIGITS 1"]);
  });

  test("is quick over what makes other engines go back for ever", () => {
    const evil: CustomRecogniser = { name: "EVIL", pattern: "(a+)+b" };
    const start = performance.now();
    expect(found([evil], "a".repeat(50_000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("wins over the built-in ones where it is surer", () => {
    const card: CustomRecogniser = { name: "TEST_CARD", pattern: "4556917400297557", score: 1 };
    expect(found([card], "card 4556917400297557")).toEqual(["TEST_CARD 4556917400297557"]);
  });
});

describe("the check of a custom recogniser", () => {
  test.each<[string, Partial<CustomRecogniser>, string | null]>([
    ["nothing wrong", {}, null],
    ["its examples", { examples: ["id E-123456"], counterexamples: ["id 123456"] }, null],
    ["an example that is not found", { examples: ["E-123456", "E-12"] }, "it finds nothing in example 2"],
    [
      "a counterexample that is found",
      { counterexamples: ["E-123456"] },
      "it finds something in counterexample 1",
    ],
    [
      "a name in small letters",
      { name: "employee" },
      "the name must be of capitals, digits and _, and at most 40 characters",
    ],
    ["a name of what is built in", { name: "EMAIL" }, "EMAIL is built in; another name is needed"],
  ])("tells %s", (_, change, fault) => {
    expect(checkCustom({ ...EMPLOYEE, ...change })).toBe(fault);
  });

  test("tells a pattern that RE2 does not know", () => {
    expect(checkCustom({ ...EMPLOYEE, pattern: "(?=a)" })).toMatch(/^the pattern is not valid: /);
    expect(checkCustom({ ...EMPLOYEE, pattern: "(" })).toMatch(/^the pattern is not valid: /);
  });
});
