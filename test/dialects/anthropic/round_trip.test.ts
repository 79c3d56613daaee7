// What the format can say comes back as it was said.

import { expect, test } from "vitest";
import { writeCountRequest } from "../../../src/dialects/anthropic/count_tokens.ts";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import type { Signature } from "../../../src/dialects/neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { randomIntegers } from "../../memory/random.ts";
import { checkMessagesAnswer, checkMessagesStream } from "../grammar/messages.ts";
import { plainRequest } from "./plain.ts";
import { randomAnswerOf, randomRequest } from "./random.ts";

const TURNS = 400;
const TARGET = { model: "claude-opus-4-6", provider_kind: "anthropic" };
const CONTEXT = {
  call_id: "call1",
  model: "asked",
  now_s: 1_790_000_000,
  request: { ...EMPTY_REQUEST, model: "asked" },
};

function read(body: object): ChatRequest {
  const value = parseExact(Buffer.from(JSON.stringify(body))) as Record<string, unknown>;
  return MESSAGES.readRequest(value, { model: null, stream: false }) as ChatRequest;
}

test("random requests are written as they were, and nothing of them is lost", () => {
  const random = randomIntegers(11);
  for (let turn = 0; turn < TURNS; turn++) {
    const body = randomRequest(random);
    const losses = new Losses("error", "test");
    const again = MESSAGES.writeRequest(read(body), TARGET, losses);
    expect(losses.error).toBe(null);
    expect(losses.dropped).toEqual([]);
    expect(plainRequest(again)).toEqual(plainRequest(body));
    expect(read(again)).toEqual(read(JSON.parse(JSON.stringify(again)) as object));
    const counted = writeCountRequest(read(body), TARGET, losses);
    expect(counted["messages"]).toEqual(again["messages"]);
    expect("max_tokens" in counted || "stream" in counted).toBe(false);
  }
});

test("numbers that a double cannot hold come through in every place", () => {
  const text =
    '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":' +
    '[{"type":"tool_use","id":"a","name":"f","input":{"n":12345678901234567890,"e":1e400}}]},' +
    '{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}],"deep":{"n":12345678901234567891}}';
  const request = MESSAGES.readRequest(parseExact(Buffer.from(text)) as Record<string, unknown>, {
    model: null,
    stream: false,
  }) as ChatRequest;
  const call = request.messages[1]!.parts[0]!;
  expect(call).toMatchObject({ arguments: '{"n":12345678901234567890,"e":1e400}' });
  const again = JSON.stringify(MESSAGES.writeRequest(request, TARGET, new Losses("error", "test")));
  expect(again).toContain('"input":{"n":12345678901234567890,"e":1e400}');
  expect(again).toContain('"deep":{"n":12345678901234567891}');
});

function told(answer: ChatAnswer): StreamEvent[] {
  const events: StreamEvent[] = [];
  tellAnswer(answer, (event) => events.push(event));
  return events;
}

test("random answers come back as they were, whole and as streams", () => {
  const random = randomIntegers(12);
  for (let turn = 0; turn < TURNS; turn++) {
    const answer = ownOnly(randomAnswerOf(random));
    const whole = MESSAGES.writeAnswer(answer, CONTEXT);
    expect(checkMessagesAnswer(whole)).toEqual([]);
    const { own: _, ...read_again } = MESSAGES.readAnswer(
      parseExact(Buffer.from(JSON.stringify(whole))) as Record<string, unknown>,
    )!;
    expect(read_again).toEqual(answer);
    const writer = MESSAGES.writeStream(CONTEXT);
    const stream = told(answer)
      .map((event) => writer.write(event))
      .join("");
    expect(checkMessagesStream(stream)).toEqual([]);
    const collector = new AnswerCollector();
    const reader = MESSAGES.readStream((event) => collector.take(event));
    const bytes = Buffer.from(stream);
    const cut = random(bytes.length);
    reader.feed(bytes.subarray(0, cut));
    reader.feed(bytes.subarray(cut));
    reader.close();
    expect(collector.answer()).toEqual(answer);
  }
});

/** An answer without what another provider signed. */
function ownOnly(answer: ChatAnswer): ChatAnswer {
  const choices = answer.choices.map(({ parts, ...choice }) => ({
    ...choice,
    parts: parts.filter((part) => {
      const { signature, encrypted } = part as { signature?: Signature; encrypted?: Signature };
      return (signature ?? encrypted)?.format !== "gemini" && encrypted?.format !== "responses";
    }),
  }));
  return { ...answer, choices };
}

test("what other providers signed goes through a client and comes back with the next request", () => {
  const random = randomIntegers(13);
  for (let turn = 0; turn < TURNS; turn++) {
    const answer = randomAnswerOf(random);
    const { content } = MESSAGES.writeAnswer(answer, CONTEXT);
    const body = {
      model: "m",
      messages: [
        { role: "user", content: "x" },
        { role: "assistant", content },
      ],
    };
    const { parts } = read(body).messages[1]!;
    expect(parts).toEqual(answer.choices[0]!.parts.filter((part) => part.kind !== "refusal"));
  }
});
