// Every recorded answer and stream of six formats, given by an upstream of that format to clients of four: what the client reads is what
// the provider said, and its usage is in the ledger.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PROVIDER_FORMATS } from "../../src/dialects/formats.ts";
import type { ChatAnswer, FinishReason } from "../../src/dialects/neutral/answer.ts";
import { AnswerCollector } from "../../src/dialects/neutral/collect.ts";
import { rig } from "../gateway/harness.ts";

const FIXTURES = new URL("../../../shared/fixtures/", import.meta.url).pathname;
const there = existsSync(`${FIXTURES}index.jsonl`);
if (!there) console.warn("skipped: the recorded traffic (../shared/fixtures) is not here");

/** What clients speak. */
type Name = "chat" | "responses" | "messages" | "gemini";
/** What providers speak. */
type ProviderName = Name | "cohere" | "bedrock";

const OPS: Readonly<Record<string, ProviderName>> = {
  chat: "cohere",
  "chat.completions": "chat",
  responses: "responses",
  messages: "messages",
  generateContent: "gemini",
  streamGenerateContent: "gemini",
  converse: "bedrock",
  "converse-stream": "bedrock",
};
const STREAMS: ReadonlySet<string> = new Set(["sse", "eventstream"]);

interface Recording {
  readonly name: string;
  readonly format: ProviderName;
  readonly is_stream: boolean;
  readonly body: Buffer;
  readonly answer: ChatAnswer;
}

/** The answers that come to a good end; what becomes of others is the business of the formats' own tests. */
function recordings(): Recording[] {
  const found: Recording[] = [];
  for (const line of readFileSync(`${FIXTURES}index.jsonl`, "utf8").trim().split("\n")) {
    const { case: name, op, status, kind } = JSON.parse(line) as Record<string, string>;
    const format = OPS[op!];
    const is_stream = STREAMS.has(kind!);
    if (format === undefined || Number(status) !== 200 || (!is_stream && kind !== "json")) continue;
    const body = readFileSync(`${FIXTURES}${name}/response.body`);
    const answer = readBack(format, is_stream, body);
    if (answer === null || answer.choices.length !== 1) continue;
    found.push({ name: name!, format, is_stream, body, answer });
  }
  return found;
}

/** What an answer says; null where it is none, or a stream without a good end. */
function readBack(format: ProviderName, is_stream: boolean, body: Uint8Array): ChatAnswer | null {
  const { format: reader } = PROVIDER_FORMATS[format]!;
  if (!is_stream) {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return Array.isArray(value) ? null : reader.readAnswer(value as Record<string, unknown>);
  }
  const collector = new AnswerCollector();
  let has_ended = false;
  const stream = reader.readStream((event) => {
    if (event.kind === "end") has_ended = true;
    else collector.take(event);
  });
  stream.feed(body);
  stream.close();
  return has_ended ? collector.answer() : null;
}

/** Reasons that some format has one word for. */
const SAME: Readonly<Partial<Record<FinishReason, string>>> = {
  stop_sequence: "stop",
  pause: "stop",
  refusal: "no",
  content_filter: "no",
  other: "stop",
  malformed_call: "stop",
  context_length: "length",
  error: "stop",
};

/** What has to be the same in every format. */
function gist({ choices }: ChatAnswer): unknown {
  return choices.map(({ parts, finish }) => ({
    text: parts.map((part) => (part.kind === "text" || part.kind === "refusal" ? part.text : "")).join(""),
    calls: parts.flatMap((part) =>
      part.kind === "tool_call" ? [[part.name, JSON.parse(part.arguments || "{}") as unknown]] : [],
    ),
    finish: parts.some(({ kind }) => kind === "refusal")
      ? "no"
      : finish === null
        ? "stop"
        : (SAME[finish.reason] ?? finish.reason),
  }));
}

const PATHS: Readonly<Record<Name, (model: string, is_stream: boolean) => string>> = {
  chat: () => "/v1/chat/completions",
  responses: () => "/v1/responses",
  messages: () => "/v1/messages",
  gemini: (model, is_stream) =>
    `/v1beta/models/${model}:${is_stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
};

const BODIES: Readonly<Record<Name, (model: string, stream: boolean) => unknown>> = {
  chat: (model, stream) => ({
    ...{ model, stream, messages: [{ role: "user", content: "hi" }] },
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  }),
  responses: (model, stream) => ({ model, stream, input: "hi" }),
  messages: (model, stream) => ({
    model,
    stream,
    max_tokens: 100,
    messages: [{ role: "user", content: "hi" }],
  }),
  gemini: () => ({ contents: [{ role: "user", parts: [{ text: "hi" }] }] }),
};

/** Calls at once. */
const AT_ONCE = 16;

const room = rig();

describe.runIf(there)("recorded answers reach clients of every format", () => {
  const all = there ? recordings() : [];
  test("there are many", () => expect(all.length).toBeGreaterThan(700));

  for (const client of Object.keys(PATHS) as Name[])
    test(`${client} clients`, { timeout: 120_000 }, async () => {
      const upstream = await room.upstream(async (request, reply) => {
        const number = /case-(\d+)/.exec(request.path + request.text())![1];
        const { body, is_stream, format } = all[Number(number)]!;
        const { content_type } = PROVIDER_FORMATS[format]!;
        await reply.head(200, { "content-type": is_stream ? content_type : "application/json" });
        await reply.chunk(body);
      });
      const { base_url } = upstream;
      const gateway = room.gateway(`
providers:
  chat: { kind: openai, base_url: "${base_url}", api_keys: [none] }
  responses: { kind: openai, base_url: "${base_url}", api_keys: [none], responses: true }
  messages: { kind: anthropic, base_url: "${base_url}", api_keys: [none] }
  gemini: { kind: gemini, base_url: "${base_url}", api_keys: [none] }
  cohere: { kind: cohere, base_url: "${base_url.replace(/\/v1$/, "")}", api_keys: [none] }
  bedrock: { kind: bedrock, base_url: "${base_url}", api_keys: [none] }
`);
      const wrong: string[] = [];
      const queue = [...all.keys()];
      const work = async () => {
        for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
          const recording = all[number]!;
          // A provider of Responses speaks chat too, and would be asked for it by chat's clients.
          if (recording.format === "responses" && client !== "responses") continue;
          const { is_stream, format, name } = recording;
          const model = `${format}/case-${number}`;
          const response = await gateway.fetch(PATHS[client](model, is_stream), {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(BODIES[client](model, is_stream)),
          });
          const body = Buffer.from(await response.arrayBuffer());
          const answer = response.status === 200 ? readBack(client, is_stream, body) : null;
          const given = answer === null ? body.toString().slice(0, 300) : JSON.stringify(gist(answer));
          const said = JSON.stringify(gist(recording.answer));
          if (given !== said)
            wrong.push(`${name}\n  said  ${said.slice(0, 300)}\n  given ${given.slice(0, 300)}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      expect(wrong.slice(0, 20).join("\n")).toBe("");
    });
});
