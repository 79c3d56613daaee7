// Residency: what may not leave a region is refused rather than sent elsewhere, whatever fails.

import { expect, test } from "vitest";
import { chatCompletion } from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();

/** Providers in three places and one of which nobody says where it is; the European one fails. */
async function gateway() {
  const asked: string[] = [];
  const provider = async (name: string, status: number) => {
    const upstream = await room.upstream((_request, reply) => {
      asked.push(name);
      return reply.json(status, status === 200 ? chatCompletion(name) : { error: { message: "down" } });
    });
    return `kind: openai, base_url: "${upstream.base_url}", api_keys: [none]`;
  };
  const made = room.gateway(`
providers:
  frankfurt: { ${await provider("frankfurt", 500)}, region: eu-central-1 }
  ohio: { ${await provider("ohio", 200)}, region: us-east-2 }
  somewhere: { ${await provider("somewhere", 200)} }
models:
  chat: { targets: [frankfurt/m, ohio/m, somewhere/m], retries: { attempts: 0 }, fallbacks: [sim/echo] }
  european: { targets: [frankfurt/m, ohio/m], retries: { attempts: 0 }, region: eu, fallbacks: [ohio/m] }
keys: [{ name: free, key: key-free }, { name: american, key: key-american, region: us }]
`);
  return { asked, made };
}

async function ask(
  made: Awaited<ReturnType<typeof gateway>>["made"],
  key: string,
  model: string,
  region?: string,
  path = "/v1/chat/completions",
) {
  const response = await made.fetch(path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      ...(region === undefined ? {} : { "x-venturi-region": region }),
    },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
  });
  const text = await response.text();
  return { status: response.status, text };
}

test("without a demand a call goes anywhere", async () => {
  const { asked, made } = await gateway();
  expect((await ask(made, "key-free", "chat")).status).toBe(200);
  expect(asked).toEqual(["frankfurt", "ohio"]);
});

test("a caller's, a model's and a key's demand hold through every failure", async () => {
  const { asked, made } = await gateway();
  expect((await ask(made, "key-free", "chat", "EU")).status).toBe(500);
  expect((await ask(made, "key-free", "european")).status).toBe(500);
  expect(asked).toEqual(["frankfurt", "frankfurt"]);
  expect((await ask(made, "key-american", "chat")).status).toBe(200);
  expect(asked.at(-1)).toBe("ohio");
});

test("where nothing lies in all that is demanded, nothing is asked", async () => {
  const { asked, made } = await gateway();
  for (const [key, model, region, path] of [
    ["key-free", "chat", "asia"],
    ["key-free", "chat", "eu-central-1-a"],
    ["key-american", "european"],
    ["key-american", "chat", "eu"],
    ["key-american", "somewhere/m"],
    ["key-american", "m", undefined, "/somewhere/v1/chat/completions"],
  ] as const) {
    const { status, text } = await ask(made, key, model, region, path);
    expect([status, errorOf(text).code]).toEqual([400, "content_blocked"]);
  }
  expect(asked).toEqual([]);
});
