import { describe, expect, test } from "vitest";
import { meanLogprob } from "../../src/dialects/confidence.ts";
import { looksRefused } from "../../src/dialects/refusal.ts";

describe("a refusal", () => {
  test.each([
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "Sorry, I cannot provide instructions for that.",
    "I can't help you with this.",
    "Unfortunately, I am not able to do this.",
    "As an AI language model, I cannot do that.",
    "I must decline this request.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Je suis désolé, mais je ne peux pas répondre à cette demande.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Mi dispiace, ma non posso aiutarti con questo.",
    "抱歉，我无法提供这方面的帮助。",
    "申し訳ありませんが、お手伝いできません。",
  ])("is %s", (text) => {
    expect(looksRefused(text)).toBe(true);
  });

  test.each([
    "I'm sorry to hear that you are unwell. Here is what may help.",
    "Sorry for the delay! The answer is 42.",
    "I can help with that: first, open the settings.",
    "But soft, what light through yonder window breaks?",
    "However you slice it, the sum is 10.",
    "The model said: I can't help with that.",
    "Mais oui, bien sûr.",
    "Unfortunately it rained.",
    "",
    `I can't help with part of this, but here is the rest: ${"a detailed answer ".repeat(80)}`,
  ])("is not %s", (text) => {
    expect(looksRefused(text)).toBe(false);
  });
});

describe("the mean log probability of an answer", () => {
  test("is that of its tokens, and of the least sure of its choices", () => {
    const choice = (...logprobs: number[]) => ({
      logprobs: { content: logprobs.map((logprob) => ({ token: "a", logprob })) },
    });
    expect(meanLogprob({ choices: [choice(-1, -2)] })).toBe(-1.5);
    expect(meanLogprob({ choices: [choice(-1), choice(-3, -1)] })).toBe(-2);
  });

  test("is read in Responses and Gemini's answers too", () => {
    const logprobs = [{ token: "a", logprob: -0.5 }];
    expect(meanLogprob({ output: [{ content: [{ type: "output_text", logprobs }] }] })).toBe(-0.5);
    expect(meanLogprob({ candidates: [{ avgLogprobs: -0.25 }] })).toBe(-0.25);
  });

  test("is not known where an answer has none", () => {
    expect(meanLogprob({ choices: [{ logprobs: null }, { logprobs: { content: [] } }, 7] })).toBeNull();
    expect(meanLogprob({ content: [{ type: "text", text: "a" }] })).toBeNull();
  });
});
