// What guards of answers know of a configuration: its own kinds, and names. Pieces make no difference.

import { describe, expect, test } from "vitest";
import { loadBuiltinNer } from "../../../../src/inference/ner/ner.ts";
import type { GuardAction } from "../../../../src/privacy/guards/guard.ts";
import { AnswerGuard } from "../../../../src/privacy/guards/output/answer_guard.ts";
import type { FindNames } from "../../../../src/privacy/guards/output/names.ts";
import {
  askedIn,
  makeTextGuards,
  mayMatchBlanks,
  type PersonalKnowledge,
} from "../../../../src/privacy/guards/output/text_guards.ts";
import type { CustomRecogniser } from "../../../../src/privacy/recognisers/custom.ts";

const ner = loadBuiltinNer();
if ("fault" in ner) throw new Error(ner.fault);
const findNames: FindNames = (text) => ner.find(text, 0.5);

const CUSTOM: readonly CustomRecogniser[] = [
  { name: "STAFF_NUMBER", pattern: "ACME-[0-9]{6}" },
  { name: "CASE_NAME", pattern: "(?i)case [a-z]+ of [a-z]+" },
  { name: "BADGE", pattern: "[A-Z]{4}", context: ["badge"] },
];

interface Options {
  readonly entities?: readonly string[] | null;
  readonly action?: GuardAction;
  readonly request?: string;
  readonly knowledge?: Partial<PersonalKnowledge>;
}

function guardOf(
  { entities = null, action = "redact", request = "{}", knowledge = {} }: Options,
  said: string[] = [],
) {
  const guards = makeTextGuards(
    { guard: "personal_data", action, entities },
    { custom: CUSTOM, findNames, ...knowledge },
  );
  return new AnswerGuard(guards, askedIn(Buffer.from(request)), ({ guard, action }) =>
    said.push(`${guard} ${action}`),
  );
}

function streamed(text: string, options: Options, size: number): { text: string; held: number } {
  const growing = guardOf(options).begin();
  let given = "";
  let held = 0;
  for (let at = 0; at < text.length; at += size) {
    given += growing.push(text.slice(at, at + size));
    held = Math.max(held, growing.held_chars);
  }
  return { text: given + growing.end(), held };
}

function sameInPieces(text: string, options: Options, expected: string): void {
  expect(guardOf(options).judge(text)).toBe(expected);
  for (const size of [1, 2, 3, 7, 20, 1_000]) {
    const { text: given, held } = streamed(text, options, size);
    expect(given, `${size} at a time`).toBe(expected);
    expect(held).toBeLessThanOrEqual(256 + 128 + size);
  }
}

describe("the configuration's own kinds", () => {
  test.each([
    ["Your number is ACME-123456, is it not?", "Your number is [STAFF_NUMBER], is it not?"],
    ["It was the Case Nightjar of Kent that we lost.", "It was the [CASE_NAME] that we lost."],
    ["case nightjar of kent", "[CASE_NAME]"],
    ["Show your badge WXYZ at the door.", "Show your badge [BADGE] at the door."],
    ["WXYZ is what your badge says.", "[BADGE] is what your badge says."],
    ["There is WXYZ at the door, and nothing else that one could say of it.", null],
    ['{"note":"ACME-123456","list":["case a of b"]}', '{"note":"[STAFF_NUMBER]","list":["[CASE_NAME]"]}'],
    ["Write to ann@evil.test about ACME-123456.", "Write to [EMAIL] about [STAFF_NUMBER]."],
  ])("%s", (text, expected) => {
    sameInPieces(text, {}, expected ?? text);
  });

  test("are those that the guard names, and not what the request has", () => {
    const text = "ACME-123456 is about case nightjar of kent.";
    expect(guardOf({ entities: ["EMAIL", "CASE_NAME"] }).judge(text)).toBe(
      "ACME-123456 is about [CASE_NAME].",
    );
    expect(guardOf({ entities: ["EMAIL"] }).judge(text)).toBe(text);
    const request = JSON.stringify({ messages: [{ content: "What is acme 123456?" }] });
    expect(guardOf({ request }).judge(text)).toBe("ACME-123456 is about [CASE_NAME].");
  });

  test.each([
    ["ACME-[0-9]{6}", false],
    ["[A-Z]{2}\\d{4}", false],
    ["a\\.b\\-c", false],
    ["\\S+x", false],
    ["a b", true],
    ["a.b", true],
    ["a\\sb", true],
    ["[^0-9]+", true],
    ["[[:space:]]", true],
    ["[ -~]+", true],
    ["\\x20", true],
    ["\\pL+", true],
  ])("may have blanks: %s %s", (pattern, may) => {
    expect(mayMatchBlanks(pattern)).toBe(may);
  });
});

describe("names", () => {
  const entities = ["PERSON", "LOCATION"];

  test.each([
    ["You should ask Barbara Johnson about it. She knows.", "You should ask [PERSON] about it. She knows."],
    ["My name is Olga Novak.\nI live in Chicago.", "My name is [PERSON].\nI live in [LOCATION]."],
    ["Nobody is named in this sentence. Nor in this one.", null],
    ["He met Barbara Johnson", "He met [PERSON]"],
  ])("%s", (text, expected) => {
    sameInPieces(text, { entities }, expected ?? text);
  });

  test("are not those that the request has", () => {
    const request = JSON.stringify({ messages: [{ content: "Who is barbara johnson?" }] });
    const text = "Barbara Johnson is married to Peter Schmidt, they say.";
    sameInPieces(text, { entities, request }, "Barbara Johnson is married to [PERSON], they say.");
  });

  test("are looked for where the guard names them, in little more than each sentence", () => {
    let looked = 0;
    const knowledge = {
      findNames: (text: string) => {
        looked += text.length;
        expect(text.length).toBeLessThanOrEqual(700);
        return findNames(text);
      },
    };
    const text = "We talked about this and that with each other. ".repeat(40);
    expect(streamed(text, { knowledge }, 4).text).toBe(text);
    expect(looked).toBe(0);
    expect(streamed(text, { entities, knowledge }, 4).text).toBe(text);
    expect(looked).toBeLessThan(12 * text.length);
    looked = 0;
    const endless = "and we talked about this and that with each other ".repeat(40);
    const { text: given, held } = streamed(endless, { entities, knowledge }, 4);
    expect(given).toBe(endless);
    expect(held).toBeLessThan(256);
    expect(looked).toBeLessThan(12 * endless.length);
  });

  test("that cannot be looked for let nothing pass where they would be taken out or blocked", () => {
    const knowledge = { findNames: () => null };
    for (const action of ["redact", "block"] as const) {
      const guard = guardOf({ entities, action, knowledge });
      expect([guard.judge("My name is Olga Novak."), guard.is_blocked]).toEqual(["", true]);
    }
    const guard = guardOf({ entities, action: "flag", knowledge });
    expect([guard.judge("My name is Olga Novak."), guard.is_blocked]).toEqual([
      "My name is Olga Novak.",
      false,
    ]);
  });

  test("end a stream where they are blocked, and are told of", () => {
    const said: string[] = [];
    const guard = guardOf({ entities, action: "block" }, said);
    const growing = guard.begin();
    const given = growing.push("All is well. You should ask Barbara Johnson about it. ") + growing.end();
    expect(given).toMatch(/^All is well\./);
    expect(given).not.toContain("Barbara");
    expect([guard.is_blocked, said[0]]).toEqual([true, "personal_data block"]);
  });
});
