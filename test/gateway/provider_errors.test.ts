// What providers of other formats say when they fail: when to ask again, whose key is refused, and under which status.

import { expect, test } from "vitest";
import type { Reply } from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();

const google = (code: number, status: string, ...details: object[]) => ({
  error: { code, status, message: `${status} it is`, details },
});
const RETRY = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0.2s" };
const INVALID_KEY = {
  ...{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" },
  domain: "googleapis.com",
};
const ANSWER = {
  candidates: [{ content: { role: "model", parts: [{ text: "yes" }] }, finishReason: "STOP", index: 0 }],
  usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
};

async function asked(
  kind: "gemini" | "anthropic",
  replies: readonly ((reply: Reply) => unknown)[],
  { attempts = 1, keys = ["one"] }: { attempts?: number; keys?: readonly string[] } = {},
) {
  let at = 0;
  const upstream = await room.upstream((_, reply) => replies[Math.min(at++, replies.length - 1)]!(reply));
  const gateway = room.gateway(`
providers:
  up: { kind: ${kind}, base_url: "${upstream.base_url}", api_keys: [${keys.join(", ")}] }
models:
  chat: { targets: [{ provider: up, model: m }], retries: { attempts: ${attempts}, backoff_ms: 1 } }`);
  const began_ms = performance.now();
  const response = await gateway.chat();
  return { response, text: await response.text(), took_ms: performance.now() - began_ms, upstream };
}

test("Gemini tells in its body when to ask again", async () => {
  const { response, took_ms, upstream } = await asked("gemini", [
    (reply) => reply.json(429, google(429, "RESOURCE_EXHAUSTED", RETRY)),
    (reply) => reply.json(200, ANSWER),
  ]);
  expect(response.status).toBe(200);
  expect(upstream.requests).toHaveLength(2);
  expect(took_ms).toBeGreaterThanOrEqual(200);
  const { response: given, text } = await asked(
    "gemini",
    [(reply) => reply.json(429, [google(429, "RESOURCE_EXHAUSTED", { ...RETRY, retryDelay: "34s" })])],
    { attempts: 0 },
  );
  expect(given.status).toBe(429);
  expect(given.headers.get("retry-after")).toBe("34");
  expect(errorOf(text).message).toBe("RESOURCE_EXHAUSTED it is");
});

test("a key that Gemini refuses under 400 goes out of rotation, and is nothing of the client's", async () => {
  const refused = (reply: Reply) => reply.json(400, google(400, "INVALID_ARGUMENT", INVALID_KEY));
  const { response, upstream } = await asked("gemini", [refused, (reply) => reply.json(200, ANSWER)], {
    keys: ["one", "two"],
  });
  expect(response.status).toBe(200);
  expect(new Set(upstream.requests.map(({ headers }) => headers.get("x-goog-api-key"))).size).toBe(2);
  const { response: given, text } = await asked("gemini", [refused]);
  expect(given.status).toBe(502);
  expect(errorOf(text).code).toBe("upstream_credentials_exhausted");
});

test("what is wrong with a request is named", async () => {
  const violation = {
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: [{ field: "contents[0].parts", description: "empty" }],
  };
  const { response, text } = await asked("gemini", [
    (reply) => reply.json(400, google(400, "INVALID_ARGUMENT", violation)),
  ]);
  expect(response.status).toBe(400);
  expect(errorOf(text)).toMatchObject({ param: "contents[0].parts", message: "INVALID_ARGUMENT it is" });
});

test("Anthropic's statuses and causes are kept", async () => {
  const { response, text } = await asked(
    "anthropic",
    [
      (reply) =>
        reply.json(529, {
          type: "error",
          error: { type: "overloaded_error", message: "busy", details: { error_code: "busy_now" } },
        }),
    ],
    { attempts: 0 },
  );
  expect(response.status).toBe(529);
  expect(errorOf(text)).toMatchObject({ type: "overloaded_error", message: "busy", code: "busy_now" });
});

test("errors in a stream of Responses are read as that format has them", async () => {
  for (const event of [
    { type: "error", code: "rate_limit_exceeded", message: "slow down", param: null, sequence_number: 1 },
    { type: "error", error: { type: "rate_limit_error", code: "rate_limit_exceeded", message: "slow down" } },
    {
      type: "response.failed",
      response: { status: "failed", error: { code: "rate_limit_exceeded", message: "slow down" } },
    },
  ]) {
    const upstream = await room.upstream((_, reply) => {
      reply.sse(event);
      return reply.end();
    });
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none], responses: true }
models:
  m: { targets: [{ provider: up, model: m }], retries: { attempts: 0 } }`);
    const response = await gateway.fetch("/v1/responses", {
      method: "POST",
      body: JSON.stringify({ model: "m", input: "hi", stream: true }),
    });
    expect(response.status).toBe(429);
    expect(errorOf(await response.text())).toMatchObject({
      ...{ type: "rate_limit_error", code: "rate_limit_exceeded", message: "slow down" },
    });
  }
});
