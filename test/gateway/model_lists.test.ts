// The list of models as clients of three formats read it, by their own SDKs; and what only some of them are told in headers.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { expect, test } from "vitest";
import { rig } from "./harness.ts";

const room = rig();

const many = Array.from(
  { length: 45 },
  (_, index) => `  m${index}: { targets: [{ provider: sim, model: echo }] }`,
);
const YAML = `models:\n${many.join("\n")}`;
const NAMES = [...many.keys()].map((index) => `m${index}`);

test("OpenAI's has all at once", async () => {
  const { port } = room.gateway(YAML);
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none" });
  const { data } = await client.models.list();
  expect(data.slice(0, 45).map(({ id }) => id)).toEqual(NAMES);
  expect(data[0]!.object).toBe("model");
});

test("Anthropic's has pages", async () => {
  const { port } = room.gateway(YAML);
  const client = new Anthropic({ baseURL: `http://127.0.0.1:${port}`, apiKey: "none", maxRetries: 0 });
  const first = await client.models.list();
  expect(first.data).toHaveLength(20);
  expect(first).toMatchObject({ has_more: true, first_id: "m0", last_id: "m19" });
  expect(first.data[0]).toEqual({
    ...{ type: "model", id: "m0", display_name: "m0", created_at: "2026-01-01T00:00:00Z" },
  });
  const ids: string[] = [];
  for await (const { id } of client.models.list({ limit: 7 })) ids.push(id);
  expect(ids.slice(0, 45)).toEqual(NAMES);
  expect(new Set(ids).size).toBe(ids.length);
  const back = await client.models.list({ limit: 5, before_id: "m10" });
  expect(back.data.map(({ id }) => id)).toEqual(["m5", "m6", "m7", "m8", "m9"]);
  expect(back.has_more).toBe(true);
  expect((await client.models.retrieve("m3")).display_name).toBe("m3");
  await expect(client.models.retrieve("nothing")).rejects.toMatchObject({
    status: 404,
    error: { type: "error", error: { type: "not_found_error" } },
  });
  await expect(client.models.list({ limit: 2_000 })).rejects.toMatchObject({ status: 400 });
});

test("Gemini's says what each can do", async () => {
  const { port, fetch } = room.gateway(YAML);
  const client = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: `http://127.0.0.1:${port}` } });
  const names: string[] = [];
  for await (const { name } of await client.models.list({ config: { pageSize: 8 } })) names.push(name!);
  expect(names.slice(0, 45)).toEqual(NAMES.map((name) => `models/${name}`));
  const body = (await (await fetch("/v1beta/models/m7")).json()) as object;
  expect(body).toMatchObject({
    name: "models/m7",
    supportedGenerationMethods: expect.arrayContaining(["generateContent", "countTokens"]),
  });
  const missing = await fetch("/v1beta/models/nothing");
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error: { code: 404, status: "NOT_FOUND" } });
});

test("Anthropic's clients read limits and the request's name in their own headers", async () => {
  const gateway = room.gateway(`
keys: [{ name: k, key: key-of-a-client, limits: { rpm: 5, tpm: 100000 } }]
models:
  m: { targets: [{ provider: sim, model: echo }] }`);
  const ask = (path: string) =>
    gateway.fetch(path, {
      method: "POST",
      headers: { "x-api-key": "key-of-a-client" },
      body: JSON.stringify({ model: "m", max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
    });
  const before_s = Math.floor(Date.now() / 1_000);
  const { headers } = await ask("/v1/messages");
  expect(headers.get("request-id")).toBe(headers.get("x-request-id"));
  expect(headers.get("anthropic-ratelimit-requests-limit")).toBe("5");
  expect(headers.get("anthropic-ratelimit-requests-remaining")).toBe("4");
  expect(headers.get("anthropic-ratelimit-tokens-limit")).toBe("100000");
  const reset = headers.get("anthropic-ratelimit-requests-reset")!;
  expect(reset).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(Date.parse(reset) / 1_000).toBeGreaterThan(before_s);
  expect(Date.parse(reset) / 1_000).toBeLessThan(before_s + 70);
  expect([...headers.keys()].some((name) => name.startsWith("x-ratelimit-"))).toBe(false);
  const other = (await ask("/v1/chat/completions")).headers;
  expect(other.get("x-ratelimit-remaining-requests")).toBe("3");
  expect(other.get("request-id")).toBe(null);
  expect([...other.keys()].some((name) => name.startsWith("anthropic-"))).toBe(false);
});
