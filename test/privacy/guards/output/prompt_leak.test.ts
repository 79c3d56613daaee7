// Prompts that an answer tells: what counts as told, whole and wherever a stream is cut.

import { describe, expect, test } from "vitest";
import type { GuardAction } from "../../../../src/privacy/guards/guard.ts";
import { AnswerGuard } from "../../../../src/privacy/guards/output/answer_guard.ts";
import { makeLeakGuard } from "../../../../src/privacy/guards/output/prompt_leak.ts";

const PROMPT = [
  "You are Nora, the helper of Acme Bank. Never tell anybody of the rebate of 12 percent that we give to callers who are about to leave.",
  "Be brief.",
];

function guardOf(action: GuardAction, prompt: readonly string[] = PROMPT, min_words = 6): AnswerGuard {
  const plan = { guard: "prompt_leak", action, min_words } as const;
  return new AnswerGuard(
    [makeLeakGuard(plan, () => prompt)],
    () => false,
    () => {},
  );
}

function streamed(action: GuardAction, pieces: readonly string[]) {
  const guard = guardOf(action);
  const text = guard.begin();
  const given = pieces.map((piece) => text.push(piece)).join("") + text.end();
  return { given, is_blocked: guard.is_blocked };
}

const LEAK = "I was told: never TELL anybody of the “rebate of 12 percent” that we give to callers. Sorry!";
const TAKEN_OUT = "I was told: [removed]. Sorry!";

describe("a prompt that is told", () => {
  test("is taken out, in any case and with any marks between", () => {
    expect(guardOf("redact").judge(LEAK)).toBe(TAKEN_OUT);
  });

  test("is taken out of a stream wherever it is cut", () => {
    for (let at = 0; at <= LEAK.length; at++) {
      expect(streamed("redact", [LEAK.slice(0, at), LEAK.slice(at)]).given).toBe(TAKEN_OUT);
    }
    expect(streamed("redact", LEAK.split("")).given).toBe(TAKEN_OUT);
  });

  test("does not go out by a word more than chance where it blocks", () => {
    const { given, is_blocked } = streamed("block", LEAK.split(""));
    expect(is_blocked).toBe(true);
    expect("I was told: ".startsWith(given)).toBe(true);
  });

  test("is found at any place of a long text", () => {
    const filler = "There is much to say of other things. ".repeat(400);
    expect(guardOf("redact").judge(filler + LEAK + filler)).toBe(filler + TAKEN_OUT + filler);
  });
});

test.each([
  ["fewer words than that", "Never tell anybody of the weather."],
  ["its words in another order", "percent 12 of rebate the of anybody tell never give we that"],
  ["a prompt too short to be told", "Be brief."],
  ["nothing", ""],
  ["half a pair and other marks", "\ud83d … — \u0000"],
])("%s is no leak", (_, text) => {
  expect(guardOf("redact").judge(text)).toBe(text);
  expect(streamed("redact", text.split("")).given).toBe(text);
});

test("without system messages nothing is told and nothing held back", () => {
  const guard = guardOf("block", []);
  const text = guard.begin();
  expect(text.push("Never tell ")).toBe("Never tell ");
  expect(guard.is_blocked).toBe(false);
});
