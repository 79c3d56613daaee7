// Anthropic's own SDK reads what is written.

import Anthropic from "@anthropic-ai/sdk";
import type { Server } from "bun";
import { afterAll, beforeAll, expect, test } from "vitest";
import { messagesError, messagesErrorEvent } from "../../../src/dialects/anthropic/error.ts";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import type { ChatAnswer, StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../src/dialects/neutral/collect.ts";
import { EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { NO_USAGE } from "../../../src/dialects/usage.ts";
import { randomIntegers } from "../../memory/random.ts";
import { checkMessagesStream } from "../grammar/messages.ts";
import { randomAnswerOf } from "./random.ts";
import { recordedCalls } from "./recorded.ts";

const CONTEXT = {
  call_id: "call1",
  model: "asked",
  now_s: 1_790_000_000,
  request: { ...EMPTY_REQUEST, model: "asked" },
};
const ASKED = { model: "m", max_tokens: 100, messages: [{ role: "user" as const, content: "x" }] };

/** What the server answers next. */
let reply: () => Response = () => new Response("", { status: 500 });
let server: Server<undefined>;
let client: Anthropic;

beforeAll(() => {
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => reply() });
  client = new Anthropic({ apiKey: "k", baseURL: server.url.origin, maxRetries: 0 });
});
afterAll(() => server.stop(true));

function streams(text: string): void {
  expect(checkMessagesStream(text)).toEqual([]);
  reply = () => new Response(text, { headers: { "content-type": "text/event-stream" } });
}

function written(events: readonly StreamEvent[]): string {
  const writer = MESSAGES.writeStream(CONTEXT);
  return events.map((event) => writer.write(event)).join("");
}

function told(answer: ChatAnswer): StreamEvent[] {
  const events: StreamEvent[] = [];
  tellAnswer(answer, (event) => events.push(event));
  return events;
}

/** Usage is told before the first part, or at the end alone. */
function usageFirst(events: StreamEvent[]): StreamEvent[] {
  const usage = events.filter(({ kind }) => kind === "usage");
  return [events[0]!, ...usage, ...events.slice(1)];
}

test("a stream adds up to the whole answer, for random answers and recorded ones", async () => {
  const random = randomIntegers(21);
  const recorded = recordedCalls()
    .filter(({ op, kind, status }) => op === "messages" && kind === "json" && status === 200)
    .flatMap(({ body }) => MESSAGES.readAnswer(JSON.parse(body.toString())) ?? []);
  for (const answer of [...recorded, ...Array.from({ length: 150 }, () => randomAnswerOf(random))]) {
    const whole = JSON.parse(JSON.stringify(MESSAGES.writeAnswer(answer, CONTEXT))) as Record<
      string,
      unknown
    >;
    const events = told(answer);
    for (const stream of [events, usageFirst(events)]) {
      streams(written(stream));
      const final = await client.messages.stream(ASKED).finalMessage();
      const { usage, content, stop_reason, stop_sequence, id, model } = JSON.parse(
        JSON.stringify(final),
      ) as never;
      expect({ content, stop_reason, stop_sequence, id, model }).toEqual({
        ...{ content: whole["content"], stop_reason: whole["stop_reason"], id: whole["id"] },
        ...{ stop_sequence: whole["stop_sequence"], model: whole["model"] },
      });
      const told_usage = whole["usage"] as Record<string, unknown>;
      for (const kind of ["input_tokens", "output_tokens", "cache_read_input_tokens", "server_tool_use"])
        expect(usage[kind]).toEqual(told_usage[kind]);
      if (stream !== events) expect(usage).toEqual(told_usage);
    }
    reply = () => Response.json(whole);
    expect(await client.messages.create(ASKED)).toMatchObject(whole);
  }
});

test("calls that came side by side are told one after another", async () => {
  const call = (part: number) => ({ kind: "tool_call", id: `call.${part}`, name: `f${part}` }) as const;
  const start = (part: number) =>
    ({ kind: "part_start", choice: 0, part, start: call(part) }) satisfies StreamEvent;
  const delta = (part: number, text: string) =>
    ({ kind: "delta", choice: 0, part, text }) satisfies StreamEvent;
  const events: StreamEvent[] = [
    { kind: "start", id: "", model: "", created_s: null },
    ...[start(0), start(1), delta(1, '{"b":'), delta(0, '{"a"'), start(2), delta(1, "2}"), delta(0, ":1}")],
    { kind: "part_stop", choice: 0, part: 1 },
    { kind: "part_stop", choice: 0, part: 0 },
    { kind: "finish", choice: 0, finish: { reason: "stop" } },
    { kind: "usage", usage: { ...NO_USAGE, input_tokens: 7, output_tokens: 3 } },
    { kind: "end" },
  ];
  streams(written(events));
  const seen: string[] = [];
  const stream = client.messages.stream(ASKED).on("inputJson", (text) => seen.push(text));
  const { content, stop_reason, usage, id, model } = await stream.finalMessage();
  expect(content).toEqual(
    [0, 1, 2].map((part) => ({
      ...{ type: "tool_use", id: `call_${part}`, name: `f${part}` },
      input: [{ a: 1 }, { b: 2 }, {}][part],
    })),
  );
  expect(seen).toEqual(['{"a"', ":1}", '{"b":', "2}"]);
  expect(stop_reason).toBe("tool_use");
  expect(usage).toMatchObject({ input_tokens: 7, output_tokens: 3 });
  expect({ id, model }).toEqual({ id: "msg_call1", model: "asked" });
});

test("an error in a stream ends it as the SDK's error", async () => {
  const error = { message: "Too much.", type: "overloaded_error", param: null, code: "of_the_day" };
  const events: StreamEvent[] = [
    { kind: "start", id: "", model: "", created_s: null },
    { kind: "part_start", choice: 0, part: 0, start: { kind: "text" } },
    { kind: "delta", choice: 0, part: 0, text: "Hal" },
    { kind: "error", error },
    { kind: "end" },
  ];
  streams(written(events));
  const failure = await client.messages
    .stream(ASKED)
    .finalMessage()
    .catch((reason: unknown) => reason);
  expect(failure).toBeInstanceOf(Anthropic.APIError);
  expect(failure).toMatchObject({
    type: "overloaded_error",
    errorCode: "of_the_day",
    apiMessage: "Too much.",
  });
  expect(written(events).endsWith(messagesErrorEvent(error))).toBe(true);
});

test.each([
  [401, Anthropic.AuthenticationError, "authentication_error"],
  [403, Anthropic.PermissionDeniedError, "permission_error"],
  [404, Anthropic.NotFoundError, "not_found_error"],
  [429, Anthropic.RateLimitError, "rate_limit_error"],
  [400, Anthropic.BadRequestError, "invalid_request_error"],
  [529, Anthropic.InternalServerError, "overloaded_error"],
] as const)("an error of status %i is the SDK's own", async (status, kind, type) => {
  const error = { message: "No.", type: "server_error", param: null, code: "model_not_found" };
  reply = () => Response.json(messagesError(error, status, "req_1"), { status });
  const failure = await client.messages.create(ASKED).catch((reason: unknown) => reason);
  expect(failure).toBeInstanceOf(kind);
  expect(failure).toMatchObject({ type, errorCode: "model_not_found", apiMessage: "No." });
});
