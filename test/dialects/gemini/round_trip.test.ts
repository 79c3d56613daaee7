import { describe, expect, test } from "vitest";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import type { Part } from "../../../src/dialects/neutral/parts.ts";
import { usageOf } from "../../../src/dialects/usage.ts";
import { GatewayError } from "../../../src/errors.ts";
import { checkGeminiAnswer, checkGeminiStream } from "../grammar/gemini.ts";
import { CONTEXT, checkEvents, collect, readStream, writeStream } from "./context.ts";
import { Chance, randomAnswer, randomRequest } from "./random.ts";

type Json = Record<string, unknown>;

const TARGET = { model: "gemini-3-pro-preview", provider_kind: "gemini" };

test("a request is written as it was read", () => {
  for (let seed = 1; seed <= 1500; seed++) {
    const body = randomRequest(new Chance(seed));
    const request = GEMINI.readRequest(structuredClone(body), { model: TARGET.model, stream: false });
    if (request instanceof GatewayError) throw new Error(`${seed}: ${request.message}`);
    const losses = new Losses("error", "gemini");
    const written = GEMINI.writeRequest(request, TARGET, losses);
    expect([seed, losses.error]).toEqual([seed, null]);
    expect([seed, JSON.parse(JSON.stringify(written))]).toEqual([seed, JSON.parse(JSON.stringify(body))]);
  }
});

test("an answer is written as it was read", () => {
  for (let seed = 1; seed <= 1500; seed++) {
    const body = randomAnswer(new Chance(seed));
    const answer = GEMINI.readAnswer(structuredClone(body));
    const written = GEMINI.writeAnswer(answer!, CONTEXT);
    expect([seed, JSON.parse(JSON.stringify(written))]).toEqual([seed, JSON.parse(JSON.stringify(body))]);
    expect(checkGeminiAnswer(JSON.parse(JSON.stringify(written)))).toEqual([]);
  }
});

/** An answer of another provider, of parts that Gemini's format can say; texts of a kind are never side by side. */
function foreignAnswer(chance: Chance): ChatAnswer {
  const choices = Array.from({ length: 1 + chance.below(2) }, (_, index) => {
    const parts: Part[] = [];
    for (let left = chance.below(5); left > 0; left--) {
      const part = chance.one<() => Part>([
        () => ({ kind: "text", text: wellFormed(chance.text()) }),
        () => ({
          kind: "thinking",
          text: wellFormed(chance.text()),
          signature: { format: "messages", value: chance.text() },
        }),
        () => ({ kind: "thinking", text: "", encrypted: { format: "responses", value: "zz" }, id: "rs_1" }),
        () => ({
          kind: "tool_call",
          id: `call_${index}_${left}`,
          name: "f",
          arguments: JSON.stringify(chance.object(2)),
        }),
        () => ({ kind: "image", source: { kind: "base64", media_type: "image/png", data: "aGk=" } }),
      ])();
      if (part.kind !== "text" || parts.at(-1)?.kind !== "text") parts.push(part);
    }
    const has_calls = parts.some(({ kind }) => kind === "tool_call");
    const finish = chance.one([
      { reason: has_calls ? ("tool_calls" as const) : ("stop" as const), raw: "STOP" },
      { reason: "length" as const, raw: "MAX_TOKENS" },
      { reason: "content_filter" as const, raw: "SAFETY" },
    ]);
    return { index, parts, finish };
  });
  const usage = usageOf({ input_tokens: 9, cached_input_tokens: 2, output_tokens: 7, reasoning_tokens: 3 });
  return { id: "foreign1", model: "claude", created_s: null, choices, usage };
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** The events of an answer, the choices mixed and the texts in pieces. */
function pieces(answer: ChatAnswer, chance: Chance): StreamEvent[] {
  const events: StreamEvent[] = [];
  tellAnswer(answer, (event) => {
    if (event.kind !== "delta") events.push(event);
    else
      for (let at = 0; at < event.text.length; ) {
        const to = at + 1 + chance.below(4);
        events.push({ ...event, text: event.text.slice(at, to) });
        at = to;
      }
  });
  return events;
}

describe("an answer of another provider", () => {
  test("whole, and back", () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const answer = foreignAnswer(new Chance(seed));
      const written = JSON.parse(JSON.stringify(GEMINI.writeAnswer(answer, CONTEXT))) as Json;
      expect(checkGeminiAnswer(written)).toEqual([]);
      const { own: _, ...read } = GEMINI.readAnswer(written)!;
      expect([seed, read]).toEqual([seed, answer]);
    }
  });

  test("as a stream of either form, in any pieces, and back", () => {
    for (let seed = 1; seed <= 600; seed++) {
      const chance = new Chance(seed);
      const answer = foreignAnswer(chance);
      for (const framing of ["sse", "array"] as const) {
        const bytes = writeStream(pieces(answer, chance), framing);
        expect([seed, checkGeminiStream(bytes)]).toEqual([seed, []]);
        const at = chance.below(bytes.length);
        const events = readStream([bytes.subarray(0, at), bytes.subarray(at)]);
        expect([seed, checkEvents(events)]).toEqual([seed, []]);
        expect([seed, collect(events)]).toEqual([seed, answer]);
      }
    }
  });
});
