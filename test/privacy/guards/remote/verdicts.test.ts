// What is read of answers that come over the network: every good one, and a word on every bad one.

import { describe, expect, test } from "vitest";
import type { ModerationPlan } from "../../../../src/config/remote_guards.ts";
import { countCodePoints, placesOf } from "../../../../src/privacy/guards/remote/code_points.ts";
import { readModeration, writeModerations } from "../../../../src/privacy/guards/remote/moderation.ts";
import { cutSpans, type JudgedText } from "../../../../src/privacy/guards/remote/question.ts";
import { readWebhookVerdict, writeWebhookQuestion } from "../../../../src/privacy/guards/remote/webhook.ts";

const text = (said: string): JudgedText => ({ source: "user", text: said, given: 0 });
const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

/** Numbers that are the same each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("a webhook's answer", () => {
  const texts = [text("a 😀 falcon"), text("plain")];

  test("has its places in code points", () => {
    const verdict = readWebhookVerdict(
      bytes({
        action: "redact",
        spans: [
          { text: 1, start: 0, end: 5 },
          { text: 0, start: 4, end: 10, replacement: "" },
          { text: 0, start: 2, end: 3 },
        ],
      }),
      texts,
    );
    if ("fault" in verdict) throw new Error(verdict.fault);
    const cut = texts.map(({ text: said }, index) =>
      cutSpans(
        said,
        verdict.spans.filter((span) => span.text === index),
      ),
    );
    expect(cut).toEqual(["a [removed] ", "[removed]"]);
  });

  test("may have spans that overlap, which are one", () => {
    const span = (start: number, end: number, replacement: string) => ({ text: 1, start, end, replacement });
    const spans = [span(2, 4, "b"), span(0, 3, "a"), span(4, 5, "c")];
    expect(readWebhookVerdict(bytes({ action: "redact", spans }), texts)).toMatchObject({
      spans: [span(0, 4, "a"), span(4, 5, "c")],
    });
  });

  test("may say more than is read, and no reason", () => {
    const answer = { action: "flag", reason: null, spans: "none", score: 0.4 };
    expect(readWebhookVerdict(bytes(answer), texts)).toEqual({ action: "flag", reason: null, spans: [] });
  });

  test("that allows finds nothing, whatever else it says", () => {
    expect(readWebhookVerdict(bytes({ action: "allow", reason: "fine" }), texts)).toMatchObject({
      action: null,
    });
  });

  test.each([
    [{ action: "redact", spans: [7] }, "'spans[0]' must be an object"],
    [{ action: "redact", spans: [{ text: 2, start: 0, end: 1 }] }, "'spans[0].text'"],
    [{ action: "redact", spans: [{ text: 0, start: -1, end: 1 }] }, "'spans[0].start'"],
    [{ action: "redact", spans: [{ text: 0, start: 0.5, end: 1 }] }, "'spans[0].start'"],
    [{ action: "redact", spans: [{ text: 0, start: 1, end: 1 }] }, "'spans[0].end'"],
    [{ action: "redact", spans: [{ text: 0, start: 0, end: 11 }] }, "'spans[0].end'"],
    [{ action: "redact", spans: [{ text: 0, start: 0, end: 1, replacement: 3 }] }, "'spans[0].replacement'"],
    [{ action: "redact", spans: Array.from({ length: 10_001 }, () => ({})) }, "'spans' must have at most"],
  ])("that is wrong is told by the field's name (%#)", (answer, said) => {
    expect(readWebhookVerdict(bytes(answer), texts)).toMatchObject({ fault: expect.stringContaining(said) });
  });

  test("never breaks the reader, whatever it is", () => {
    const good = JSON.stringify({ action: "redact", reason: "x", spans: [{ text: 0, start: 2, end: 3 }] });
    const pick = random(7);
    for (let round = 0; round < 5_000; round++) {
      const answer = Buffer.from(good);
      for (let change = 0; change <= pick(3); change++) answer[pick(answer.length)] = pick(256);
      const cut = answer.subarray(0, round % 2 === 0 ? answer.length : pick(answer.length));
      const verdict = readWebhookVerdict(cut, texts);
      if ("fault" in verdict) expect(verdict.fault).not.toBe("");
      else
        for (const span of verdict.spans)
          expect(texts[span.text]!.text.length).toBeGreaterThanOrEqual(span.end);
    }
  });

  test("is asked for without half characters, which are as long", () => {
    const question = {
      stage: "output",
      texts: [{ source: "assistant", text: "a\ud83d😀b", given: 4 }],
    } as const;
    const about = { model: "m", tenant: "t", key: "k", request_id: "r" };
    const asked = JSON.parse(Buffer.from(writeWebhookQuestion(question, about)).toString());
    expect(asked.texts).toEqual([{ source: "assistant", text: "a\ufffd😀b", given: 3 }]);
  });
});

test("places in code points are those that JavaScript walks", () => {
  const pick = random(11);
  const characters = ["a", "😀", "é", "\ud83d", "\ude00", "漢"];
  for (let round = 0; round < 300; round++) {
    const said = Array.from({ length: pick(30) }, () => characters[pick(characters.length)]).join("");
    const points = [...said];
    expect(countCodePoints(said)).toBe(points.length);
    const places = placesOf(said);
    for (let at = 0; at <= points.length; at++) {
      expect(places === null ? at : places[at]).toBe(points.slice(0, at).join("").length);
    }
  }
});

describe("a moderation", () => {
  const plan = {
    ...{ guard: "moderation", name: "moderation", action: "block", on_failure: "block", timeout_ms: 1 },
    ...{ model: "m", categories: null, thresholds: {}, provider: null as never },
  } satisfies ModerationPlan;
  const result = (hate: boolean | null, score: number | null = 0) => ({
    ...{
      flagged: hate === true,
      categories: { hate, other: false },
      category_scores: { hate: score, other: 0 },
    },
  });
  const read = (results: unknown, changed: Partial<ModerationPlan> = {}, count = 1) =>
    readModeration(bytes({ results }), count, { ...plan, ...changed });

  test("finds by the provider's word, or by scores where they are given", () => {
    expect(read([result(true)])).toMatchObject({ action: "block", reason: "it has hate" });
    expect(read([result(false, 0.9)])).toMatchObject({ action: null });
    expect(read([result(true, 0.3)], { thresholds: { hate: 0.4 } })).toMatchObject({ action: null });
    expect(read([result(false, 0.4)], { thresholds: { hate: 0.4 } })).toMatchObject({ action: "block" });
    expect(read([result(true)], { categories: ["other"] })).toMatchObject({ action: null });
    expect(read([result(null, null)], { thresholds: { hate: 0 } })).toMatchObject({ action: null });
    expect(read([result(false), result(true)], {}, 2)).toMatchObject({ action: "block" });
  });

  test.each([
    [[], {}, "'results' must have 1"],
    [[{}], {}, "'results[0].categories'"],
    [[{ categories: {} }], {}, "'results[0].category_scores'"],
    [[{ categories: { a: 1 }, category_scores: {} }], {}, "'results[0].categories.a' must be true or false"],
    [[result(true)], { categories: ["toString"] }, "'results[0].categories.toString'"],
    [[result(true)], { thresholds: { none: 0.1 } }, "'results[0].category_scores.none' must be a number"],
  ])("that is wrong is told by the field's name (%#)", (results, changed, said) => {
    expect(read(results, changed)).toMatchObject({ fault: expect.stringContaining(said) });
  });

  test("is asked for in requests of a bounded size, which leave nothing out", () => {
    const long = Array.from({ length: 40_000 }, (_, index) => `word${index}`).join(" ");
    const requests = writeModerations(plan, "input", [text(long), text(""), text("short")]);
    if ("fault" in requests) throw new Error(requests.fault);
    expect(requests.length).toBeGreaterThan(1);
    const pieces = requests.flatMap(({ body, count }) => {
      const { input } = JSON.parse(Buffer.from(body).toString()) as { input: string[] };
      expect(input).toHaveLength(count);
      expect(count).toBeLessThanOrEqual(32);
      return input;
    });
    expect(pieces.at(-1)).toBe("short");
    const all = pieces.join("\n");
    for (let index = 0; index < 40_000; index += 97) expect(all).toContain(`word${index}`);
  });

  test("is not asked for without end", () => {
    const long = Array.from({ length: 700_000 }, (_, index) => `w${index}`).join(" ");
    expect(writeModerations(plan, "input", [text(long)])).toHaveProperty("fault");
  });
});
