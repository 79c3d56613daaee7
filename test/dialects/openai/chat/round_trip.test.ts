// What chat completions say goes through the neutral model and comes out the same: requests, answers, streams however they are cut.

import { describe, expect, test } from "vitest";
import type { ChatAnswer, StreamEvent } from "../../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../../src/dialects/neutral/losses.ts";
import { CHAT } from "../../../../src/dialects/openai/chat/format.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { randomIntegers } from "../../../memory/random.ts";
import { checkChatAnswer, checkChatStream } from "../../grammar/chat.ts";
import { answerOfEvents, checkEvents, contextOf, eventsOfStream, streamOf } from "./events.ts";
import { randomAnswerOf, randomRequest } from "./generated.ts";

const RUNS = 400;

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe("requests", () => {
  test.each(["openai", "openrouter"] as const)("to %s are the same again", (kind) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const request = plain(randomRequest(randomIntegers(seed), kind)) as Record<string, unknown>;
      const read = CHAT.readRequest(request, { model: null, stream: false });
      if (read instanceof GatewayError) throw new Error(`seed ${seed}: ${read.message}`);
      const losses = new Losses("error", "target");
      const again = CHAT.writeRequest(read, { model: read.model, provider_kind: kind }, losses);
      expect(losses.error?.message, `seed ${seed}`).toBeUndefined();
      expect(plain(again), `seed ${seed}`).toEqual(request);
    }
  });
});

/** An answer as it is read again: what is written of thoughts without signature and of errors is the same to readers. */
function whole(answer: ChatAnswer): ChatAnswer {
  return CHAT.readAnswer(plain(CHAT.writeAnswer(answer, contextOf())) as Record<string, unknown>)!;
}

describe("answers", () => {
  test("are the same again", () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const answer = randomAnswerOf(randomIntegers(seed));
      const written = plain(CHAT.writeAnswer(answer, contextOf()));
      expect(checkChatAnswer(written), `seed ${seed}`).toEqual([]);
      expect(whole(answer), `seed ${seed}`).toEqual(plain(answer));
    }
  });

  test("as streams are the same again, however the bytes come", () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = randomIntegers(seed);
      const answer = randomAnswerOf(random);
      const events: StreamEvent[] = [];
      tellAnswer(answer, (event) => events.push(event));
      const context = contextOf({ stream: true, asks_usage: true, choices: answer.choices.length });
      const stream = Buffer.from(streamOf(CHAT, interleaved(events, random), context));
      expect(checkChatStream(stream), `seed ${seed}`).toEqual([]);
      const cuts = Array.from({ length: random(9) }, () => random(stream.length)).sort((a, b) => a - b);
      const read = eventsOfStream(CHAT, stream, cuts);
      expect(checkEvents(read), `seed ${seed}`).toEqual([]);
      expect(plain(sorted(answerOfEvents(read))), `seed ${seed}`).toEqual(plain(sorted(answer)));
    }
  });

  test("usage is for those alone who asked", () => {
    const answer = { ...randomAnswerOf(randomIntegers(7)), usage: randomAnswerOf(randomIntegers(3)).usage };
    const events: StreamEvent[] = [];
    tellAnswer(answer, (event) => events.push(event));
    expect(streamOf(CHAT, events, contextOf({ stream: true }))).not.toContain('"usage"');
    expect(streamOf(CHAT, events, contextOf({ stream: true, asks_usage: true }))).toContain(
      '"choices":[],"usage":{',
    );
  });
});

/** The events of several choices, mixed; each choice's in order. */
function interleaved(events: readonly StreamEvent[], random: (limit: number) => number): StreamEvent[] {
  const queues = new Map<number, StreamEvent[]>();
  const ends: StreamEvent[] = [];
  for (const event of events) {
    if ("choice" in event) queues.set(event.choice, [...(queues.get(event.choice) ?? []), ...pieces(event)]);
    else if (event.kind !== "start") ends.push(event);
  }
  const mixed: StreamEvent[] = [events[0]!];
  const open = [...queues.values()];
  while (open.length > 0) {
    const at = random(open.length);
    mixed.push(open[at]!.shift()!);
    if (open[at]!.length === 0) open.splice(at, 1);
  }
  return [...mixed, ...ends];
}

function pieces(event: StreamEvent): StreamEvent[] {
  if (event.kind !== "delta" || event.text.length < 2) return [event];
  const middle = event.text.length >> 1;
  return [event.text.slice(0, middle), event.text.slice(middle)].map((text) => ({ ...event, text }));
}

/** Media and thoughts come in a stream where they come, and in an answer in the order of its fields. */
function sorted(answer: ChatAnswer): ChatAnswer {
  const order = ["thinking", "text", "refusal", "image", "tool_call"];
  const choices = answer.choices.map((choice) => ({
    ...choice,
    parts: [...choice.parts].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
  }));
  return { ...answer, choices };
}
