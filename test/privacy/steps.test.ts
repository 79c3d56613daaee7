// Long requests in steps: they come to the same, no step is long, and the event loop runs between turns.

import { describe, expect, test } from "vitest";
import { Mapping } from "../../src/privacy/mapping.ts";
import { makeRecogniser, RECOGNISED } from "../../src/privacy/recognisers/recognisers.ts";
import { type RequestRedaction, redactInSteps, redactRequest } from "../../src/privacy/redact_request.ts";
import { finish, inTurns, type Steps } from "../../src/privacy/steps.ts";
import { randomIntegers } from "../memory/random.ts";
import { PIECES, textOfPieces } from "./recognisers/pieces.ts";

const recognise = makeRecogniser();

function options(changed: Partial<RequestRedaction> = {}): RequestRedaction {
  return {
    endpoint: "/chat/completions",
    recognise,
    mapping: new Mapping(),
    mode: "redact",
    entities: RECOGNISED,
    secret: new Uint8Array(32),
    ...changed,
  };
}

function request(...contents: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify({ messages: contents.map((content) => ({ role: "user", content })) }));
}

const PLACEHOLDERS = ["[EMAIL_1]", "EMAIL_2", "[", "_1", "PHONE_", "\\[IBAN\\_3\\]"];

describe("a long text in steps", () => {
  test("comes to what it comes to at once, and to what its recogniser finds", () => {
    const random = randomIntegers(13);
    for (let round = 0; round < 20; round++) {
      let text = "";
      while (text.length < 9_000) text += textOfPieces(random, 60, [...PIECES, ...PLACEHOLDERS]);
      expect(finish(recognise.inSteps(text))).toEqual(recognise(text));
      const whole = redactRequest(request(text), options());
      const mapping = new Mapping();
      expect(finish(redactInSteps(request(text), options({ mapping })))).toEqual(whole);
    }
  });

  test("other texts can be recognised between its steps", () => {
    const text = "Write to ada@example.com or call +1 212-555-2368. ".repeat(400);
    const steps = recognise.inSteps(text);
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        expect(step.value).toEqual(recognise(text));
        break;
      }
      expect(recognise("１２３, card: 4556 9174 0029 7557")).toHaveLength(1);
    }
  });

  test("is read as JSON where it is JSON", () => {
    const text = JSON.stringify({ notes: Array.from({ length: 800 }, () => "ask ada@example.com") });
    const redacted = finish(redactInSteps(request(text), options()));
    expect(redacted).toMatchObject({ counts: { EMAIL: 800 } });
    const { bytes } = redacted as { bytes: Uint8Array };
    const { content } = (JSON.parse(Buffer.from(bytes).toString()) as { messages: { content: string }[] })
      .messages[0]!;
    expect(JSON.parse(content).notes[799]).toBe("ask [EMAIL_1]");
  });

  test("too much of it is a fault", () => {
    const steps = redactInSteps(request("1 ".repeat(5_000)), options({ chars_max: 9_000 }));
    expect(finish(steps)).toEqual({ fault: "there is more text than 9000 characters" });
  });
});

/** The most characters that are looked at in one step, one by one or in parts: unlike time, the same on every machine. */
function longestStep(steps: Steps<unknown>): number {
  const { charCodeAt } = String.prototype;
  let looked = 0;
  let longest = 0;
  String.prototype.charCodeAt = function (at) {
    looked++;
    return charCodeAt.call(this, at);
  };
  try {
    while (steps.next().done !== true) {
      longest = Math.max(longest, looked);
      looked = 0;
    }
  } finally {
    String.prototype.charCodeAt = charCodeAt;
  }
  return Math.max(longest, looked);
}

const TEXT_CHARS = 48 * 1024;
/** A step is a thousand characters, each of which may cost some hundred (see the work of recognisers). */
const STEP_WORK_MAX = 500_000;

test.each([
  "a@",
  "1 ",
  "4111 1111 1111 1111 ",
  "::",
  "x1-",
  "password=",
  "[E_1",
  "[EMAIL_1]",
  "A_1",
  "ada@example.com ",
  "born 5 March ",
  "plain words and nothing else, ",
])("no step over %j is long, however long the text is", (piece) => {
  const text = piece.repeat(TEXT_CHARS / piece.length);
  expect(longestStep(redactInSteps(request(text), options()))).toBeLessThan(STEP_WORK_MAX);
});

test("the event loop runs between turns", async () => {
  const bytes = request("4111 1111 1111 1111 ".repeat(20_000));
  let turns = 0;
  let is_over = false;
  const count = () => {
    turns++;
    if (!is_over) setImmediate(count);
  };
  setImmediate(count);
  const redacted = await inTurns(redactInSteps(bytes, options()));
  is_over = true;
  expect(redacted).toMatchObject({ fault: null });
  expect(turns).toBeGreaterThan(5);
});
