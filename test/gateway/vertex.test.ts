// Vertex behind the gateway: Gemini and Claude by their own words at one provider, with tokens that are asked for when they are needed.

import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkChatStream } from "../dialects/grammar/chat.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const PLACE = "/v1/projects/p-1/locations/europe-west4";
const FIXTURES = new URL("../../../shared/fixtures/", import.meta.url).pathname;

const GEMINI_ANSWER = {
  candidates: [
    { content: { role: "model", parts: [{ text: "Hello there" }] }, finishReason: "STOP", index: 0 },
  ],
  usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 7, totalTokenCount: 12 },
  modelVersion: "gemini-2.5-flash",
};
const CLAUDE_ANSWER = {
  ...{ id: "msg_vrtx_1", type: "message", role: "assistant", model: "claude-sonnet-4-5" },
  content: [{ type: "text", text: "Hi" }],
  ...{ stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 3, output_tokens: 4 } },
};

/** A server of tokens that names them by their number, and whether each claim was signed as it has to be. */
async function tokenServer(lifetime_s = 3600, status = 200) {
  const claims: Record<string, unknown>[] = [];
  const server = await room.upstream(async (request, reply) => {
    const form = new URLSearchParams(request.text());
    const [head, claim, signature] = form.get("assertion")!.split(".");
    const key = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));
    const is_good = verify(
      "RSA-SHA256",
      Buffer.from(`${head}.${claim}`),
      key,
      Buffer.from(signature!, "base64url"),
    );
    if (!is_good) return reply.json(400, { error: "invalid_grant" });
    claims.push({
      ...(JSON.parse(Buffer.from(head!, "base64url").toString()) as object),
      ...(JSON.parse(Buffer.from(claim!, "base64url").toString()) as object),
    });
    if (status !== 200)
      return reply.json(status, { error: "invalid_grant", error_description: "secret things" });
    return reply.json(200, {
      access_token: `token-${claims.length}`,
      expires_in: lifetime_s,
      token_type: "Bearer",
    });
  });
  const credentials = JSON.stringify({
    ...{ type: "service_account", project_id: "p-1", private_key_id: "kid-1", private_key: PEM },
    ...{ client_email: "robot@p-1.iam.gserviceaccount.com", token_uri: `${server.base_url}/token` },
  });
  return { server, claims, credentials };
}

function configOf(base_url: string, credentials: string): string {
  return `
providers:
  vertex:
    kind: vertex
    base_url: "${base_url}"
    google: { location: europe-west4, credentials: ${credentials} }
models:
  once: { targets: [vertex/gemini-2.5-flash], retries: { attempts: 0 } }
`;
}

describe("Gemini", () => {
  test("is asked by a chat at its place in the project, with a token that the account signed for", async () => {
    const { claims, credentials, server } = await tokenServer();
    const upstream = await room.upstream((_, reply) => reply.json(200, GEMINI_ANSWER));
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const response = await gateway.chat({ model: "vertex/gemini-2.5-flash" });
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: "Hello there" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 7 },
    });
    const [seen] = upstream.requests;
    expect(seen!.path).toBe(`${PLACE}/publishers/google/models/gemini-2.5-flash:generateContent`);
    expect(seen!.headers.get("authorization")).toBe("Bearer token-1");
    expect(claims).toEqual([
      {
        ...{ alg: "RS256", typ: "JWT", kid: "kid-1", iss: "robot@p-1.iam.gserviceaccount.com" },
        ...{ scope: "https://www.googleapis.com/auth/cloud-platform", aud: `${server.base_url}/token` },
        ...{ iat: expect.any(Number) as number, exp: Number(claims[0]!["iat"]) + 3600 },
      },
    ]);
  });

  test.skipIf(!existsSync(FIXTURES))("streams to clients of chat and of its own", async () => {
    const { credentials } = await tokenServer();
    const index = readFileSync(`${FIXTURES}index.jsonl`, "utf8").trim().split("\n");
    const streams = index
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(
        ({ provider, kind, model }) =>
          provider === "vertex" && kind === "sse" && model === "gemini-2.5-flash",
      );
    expect(streams.length).toBe(10);
    const upstream = await room.upstream(async ({ path }, reply) => {
      const { case: name } = streams[Number(/case-(\d+)/.exec(path)![1])]!;
      await reply.head(200, { "content-type": "text/event-stream" });
      await reply.chunk(readFileSync(`${FIXTURES}${String(name)}/response.body`));
    });
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    for (const number of streams.keys()) {
      const model = `vertex/gemini-case-${number}`;
      const chat = await gateway.chat({ model, stream: true });
      expect(checkChatStream(await chat.text())).toEqual([]);
      const own = await gateway.fetch(`/v1beta/models/${model}:streamGenerateContent?alt=sse`, {
        method: "POST",
        body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: "hi" }] }] }),
      });
      expect(own.status).toBe(200);
      expect(await own.text()).toContain("finishReason");
    }
    expect(new Set(upstream.requests.map(({ path }) => path.slice(path.lastIndexOf(":"))))).toEqual(
      new Set([":streamGenerateContent?alt=sse"]),
    );
  });

  test("embeds texts by predict", async () => {
    const { credentials } = await tokenServer();
    const upstream = await room.upstream((request, reply) => {
      const { instances } = request.json() as { instances: unknown[] };
      const values = [0.5, -1];
      return reply.json(200, {
        predictions: instances.map(() => ({ embeddings: { values, statistics: { token_count: 2 } } })),
      });
    });
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const response = await gateway.fetch("/v1/embeddings", {
      method: "POST",
      body: JSON.stringify({ model: "vertex/text-embedding-005", input: ["a", "b"], dimensions: 2 }),
    });
    expect(await response.json()).toEqual({
      object: "list",
      data: [0, 1].map((index) => ({ object: "embedding", index, embedding: [0.5, -1] })),
      model: "vertex/text-embedding-005",
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
    const [seen] = upstream.requests;
    expect(seen!.path).toBe(`${PLACE}/publishers/google/models/text-embedding-005:predict`);
    expect(seen!.json()).toEqual({
      instances: [{ content: "a" }, { content: "b" }],
      parameters: { outputDimensionality: 2 },
    });
    await gateway.idle();
    expect(gateway.counted("tokens", "input")).toBe(4);
  });
});

test("texts that are embedded one at a time come back in their order; one that fails fails the call", async () => {
  const { credentials } = await tokenServer();
  const texts = Array.from({ length: 30 }, (_, index) => `text ${index}`);
  const upstream = await room.upstream((request, reply) => {
    const [{ content }] = (request.json() as { instances: [{ content: string }] }).instances;
    if (content === "bad")
      return reply.json(400, { error: { code: 400, message: "no", status: "INVALID_ARGUMENT" } });
    const values = [Number(content.split(" ")[1])];
    return reply.json(200, { predictions: [{ embeddings: { values, statistics: { token_count: 2 } } }] });
  });
  const gateway = room.gateway(configOf(upstream.base_url, credentials));
  const asked = (input: readonly string[]) =>
    gateway.fetch("/v1/embeddings", {
      method: "POST",
      body: JSON.stringify({ model: "vertex/gemini-embedding-001", input }),
    });
  const { data, usage } = (await (await asked(texts)).json()) as {
    data: { index: number; embedding: number[] }[];
    usage: { prompt_tokens: number };
  };
  expect(data.map(({ index, embedding }) => [index, ...embedding])).toEqual(
    texts.map((_, index) => [index, index]),
  );
  expect(usage.prompt_tokens).toBe(60);
  expect(upstream.requests.length).toBe(30);
  const failed = await asked([...texts.slice(0, 3), "bad"]);
  expect(failed.status).toBe(400);
  expect(errorOf(await failed.text()).message).toBe("no");
});

describe("Claude", () => {
  const PATH = `${PLACE}/publishers/anthropic/models/claude-sonnet-4-5%4020250929`;
  const asked = (stream: boolean): RequestInit => ({
    method: "POST",
    headers: { "anthropic-beta": "advanced-tool-use-2025-11-20,some-new-2030-01-01" },
    body: JSON.stringify({
      ...{ model: "vertex/claude-sonnet-4-5@20250929", max_tokens: 9, stream },
      messages: [{ role: "user", content: "hi" }],
    }),
  });

  test("is asked in its own words by clients of Messages", async () => {
    const { credentials } = await tokenServer();
    const upstream = await room.upstream((_, reply) => reply.json(200, CLAUDE_ANSWER));
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const response = await gateway.fetch("/v1/messages", asked(false));
    expect(await response.json()).toEqual(CLAUDE_ANSWER);
    const [seen] = upstream.requests;
    expect(seen!.path).toBe(`${PATH}:rawPredict`);
    expect(seen!.headers.get("anthropic-beta")).toBe("tool-search-tool-2025-10-19");
    expect(seen!.json()).toEqual({
      ...{ max_tokens: 9, messages: [{ role: "user", content: "hi" }], stream: false },
      anthropic_version: "vertex-2023-10-16",
    });
  });

  test("streams, and is asked so by a chat too", async () => {
    const { credentials } = await tokenServer();
    const events = [
      { type: "message_start", message: { ...CLAUDE_ANSWER, content: [], stop_reason: null } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 4 } },
      { type: "message_stop" },
    ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, { "content-type": "text/event-stream" });
      await reply.chunk(events.join(""));
    });
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const own = await gateway.fetch("/v1/messages", asked(true));
    // What it costs is told with the usage.
    expect((await own.text()).replace(/,"cost_usd":[\d.]+/, "")).toBe(events.join(""));
    const model = "vertex/claude-sonnet-4-5@20250929";
    const chat = await gateway.chat({ model, stream: true, service_tier: "auto" });
    expect(chat.headers.get("x-venturi-dropped")).toBe("service_tier");
    const text = await chat.text();
    expect(checkChatStream(text)).toEqual([]);
    expect(text).toContain('"content":"Hi"');
    for (const seen of upstream.requests) {
      expect(seen.path).toBe(`${PATH}:streamRawPredict`);
      expect(seen.json()).toMatchObject({ stream: true, anthropic_version: "vertex-2023-10-16" });
      expect(seen.json()).not.toHaveProperty("model");
    }
  });
});

test("tokens are counted by whoever makes the model, for clients of either format", async () => {
  const { credentials } = await tokenServer();
  const upstream = await room.upstream(({ path }, reply) =>
    reply.json(200, path.endsWith(":countTokens") ? { totalTokens: 22 } : { input_tokens: 11 }),
  );
  const gateway = room.gateway(configOf(upstream.base_url, credentials));
  const counted = async (path: string, body: unknown) => {
    const response = await gateway.fetch(path, { method: "POST", body: JSON.stringify(body) });
    return (await response.json()) as unknown;
  };
  const contents = [{ role: "user", parts: [{ text: "hi" }] }];
  const messages = [{ role: "user", content: "hi" }];
  const claude = "vertex/claude-sonnet-4-5@20250929";
  const gemini = "vertex/gemini-2.5-flash";
  expect(await counted(`/v1beta/models/${gemini}:countTokens`, { contents })).toMatchObject({
    totalTokens: 22,
  });
  expect(await counted("/v1/messages/count_tokens", { model: gemini, messages })).toEqual({
    input_tokens: 22,
  });
  expect(await counted("/v1/messages/count_tokens", { model: claude, messages })).toEqual({
    input_tokens: 11,
  });
  expect(upstream.requests.map(({ path }) => path.slice(PLACE.length))).toEqual([
    "/publishers/google/models/gemini-2.5-flash:countTokens",
    "/publishers/google/models/gemini-2.5-flash:countTokens",
    "/publishers/anthropic/models/count-tokens:rawPredict",
  ]);
  expect(upstream.requests.map((seen) => seen.json())).toEqual([
    { contents },
    { contents },
    { model: "claude-sonnet-4-5@20250929", messages },
  ]);
});

test("models of other makers are asked at the compatible endpoint", async () => {
  const { credentials } = await tokenServer();
  const upstream = await room.upstream((_, reply) =>
    reply.json(200, { choices: [], object: "chat.completion" }),
  );
  const gateway = room.gateway(configOf(upstream.base_url, credentials));
  await gateway.chat({ model: "vertex/meta/llama-3.3-70b-instruct-maas" });
  const [seen] = upstream.requests;
  expect(seen!.path).toBe(`${PLACE}/endpoints/openapi/chat/completions`);
  expect(seen!.json()).toMatchObject({ model: "meta/llama-3.3-70b-instruct-maas" });
});

describe("tokens", () => {
  test("however many calls wait, one is asked for; one that has ended is asked for anew, once", async () => {
    const { claims, credentials } = await tokenServer(0.5);
    const upstream = await room.upstream((_, reply) => reply.json(200, GEMINI_ANSWER));
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const many = () => Promise.all(Array.from({ length: 20 }, () => gateway.chat({ model: "once" })));
    for (const response of await many()) expect(response.status).toBe(200);
    expect(claims.length).toBe(1);
    await Bun.sleep(500);
    for (const response of await many()) expect(response.status).toBe(200);
    expect(claims.length).toBe(2);
    const used = upstream.requests.map(({ headers }) => headers.get("authorization"));
    expect(used.slice(20)).toEqual(Array.from({ length: 20 }, () => "Bearer token-2"));
  });

  test("one that was taken and is refused now is renewed; an account that may not call rests", async () => {
    const { claims, credentials } = await tokenServer();
    let refused = "Bearer none";
    const upstream = await room.upstream(({ headers }, reply) =>
      headers.get("authorization") === refused
        ? reply.json(401, { error: { code: 401, message: "expired", status: "UNAUTHENTICATED" } })
        : reply.json(200, GEMINI_ANSWER),
    );
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const asked = () => gateway.chat({ model: "vertex/gemini-2.5-flash" });
    expect((await asked()).status).toBe(200);
    refused = "Bearer token-1";
    for (const response of await Promise.all([asked(), asked(), asked()])) expect(response.status).toBe(200);
    expect(claims.length).toBe(2);
    upstream.use((_, reply) => reply.json(401, { error: { code: 401, message: "no" } }));
    expect((await asked()).status).not.toBe(200);
    expect(claims.length).toBe(3);
  });

  test("where none is to be had, the client hears so, and of no secret", async () => {
    const { credentials } = await tokenServer(3600, 400);
    const upstream = await room.upstream((_, reply) => reply.json(200, GEMINI_ANSWER));
    const gateway = room.gateway(configOf(upstream.base_url, credentials));
    const response = await gateway.chat({ model: "once" });
    expect(response.status).toBe(502);
    const { message, code } = errorOf(await response.text());
    expect(code).toBe("upstream_error");
    expect(message).toContain("gave no access token: status 400 (invalid_grant)");
    expect(message).not.toContain("secret things");
    expect(upstream.requests.length).toBe(0);
    expect(gateway.kept.said.join()).not.toContain("PRIVATE KEY");
  });
});
