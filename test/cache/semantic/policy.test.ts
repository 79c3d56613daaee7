import { describe, expect, test } from "vitest";
import { compareAnswers } from "../../../src/cache/semantic/answers.ts";
import {
  type Candidate,
  chooseHit,
  type HitSettings,
  thresholdOf,
} from "../../../src/cache/semantic/policy.ts";
import { Reliability } from "../../../src/cache/semantic/reliability.ts";
import { randomIntegers } from "../../memory/random.ts";

const settings: HitSettings = {
  threshold: 0.9,
  caller_threshold: null,
  max_error: null,
  reliability: new Reliability(),
};

function candidate(
  text: string,
  similarity: number,
  observations: Candidate["observations"] = [],
): Candidate {
  return { id: Buffer.from(text), text, similarity, observations };
}

const never = (): number => 0.999_999;

describe("the choice among candidates", () => {
  test("is the most similar one that the guard lets pass", () => {
    const off = candidate("turn off the lights", 0.98);
    const on = candidate("please turn the lights on", 0.95);
    expect(chooseHit("turn on the lights", [off, on], settings, never)).toEqual({
      kind: "serve",
      candidate: on,
    });
  });

  test("says why there is none", () => {
    const asked = "turn on the lights";
    expect(chooseHit(asked, [], settings, never)).toEqual({ kind: "none", reason: "far" });
    expect(chooseHit(asked, [candidate(asked, 0.89)], settings, never)).toEqual({
      kind: "none",
      reason: "far",
    });
    expect(chooseHit(asked, [candidate("turn off the lights", 0.99)], settings, never)).toEqual({
      kind: "none",
      reason: "guarded",
    });
  });

  test("explores where an error is asked for and nothing is known", () => {
    const kept = candidate("turn the lights on", 0.95);
    expect(chooseHit("turn on the lights", [kept], { ...settings, max_error: 0.01 }, never)).toEqual({
      kind: "explore",
      candidate: kept,
      others: [],
    });
  });

  test("an exploration judges others that passed the guard, but not all", () => {
    const kept = Array.from({ length: 8 }, (_, i) =>
      candidate(`turn the lights on${"!".repeat(i)}`, 0.99 - i / 100),
    );
    const off = candidate("turn the lights off", 0.98);
    const choice = chooseHit(
      "turn on the lights",
      [kept[0]!, off, ...kept.slice(1)],
      { ...settings, max_error: 0.01 },
      never,
    );
    expect(choice).toEqual({ kind: "explore", candidate: kept[0], others: kept.slice(1, 4) });
  });

  test("a caller raises the threshold and never lowers it", () => {
    const integers = randomIntegers(3);
    for (let i = 0; i < 2000; i += 1) {
      const threshold = integers(1001) / 1000;
      const odd = [Number.NaN, -1, Number.NEGATIVE_INFINITY, null];
      const caller_threshold = integers(4) === 0 ? odd[integers(4)]! : integers(1001) / 1000;
      const similarity = integers(1001) / 1000;
      const given = { ...settings, threshold, caller_threshold };
      expect(thresholdOf(given)).toBeGreaterThanOrEqual(threshold);
      const choice = chooseHit("a text", [candidate("the text", similarity)], given, never);
      expect(choice.kind === "serve").toBe(
        similarity >= threshold && !(similarity < (caller_threshold ?? 0)),
      );
    }
  });

  test("what is no number is not similar", () => {
    expect(chooseHit("a", [candidate("a", Number.NaN)], settings, never).kind).toBe("none");
  });
});

describe("the comparison of answers", () => {
  test.each([
    ["Paris.", "paris"],
    ["The capital of France is Paris.", "Paris is the capital of France."],
    ["Yes.", "yes"],
    ["It costs $5.", "It costs 5 dollars"],
    ["You can't do that here.", "You cannot do that here"],
    ["", ""],
  ])("%s = %s", (one, other) => expect(compareAnswers(one, other) && compareAnswers(other, one)).toBe(true));

  test.each([
    ["Paris.", "London."],
    ["Yes.", "No."],
    ["Here it is.", "There you are."],
    ["It costs $5.", "It costs $6."],
    ["You can do that.", "You can't do that."],
    ["The light is on now.", "The light is off now."],
    ["It is 5 km away.", "It is 5 miles away."],
    ["Paris", ""],
    ["Your flight leaves on Monday.", "Your flight leaves on Tuesday."],
  ])("%s ≠ %s", (one, other) => expect(compareAnswers(one, other) || compareAnswers(other, one)).toBe(false));

  test("longer answers may differ in their wording", () => {
    const one = `To reset your password, open the settings page and choose "Security". Click "Reset password", enter your e-mail
      address and wait for the message with the link. Follow the link within 24 hours and enter a new password of at least 12 characters.
      If no message arrives, look into the spam folder or contact support.`;
    const other = `Open the settings page, choose "Security" and click "Reset password". Enter your e-mail address; a message with a link will
      arrive. Follow the link within 24 hours and choose a new password with at least 12 characters. If the message does not arrive, check your
      spam folder or contact support.`;
    const third = `To delete your account, open the profile page and choose "Privacy". Click "Delete account", confirm with your fingerprint and
      leave the page. Your pictures, comments and followers disappear after 30 days, during which you may return and restore everything by
      logging in once. Invoices are retained because the law demands it.`;
    expect(compareAnswers(one, other)).toBe(true);
    expect(compareAnswers(one, third)).toBe(false);
  });
});
