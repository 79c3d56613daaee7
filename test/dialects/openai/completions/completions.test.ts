// Legacy completions: what they say goes through the neutral model and comes out the same; what they cannot say is told.

import { describe, expect, test } from "vitest";
import type { AnswerChoice, ChatAnswer, StreamEvent } from "../../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../../src/dialects/neutral/losses.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../../src/dialects/neutral/request.ts";
import { CHAT } from "../../../../src/dialects/openai/chat/format.ts";
import { COMPLETIONS } from "../../../../src/dialects/openai/completions/format.ts";
import { usageOf } from "../../../../src/dialects/usage.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { randomIntegers } from "../../../memory/random.ts";
import { checkChatStream } from "../../grammar/chat.ts";
import { checkCompletionsAnswer, checkCompletionsStream } from "../../grammar/completions.ts";
import { answerOfEvents, checkEvents, contextOf, eventsOfStream, streamOf } from "../chat/events.ts";
import { randomAnswerOf } from "../chat/generated.ts";
import { randomText } from "../random_answer.ts";

type Fields = Record<string, unknown>;
type Random = (limit: number) => number;

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function write(
  request: Partial<ChatRequest>,
  policy: "error" | "default" = "default",
): { body: unknown; losses: Losses } {
  const losses = new Losses(policy, "target");
  const body = COMPLETIONS.writeRequest(
    { ...EMPTY_REQUEST, model: "m", ...request },
    { model: "m", provider_kind: "vllm" },
    losses,
  );
  return { body: plain(body), losses };
}

describe("requests", () => {
  test.each<Fields>([
    { prompt: "a" },
    { prompt: ["a", "b"] },
    { prompt: [1, 2, 3] },
    { prompt: [[1], [2]] },
    {
      prompt: "a",
      suffix: "b",
      echo: true,
      best_of: 3,
      n: 2,
      logprobs: 5,
      max_tokens: 9,
      stop: ["x", "y"],
      seed: 1,
      user: "u",
    },
    { prompt: "a", stream: true, stream_options: { include_usage: true }, temperature: 0, top_p: 0.5 },
    {
      prompt: "a",
      presence_penalty: 1,
      frequency_penalty: -1,
      logit_bias: { "1": 5 },
      of_its_own: { deep: [1] },
    },
  ])("%j is the same again", (fields) => {
    const request = { model: "m", ...fields };
    const read = COMPLETIONS.readRequest(request, { model: null, stream: false });
    if (read instanceof GatewayError) throw new Error(read.message);
    const { body, losses } = write(read, "error");
    expect(losses.error).toBeNull();
    expect(body).toEqual(request);
  });

  test("are asked of a chat model as what the user says", () => {
    const read = COMPLETIONS.readRequest(
      { model: "m", prompt: ["hi"], logprobs: 2, suffix: "x" },
      { model: null, stream: false },
    );
    if (read instanceof GatewayError) throw new Error(read.message);
    const losses = new Losses("default", "target");
    const body = CHAT.writeRequest(read, { model: "gpt-4o", provider_kind: "openai" }, losses);
    expect(plain(body)).toEqual({
      model: "gpt-4o",
      messages: [{ role: "user", content: "hi" }],
      logprobs: true,
      top_logprobs: 2,
    });
    expect(losses.dropped).toEqual(["suffix"]);
  });

  test("of several prompts are no chat model's", () => {
    const read = COMPLETIONS.readRequest({ model: "m", prompt: ["a", "b"] }, { model: null, stream: false });
    if (read instanceof GatewayError) throw new Error(read.message);
    const losses = new Losses("default", "target");
    CHAT.writeRequest(read, { model: "gpt-4o", provider_kind: "openai" }, losses);
    expect(losses.error?.param).toBe("messages[0].content[0]");
  });

  test("cannot say a conversation, tools, or a form", () => {
    const says = (role: "user" | "assistant", text: string) => ({
      role,
      parts: [{ kind: "text", text } as const],
    });
    expect(
      write({ messages: [says("user", "a"), says("assistant", "b"), says("user", "c")] }).losses.error?.param,
    ).toBe("messages[1]");
    expect(write({ tools: [{ kind: "function", name: "f" }] }).losses.error?.param).toBe("tools");
    expect(write({ output: { kind: "json" } }).losses.error?.param).toBe("response_format");
    expect(write({ messages: [says("user", "a"), says("user", "b")] }).body).toMatchObject({
      prompt: "a\n\nb",
    });
  });

  test.each([
    [{ prompt: 5 }, "prompt"],
    [{ prompt: "a", logprobs: true }, "logprobs"],
    [{ prompt: "a", model: undefined }, "model"],
  ])("%j names its fault", (fields, param) => {
    expect(
      COMPLETIONS.readRequest({ model: "m", ...fields } as Fields, { model: null, stream: false }),
    ).toMatchObject({ param });
  });
});

function choice(random: Random, index: number): AnswerChoice {
  const text = randomText(random);
  const tokens = text.split(/(?=\s)/).map((token, at) => ({
    ...{ token, logprob: at === 0 ? Number.NaN : -(1 + random(1000)) / 7 },
    top: random(2) === 0 ? [] : [{ token: "x", logprob: -1.5 }],
  }));
  return {
    index,
    parts: text === "" ? [] : [{ kind: "text", text }],
    finish: [{ reason: "stop", raw: "stop" } as const, { reason: "length", raw: "length" } as const][
      random(2)
    ]!,
    ...(random(2) === 0 && tokens.length > 0 ? { logprobs: tokens } : {}),
  };
}

function answerOf(random: Random): ChatAnswer {
  return {
    ...{ id: `cmpl-${random(1e9)}`, model: "m", created_s: 1_787_150_112 },
    choices: Array.from({ length: 1 + random(3) }, (_, index) => choice(random, index)),
    usage: random(3) === 0 ? null : usageOf({ input_tokens: random(100), output_tokens: random(100) }),
  };
}

describe("answers", () => {
  test("are the same again, whole and streamed, however the bytes come", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomIntegers(seed);
      const answer = answerOf(random);
      const written = plain(COMPLETIONS.writeAnswer(answer, contextOf())) as Fields;
      expect(checkCompletionsAnswer(written), `seed ${seed}`).toEqual([]);
      expect(COMPLETIONS.readAnswer(written), `seed ${seed}`).toEqual(answer);

      const events: StreamEvent[] = [];
      tellAnswer(answer, (event) => events.push(event));
      const stream = Buffer.from(
        streamOf(COMPLETIONS, events, contextOf({ stream: true, asks_usage: true })),
      );
      expect(checkCompletionsStream(stream), `seed ${seed}`).toEqual([]);
      const cuts = Array.from({ length: random(9) }, () => random(stream.length)).sort((a, b) => a - b);
      const read = eventsOfStream(COMPLETIONS, stream, cuts);
      expect(checkEvents(read), `seed ${seed}`).toEqual([]);
      expect(answerOfEvents(read), `seed ${seed}`).toEqual(answer);
    }
  });

  test("of chat models are text alone", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const answer = randomAnswerOf(randomIntegers(seed));
      expect(checkCompletionsAnswer(plain(COMPLETIONS.writeAnswer(answer, contextOf())))).toEqual([]);
      const events: StreamEvent[] = [];
      tellAnswer(answer, (event) => events.push(event));
      expect(checkCompletionsStream(streamOf(COMPLETIONS, events, contextOf({ stream: true })))).toEqual([]);
    }
  });

  test("are given to chat clients", () => {
    const lines = [
      {
        id: "c",
        object: "text_completion",
        created: 5,
        model: "m",
        choices: [{ index: 0, text: "Hel", logprobs: null, finish_reason: null }],
      },
      {
        id: "c",
        object: "text_completion",
        created: 5,
        model: "m",
        choices: [{ index: 0, text: "lo", logprobs: null, finish_reason: "length" }],
        usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
      },
    ].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
    const events = eventsOfStream(COMPLETIONS, lines.join(""));
    expect(events.at(-1)).toEqual({ kind: "end" });
    const stream = streamOf(CHAT, events, contextOf({ stream: true, asks_usage: true }));
    expect(checkChatStream(stream)).toEqual([]);
    expect(answerOfEvents(eventsOfStream(CHAT, stream)).choices).toEqual([
      { index: 0, parts: [{ kind: "text", text: "Hello" }], finish: { reason: "length", raw: "length" } },
    ]);
  });

  test("that were cut have no good end, and errors are the last", () => {
    const chunk = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, text: "a", finish_reason: null }] })}\n\n`;
    expect(eventsOfStream(COMPLETIONS, chunk).map(({ kind }) => kind)).not.toContain("end");
    const failed = eventsOfStream(
      COMPLETIONS,
      `${chunk}data: {"error":{"message":"no","code":500}}\n\n${chunk}`,
    );
    expect(failed.at(-1)).toMatchObject({ kind: "error", error: { message: "no" } });
    expect(checkCompletionsStream(streamOf(COMPLETIONS, failed, contextOf()))).toEqual([]);
  });

  test("that are none are told so", () => {
    for (const value of [{}, { choices: [{ message: {} }] }, { choices: [null] }])
      expect(COMPLETIONS.readAnswer(value)).toBeNull();
  });
});
