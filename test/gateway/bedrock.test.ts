// Bedrock behind the gateway: Converse for clients of any format, Claude's own words for clients of Messages, every request signed.

import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { recordedCalls, simpleFrames } from "../dialects/bedrock/recorded.ts";
import { checkChatStream } from "../dialects/grammar/chat.ts";
import { checkMessagesStream } from "../dialects/grammar/messages.ts";
import type { Reply, SeenRequest } from "../scripted_upstream.ts";
import { eventFrame, exceptionFrame } from "../wire/event_frames.ts";
import { errorOf, eventsOf, rig } from "./harness.ts";

const room = rig();
const EVENTS = { "content-type": "application/vnd.amazon.eventstream" };
const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const NOVA = "us.amazon.nova-2-lite-v1:0";
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const CALLS = recordedCalls();

function configOf(base: string, more = ""): string {
  return `
providers:
  bedrock:
    kind: bedrock
    base_url: "${base.replace(/\/v1$/, "")}"
    aws: { region: eu-central-1, access_key_id: AKIDEXAMPLE, secret_access_key: "${SECRET}"${more} }
models:
  once: { targets: ["bedrock/${NOVA}"], retries: { attempts: 0 } }
`;
}

/** Whether a request is signed as AWS says, put together anew and on its own. */
function isSigned({ method, path, headers, body }: SeenRequest): boolean {
  const given = headers.get("authorization") ?? "";
  const [, scope, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=(\w{64})$/.exec(given) ??
    [];
  if (scope === undefined || names === undefined) return false;
  const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const [date = "", region = "", service = ""] = scope.split("/");
  const lines = names.split(";").map((name) => `${name}:${headers.get(name)}\n`);
  // Every escape of the path is escaped once more.
  const canonical = [method, path.replaceAll("%", "%25"), "", lines.join(""), names, hash(body)].join("\n");
  const to_sign = ["AWS4-HMAC-SHA256", headers.get("x-amz-date"), scope, hash(canonical)].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, date), region), service), "aws4_request");
  return (
    names.startsWith("host;x-amz-date") &&
    region === "eu-central-1" &&
    service === "bedrock" &&
    hmac(key, to_sign).toString("hex") === signature
  );
}

function answered(text: string, stopReason = "end_turn") {
  return {
    output: { message: { role: "assistant", content: [{ text }] } },
    stopReason,
    usage: { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
  };
}

function said(...texts: readonly string[]): Buffer {
  return Buffer.concat([
    eventFrame("messageStart", { role: "assistant" }),
    ...texts.map((text) => eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text } })),
    eventFrame("contentBlockStop", { contentBlockIndex: 0 }),
    eventFrame("messageStop", { stopReason: "end_turn" }),
    eventFrame("metadata", { usage: { inputTokens: 5, outputTokens: 7, totalTokens: 12 } }),
  ]);
}

async function stream(reply: Reply, bytes: Uint8Array): Promise<void> {
  await reply.head(200, EVENTS);
  await reply.chunk(bytes);
}

const messages = (model: string, more: Record<string, unknown> = {}): RequestInit => ({
  method: "POST",
  headers: {
    "content-type": "application/json",
    "anthropic-beta": "claude-code-20250219, context-1m-2025-08-07",
  },
  body: JSON.stringify({ model, max_tokens: 9, messages: [{ role: "user", content: "hi" }], ...more }),
});

describe("clients of other formats", () => {
  test("a chat is asked in Converse, signed, and its answer a chat's", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(200, answered("Hello there")));
    const gateway = room.gateway(configOf(upstream.base_url));
    const response = await gateway.chat({ model: `bedrock/${CLAUDE}`, max_tokens: 9 });
    expect(await response.json()).toMatchObject({
      object: "chat.completion",
      model: `bedrock/${CLAUDE}`,
      choices: [{ message: { content: "Hello there" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 7 },
    });
    const [seen] = upstream.requests;
    expect(seen!.path).toBe(`/model/${CLAUDE.replace(":", "%3A")}/converse`);
    expect(seen!.json()).toEqual({
      messages: [{ role: "user", content: [{ text: "Hello" }] }],
      inferenceConfig: { maxTokens: 9 },
    });
    expect(isSigned(seen!)).toBe(true);
    await gateway.idle();
    expect(gateway.counted("tokens", "input")).toBe(5);
  });

  test("temporary credentials sign their token too, and a profile's ARN is one segment", async () => {
    const arn =
      "arn:aws:bedrock:eu-central-1:1234:inference-profile/eu.anthropic.claude-3-haiku-20240307-v1:0";
    const upstream = await room.upstream((_, reply) => reply.json(200, answered("ok")));
    const gateway = room.gateway(configOf(upstream.base_url, ", session_token: tok"));
    expect((await gateway.chat({ model: `bedrock/${arn}` })).status).toBe(200);
    const [seen] = upstream.requests;
    expect(seen!.path).toBe(`/model/${encodeURIComponent(arn)}/converse`);
    expect(seen!.headers.get("x-amz-security-token")).toBe("tok");
    expect(seen!.headers.get("authorization")).toContain(
      "SignedHeaders=host;x-amz-date;x-amz-security-token,",
    );
    expect(isSigned(seen!)).toBe(true);
  });

  test("a key of Bedrock's own is sent as it is", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(200, answered("ok")));
    const gateway = room.gateway(`
providers:
  bedrock: { kind: bedrock, base_url: "${upstream.base_url.replace(/\/v1$/, "")}", api_keys: [bedrock-key] }
`);
    expect((await gateway.chat({ model: `bedrock/${NOVA}` })).status).toBe(200);
    expect(upstream.requests[0]!.headers.get("authorization")).toBe("Bearer bedrock-key");
    expect(upstream.requests[0]!.headers.has("x-amz-date")).toBe(false);
  });

  test("a stream's frames become events as they come", async () => {
    const first = eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hel" } });
    const go_on = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, EVENTS);
      await reply.chunk(eventFrame("messageStart", { role: "assistant" }));
      await reply.chunk(first.subarray(0, 20));
      await reply.chunk(first.subarray(20));
      await go_on.promise;
      await reply.chunk(said("lo").subarray(eventFrame("messageStart", { role: "assistant" }).length));
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    const response = await gateway.chat({ model: `bedrock/${NOVA}`, stream: true });
    const reader = response.body!.getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
      if (text.includes("Hel")) go_on.resolve();
    }
    expect(checkChatStream(text)).toEqual([]);
    expect(upstream.requests[0]!.path).toBe(`/model/${encodeURIComponent(NOVA)}/converse-stream`);
    await gateway.idle();
    expect(gateway.counted("tokens", "output")).toBe(7);
  });

  test.skipIf(CALLS.length === 0)("recorded streams and answers reach clients of chat", async () => {
    const recorded = CALLS.filter(({ op, status }) => op.startsWith("converse") && status === 200);
    expect(recorded.length).toBe(81);
    const upstream = await room.upstream(async ({ path }, reply) => {
      const { headers, body } = recorded[Number(/case-(\d+)/.exec(path)![1])]!;
      await reply.head(200, { "content-type": headers["content-type"]! });
      await reply.chunk(body);
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    for (const [index, { op, body, name }] of recorded.entries()) {
      const is_stream = op === "converse-stream";
      const response = await gateway.chat({ model: `bedrock/case-${index}`, stream: is_stream });
      const text = await response.text();
      expect(response.status, name).toBe(200);
      if (!is_stream) {
        const { output } = JSON.parse(body.toString()) as {
          output: { message: { content: { text?: string }[] } };
        };
        const [first] = output.message.content.flatMap((block) =>
          block.text === undefined ? [] : [block.text],
        );
        const { choices } = JSON.parse(text) as { choices: { message: { content: string | null } }[] };
        expect(choices[0]!.message.content ?? "", name).toContain(first ?? "");
        continue;
      }
      expect(checkChatStream(text), name).toEqual([]);
      const deltas = simpleFrames(body).map(
        ({ event }) => (event["delta"] as { text?: string } | undefined)?.text,
      );
      const chunks = eventsOf(text).flatMap(({ data }) =>
        data === null || data === "[DONE]"
          ? []
          : (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices,
      );
      expect(chunks.map(({ delta }) => delta.content ?? "").join(""), name).toBe(deltas.join(""));
    }
  });
});

describe("clients of Messages", () => {
  test("Claude is asked in its own words, and answers in them", async () => {
    const answer = {
      ...{ id: "msg_bdrk_1", type: "message", role: "assistant", model: "claude-haiku-4-5-20251001" },
      content: [{ type: "text", text: "Hi", something_new: 1 }],
      ...{ stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 3, output_tokens: 4 } },
    };
    const upstream = await room.upstream((_, reply) => reply.json(200, answer));
    const gateway = room.gateway(configOf(upstream.base_url));
    const tools = [{ type: "memory_20250818", name: "memory" }];
    const response = await gateway.fetch(
      "/v1/messages",
      messages(`bedrock/${CLAUDE}`, { tools, stream: false }),
    );
    expect(await response.json()).toEqual(answer);
    expect(response.headers.get("x-venturi-dropped")).toBe("anthropic-beta.claude-code-20250219");
    const [seen] = upstream.requests;
    expect(seen!.path).toBe(`/model/${encodeURIComponent(CLAUDE)}/invoke`);
    expect(seen!.json()).toEqual({
      ...{ max_tokens: 9, messages: [{ role: "user", content: "hi" }], tools },
      ...{ anthropic_version: "bedrock-2023-05-31", anthropic_beta: ["context-1m-2025-08-07"] },
    });
    expect(isSigned(seen!)).toBe(true);
    await gateway.idle();
    expect(gateway.counted("tokens", "output")).toBe(4);
  });

  test.skipIf(CALLS.length === 0)("its packed streams come out as Anthropic's", async () => {
    const packed = CALLS.filter(
      ({ op, name }) => op === "invoke-with-response-stream" && name.includes("anthropic"),
    );
    const upstream = await room.upstream(({ path }, reply) => {
      const { body } = packed[Number(/case-(\d+)/.exec(path)![1])]!;
      return stream(reply, body);
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    for (const [index, { body }] of packed.entries()) {
      const model = `bedrock/anthropic.claude-3-haiku-case-${index}`;
      const response = await gateway.fetch("/v1/messages", messages(model, { stream: true }));
      expect(response.headers.get("content-type")).toContain("text/event-stream");
      const text = await response.text();
      expect(checkMessagesStream(text)).toEqual([]);
      const sent = simpleFrames(body).map(({ event }) =>
        Buffer.from(String(event["bytes"]), "base64").toString(),
      );
      expect(eventsOf(text).map(({ data }) => data)).toEqual(sent);
      expect(upstream.requests[index]!.path).toContain("/invoke-with-response-stream");
    }
    await gateway.idle();
    expect(gateway.counted("tokens", "output")).toBeGreaterThan(0);
  });

  test("other models are asked in Converse", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(200, answered("Hi")));
    const gateway = room.gateway(configOf(upstream.base_url));
    const response = await gateway.fetch("/v1/messages", messages(`bedrock/${NOVA}`));
    expect(await response.json()).toMatchObject({ type: "message", content: [{ type: "text", text: "Hi" }] });
    expect(upstream.requests[0]!.path).toContain("/converse");
  });
});

describe("what goes wrong", () => {
  test("an exception before any content is tried again, with its status", async () => {
    let tries = 0;
    const upstream = await room.upstream((_, reply) => {
      tries += 1;
      const start = eventFrame("messageStart", { role: "assistant" });
      if (tries > 1) return stream(reply, said("ok"));
      return stream(reply, Buffer.concat([start, exceptionFrame("serviceUnavailableException", "busy")]));
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    const response = await gateway.chat({ model: `bedrock/${NOVA}`, stream: true });
    expect(await response.text()).toContain("ok");
    await gateway.idle();
    expect(gateway.counted("attempts", "in_band_503")).toBe(1);
  });

  test("throttled for good, a client hears 429 and the exception's name", async () => {
    const upstream = await room.upstream((_, reply) =>
      stream(reply, exceptionFrame("throttlingException", "Too many requests")),
    );
    const gateway = room.gateway(configOf(upstream.base_url));
    const response = await gateway.chat({ model: "once", stream: true });
    expect(response.status).toBe(429);
    expect(errorOf(await response.text())).toMatchObject({
      ...{ type: "rate_limit_error", code: "ThrottlingException", message: "Too many requests" },
    });
  });

  for (const format of ["chat", "messages"] as const)
    test(`a byte that is wrong in mid-stream ends it with the contract's error: ${format}`, async () => {
      const good = eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hello" } });
      const start = { type: "message_start", message: { id: "m", usage: { input_tokens: 1 } } };
      const packed = (event: unknown) =>
        eventFrame("chunk", { bytes: Buffer.from(JSON.stringify(event)).toString("base64") });
      const text = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } };
      const block = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
      const whole = format === "chat" ? [good] : [start, block, text].map(packed);
      const broken = Buffer.from(format === "chat" ? good : packed(text));
      broken[broken.length - 1]! ^= 1;
      const upstream = await room.upstream((_, reply) => stream(reply, Buffer.concat([...whole, broken])));
      const gateway = room.gateway(configOf(upstream.base_url));
      const response =
        format === "chat"
          ? await gateway.chat({ model: "once", stream: true })
          : await gateway.fetch("/v1/messages", messages(`bedrock/${CLAUDE}`, { stream: true }));
      expect(response.status).toBe(200);
      const events = eventsOf(await response.text());
      expect(events.some(({ data }) => data?.includes("Hello"))).toBe(true);
      const last = events.at(-1)!;
      expect(last.raw).toContain("event: error");
      const { error } = JSON.parse(last.data!) as {
        error: { code?: string; details?: { error_code: string } };
      };
      expect(error.code ?? error.details!.error_code).toBe("upstream_stream_interrupted");
    });

  test("a stream that is cut is told to be", async () => {
    const bytes = said("Hello", " there");
    const upstream = await room.upstream((_, reply) => stream(reply, bytes.subarray(0, 400)));
    const gateway = room.gateway(configOf(upstream.base_url));
    const text = await (await gateway.chat({ model: "once", stream: true })).text();
    expect(text).not.toContain("[DONE]");
    expect(text).toContain("upstream_stream_interrupted");
  });

  test("an error's status and the exception's name are kept", async () => {
    const upstream = await room.upstream((_, reply) =>
      reply.json(
        400,
        { message: "Input Tokens Exceeded" },
        {
          "x-amzn-errortype": "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
        },
      ),
    );
    const gateway = room.gateway(configOf(upstream.base_url));
    const response = await gateway.chat({ model: "once" });
    expect(response.status).toBe(400);
    expect(errorOf(await response.text())).toMatchObject({
      ...{ code: "ValidationException", message: "Input Tokens Exceeded" },
    });
    expect(gateway.kept.said.join()).not.toContain(SECRET);
  });
});

test("what is passed through is signed, its body too", async () => {
  const upstream = await room.upstream((_, reply) =>
    reply.json(200, { embedding: [1], inputTextTokenCount: 3 }),
  );
  const gateway = room.gateway(configOf(upstream.base_url));
  const path = "/bedrock/model/amazon.titan-embed-text-v2%3A0/invoke";
  const response = await gateway.fetch(path, {
    method: "POST",
    headers: { authorization: "AWS4-HMAC-SHA256 the client's own", "x-amz-date": "20200101T000000Z" },
    body: JSON.stringify({ inputText: "hi" }),
  });
  expect(await response.json()).toEqual({ embedding: [1], inputTextTokenCount: 3 });
  const [seen] = upstream.requests;
  expect(seen!.path).toBe(path.slice("/bedrock".length));
  expect(seen!.json()).toEqual({ inputText: "hi" });
  expect(isSigned(seen!)).toBe(true);
  await gateway.idle();
  expect(gateway.counted("tokens", "input")).toBe(3);
});

test("streams that are passed through stay as they are, and their usage is counted", async () => {
  const bytes = said("Hello");
  const packed = eventFrame("chunk", {
    bytes: Buffer.from(
      JSON.stringify({ "amazon-bedrock-invocationMetrics": { inputTokenCount: 30, outputTokenCount: 1 } }),
    ).toString("base64"),
  });
  const upstream = await room.upstream(({ path }, reply) =>
    stream(reply, path.includes("converse") ? bytes : packed),
  );
  const gateway = room.gateway(configOf(upstream.base_url));
  const asked = async (action: string) => {
    const response = await gateway.fetch(`/bedrock/model/m/${action}`, { method: "POST", body: "{}" });
    expect(response.headers.get("content-type")).toBe(EVENTS["content-type"]);
    return Buffer.from(await response.arrayBuffer());
  };
  expect((await asked("converse-stream")).equals(bytes)).toBe(true);
  await gateway.idle();
  expect([gateway.counted("tokens", "input"), gateway.counted("tokens", "output")]).toEqual([5, 7]);
  expect((await asked("invoke-with-response-stream")).equals(packed)).toBe(true);
  await gateway.idle();
  expect([gateway.counted("tokens", "input"), gateway.counted("tokens", "output")]).toEqual([35, 8]);
});

describe("embeddings", () => {
  const embed = async (
    gateway: ReturnType<typeof room.gateway>,
    model: string,
    more: Record<string, unknown>,
  ) => {
    const body = JSON.stringify({ model: `bedrock/${model}`, ...more });
    const response = await gateway.fetch("/v1/embeddings", { method: "POST", body });
    return (await response.json()) as {
      data: { index: number; embedding: number[] | string }[];
      usage: { prompt_tokens: number };
      error?: { param: string };
    };
  };

  test("Titan takes one text at a time: each is asked for, and signed", async () => {
    const upstream = await room.upstream((request, reply) => {
      const { inputText } = request.json() as { inputText: string };
      return reply.json(200, { embedding: [inputText.length, 0.5], inputTextTokenCount: 2 });
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    const input = ["a", "bb", "ccc"];
    const { data, usage } = await embed(gateway, "amazon.titan-embed-text-v2:0", { input, dimensions: 256 });
    expect(data).toEqual(
      input.map((text, index) => ({ object: "embedding", index, embedding: [text.length, 0.5] })),
    );
    expect(usage.prompt_tokens).toBe(6);
    expect(upstream.requests.map((seen) => [seen.path, seen.json(), isSigned(seen)])).toEqual(
      expect.arrayContaining(
        input.map((inputText) => [
          "/model/amazon.titan-embed-text-v2%3A0/invoke",
          { inputText, dimensions: 256 },
          true,
        ]),
      ),
    );
  });

  test.skipIf(CALLS.length === 0)("recorded answers of every maker", async () => {
    const recorded = CALLS.filter(({ op }) => op === "invoke");
    expect(recorded.length).toBe(8);
    const upstream = await room.upstream(async ({ path }, reply) => {
      await reply.head(200, { "content-type": "application/json" });
      await reply.chunk(recorded[Number(/case-(\d+)/.exec(path)![1])]!.body);
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    for (const [index, { body, model }] of recorded.entries()) {
      const said = JSON.parse(body.toString()) as {
        embedding?: number[];
        embeddings: { float: number[][] } | { embedding: number[] }[];
      };
      const vectors = said.embedding ?? said.embeddings;
      const wanted = Array.isArray(vectors)
        ? typeof vectors[0] === "number"
          ? [vectors]
          : (vectors as { embedding: number[] }[]).map(({ embedding }) => embedding)
        : vectors.float;
      const { data } = await embed(gateway, `${model}-case-${index}`, {
        input: "one",
        encoding_format: "base64",
      });
      const read = data.map(({ embedding }) => {
        const bytes = Buffer.from(String(embedding), "base64");
        return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
      });
      expect(read).toEqual(wanted.map((vector) => vector.map((value) => Math.fround(value as number))));
    }
  });

  test("Cohere takes many at once, and nobody knows how other models do it", async () => {
    const upstream = await room.upstream((request, reply) => {
      const { texts } = request.json() as { texts: string[] };
      return reply.json(200, { embeddings: { float: texts.map(() => [1]) } });
    });
    const gateway = room.gateway(configOf(upstream.base_url));
    const input = Array.from({ length: 100 }, () => "text");
    expect((await embed(gateway, "us.cohere.embed-v4:0", { input })).data.length).toBe(100);
    expect(upstream.requests.map((seen) => (seen.json() as { texts: string[] }).texts.length).sort()).toEqual(
      [4, 96],
    );
    expect((await embed(gateway, "some.model", { input })).error!.param).toBe("model");
  });
});
