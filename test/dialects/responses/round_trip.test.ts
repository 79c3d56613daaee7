// Whatever the Responses format can say, read into the neutral form and written from it, is what it was.

import { describe, expect, test } from "vitest";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { randomIntegers } from "../../memory/random.ts";
import { checkResponsesAnswer, checkResponsesStream } from "../grammar/responses.ts";
import { contextOf, requestOf } from "./context.ts";
import { randomRequest, randomResponse } from "./generated.ts";

type Fields = Record<string, unknown>;

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed);

function exact(value: unknown): Fields {
  return parseExact(Buffer.from(JSON.stringify(value))) as Fields;
}

function eventsOf(bytes: Uint8Array): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = RESPONSES.readStream((event) => events.push(event));
  reader.feed(bytes);
  reader.close();
  return events;
}

function collected(events: readonly StreamEvent[]): ChatAnswer {
  const collector = new AnswerCollector();
  for (const event of events) collector.take(event);
  return collector.answer();
}

/** What of a reasoning a stream cannot tell: that its text was in several pieces. */
function withoutPieces(answer: ChatAnswer): unknown {
  const parts = answer.choices[0]!.parts.map((part) => {
    if (part.kind !== "thinking" || part.own === undefined) return part;
    const { summary: _, content: __, ...fields } = part.own.fields;
    const { own: ___, ...rest } = part;
    return Object.keys(fields).length === 0 ? rest : { ...rest, own: { ...part.own, fields } };
  });
  return { ...answer.choices[0], parts };
}

describe("a round trip through the neutral form", () => {
  test.each(SEEDS)("of request %i changes nothing", (seed) => {
    const body = JSON.stringify(randomRequest(randomIntegers(seed + 1)));
    const losses = new Losses("error", "p/m");
    const target = { model: "m", provider_kind: "openai" };
    const again = RESPONSES.writeRequest(requestOf(exact(JSON.parse(body))), target, losses);
    expect(losses.error).toBe(null);
    expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(body));
  });

  test.each(SEEDS)("of answer %i changes nothing, as a whole or as a stream", (seed) => {
    const random = randomIntegers(seed + 1);
    const response = JSON.parse(JSON.stringify(randomResponse(random))) as Fields;
    const answer = RESPONSES.readAnswer(exact(response))!;
    const context = contextOf(null);
    const again = JSON.parse(JSON.stringify(RESPONSES.writeAnswer(answer, context))) as Fields;
    expect(checkResponsesAnswer(again)).toEqual([]);
    expect(again).toMatchObject(response);

    const writer = RESPONSES.writeStream(context);
    let text = "";
    tellAnswer(answer, (event) => {
      text += writer.write(event);
    });
    const stream = Buffer.from(text);
    expect(checkResponsesStream(stream)).toEqual([]);
    const read = collected(eventsOf(stream));
    expect(withoutPieces(read)).toEqual(withoutPieces(answer));
    expect(read.usage).toEqual(answer.usage);
  });
});
