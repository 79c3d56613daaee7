// Limits, budgets, costs and rows as a client and the ledger see them.

import { describe, expect, test } from "vitest";
import { chatCompletion } from "../scripted_upstream.ts";
import { rig, type TestGateway, until } from "./harness.ts";

const room = rig();

const KEY = { authorization: "Bearer key-of-acme" };

function config(base_url: string, key: string, model = "", provider = ""): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [secret-of-up]${provider} } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 }, price: { input_per_mtok: 1, cached_input_per_mtok: 0.5, output_per_mtok: 4 }${model} } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme, team: shop${key} }]
`;
}

const USAGE = {
  prompt_tokens: 1_000,
  completion_tokens: 50,
  total_tokens: 1_050,
  prompt_tokens_details: { cached_tokens: 400 },
};

async function plain(key: string, model = "", provider = ""): Promise<TestGateway> {
  const upstream = await room.upstream((_request, reply) =>
    reply.json(200, chatCompletion("yes", { usage: USAGE })),
  );
  return room.gateway(config(upstream.base_url, key, model, provider));
}

describe("a call", () => {
  test("leaves one row with who asked, what answered, what it used and what that cost to the nano-dollar", async () => {
    const gateway = await plain("");
    const response = await gateway.chat(
      { user: "body-user" },
      {
        headers: {
          ...KEY,
          "x-request-id": "mine",
          "x-venturi-feature": "search",
          "x-venturi-tags": "beta,region=eu",
        },
      },
    );
    // 600 plain tokens at 1 $, 400 cached at 0.5 $, 50 of output at 4 $ a million.
    const nano = 600 * 1_000 + 400 * 500 + 50 * 4_000;
    expect(response.headers.get("x-venturi-cost-usd")).toBe("0.001");
    expect(nano).toBe(1_000_000);
    expect(gateway.kept.rows()).toHaveLength(1);
    expect(gateway.kept.rows()[0]).toMatchObject({
      request_id: "mine",
      ...{ tenant: "acme", team: "shop", key: "acme-key", user: "body-user", feature: "search" },
      tags: { beta: "", region: "eu" },
      ...{ model: "chat", provider: "up", served_model: "gpt", status: 200, error: null },
      ...{ finish_reason: "stop", stream: false, estimated: false },
      usage: { input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 50 },
      ...{ cost_nano_usd: nano, price_version: "config" },
      attempts: [{ provider: "up", model: "gpt", outcome: "ok" }],
    });
    expect(gateway.kept.rows()[0]!.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("that is refused leaves its row too: a wrong key, a bad body, an unknown model", async () => {
    const gateway = await plain("");
    await gateway.chat({}, { headers: { authorization: "Bearer wrong" } });
    await gateway.fetch("/v1/chat/completions", { method: "POST", body: "no JSON", headers: KEY });
    await gateway.chat({ model: "nothing" }, { headers: KEY });
    expect(
      gateway.kept.rows().map(({ key, status, error, cost_nano_usd }) => [key, status, error, cost_nano_usd]),
    ).toEqual([
      [null, 401, "invalid_api_key", 0],
      ["acme-key", 400, "invalid_json", 0],
      ["acme-key", 404, "model_not_found", 0],
    ]);
  });

  test("of a model whose price nobody knows runs, costs null, and is told of once", async () => {
    const upstream = await room.upstream((_request, reply) => reply.json(200, chatCompletion("yes")));
    const gateway = room.gateway(
      `providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }`,
    );
    for (let index = 0; index < 2; index++) {
      const response = await gateway.chat({ model: "up/never-heard-of" });
      expect(response.status).toBe(200);
      expect(response.headers.get("x-venturi-cost-usd")).toBe(null);
    }
    expect(gateway.kept.rows().map(({ cost_nano_usd }) => cost_nano_usd)).toEqual([null, null]);
    expect(gateway.kept.said).toHaveLength(1);
    expect(gateway.kept.said[0]).toContain("up/never-heard-of");
  });

  test("whose provider tells no usage has its tokens counted after it is answered, and says that they are estimated", async () => {
    const fox = "The quick brown fox jumps over the lazy dog.";
    const upstream = await room.upstream(async (request, reply) => {
      const { stream } = request.json() as { stream?: boolean };
      if (stream !== true) return reply.json(200, chatCompletion(fox, { usage: null }));
      for (const word of fox.split(/(?= )/))
        void reply.sse({ choices: [{ index: 0, delta: { content: word } }] });
      void reply.sse({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
      return reply.sse("[DONE]");
    });
    const gateway = room.gateway(
      config(upstream.base_url, ", limits: { tpm: 10000 }", "", ", stream_usage: false"),
    );
    const response = await gateway.chat({}, { headers: KEY });
    // Nobody waits for the count, so the cost is not known yet.
    expect(response.headers.get("x-venturi-cost-usd")).toBe(null);
    await (await gateway.chat({ stream: true }, { headers: KEY })).text();
    await until(() => gateway.kept.rows().length === 2);
    // Ten tokens by o200k_base; of the prompt "user" and "Hello" with three for the message and three for the whole.
    const usage = { input_tokens: 8, output_tokens: 10 };
    const counted = { estimated: true, usage, cost_nano_usd: 8 * 1_000 + 10 * 4_000, status: 200 };
    expect(gateway.kept.rows()).toMatchObject([counted, counted]);
    const next = await gateway.chat({ max_tokens: 1 }, { headers: KEY });
    expect(Number(next.headers.get("x-ratelimit-remaining-tokens"))).toBeLessThanOrEqual(10_000 - 2 * 18);
    expect(Number(next.headers.get("x-ratelimit-remaining-tokens"))).toBeGreaterThan(10_000 - 2 * 18 - 40);
  });

  test("that fails at its first target leaves all its tries in one row, and pays for none of them", async () => {
    const broken = await room.upstream((_request, reply) =>
      reply.json(500, { error: { message: "broken" } }),
    );
    const good = await room.upstream((_request, reply) =>
      reply.json(200, chatCompletion("yes", { usage: USAGE })),
    );
    const gateway = room.gateway(`
providers:
  broken: { kind: openai, base_url: "${broken.base_url}", api_keys: [none] }
  good: { kind: openai, base_url: "${good.base_url}", api_keys: [none] }
models: { chat: { targets: [broken/a, good/b], retries: { attempts: 0 }, price: { input_per_mtok: 1, output_per_mtok: 1 } } }
`);
    await gateway.chat();
    expect(gateway.kept.rows()).toHaveLength(1);
    expect(gateway.kept.rows()[0]).toMatchObject({
      provider: "good",
      cost_nano_usd: 1_050_000,
      attempts: [
        { provider: "broken", outcome: "500" },
        { provider: "good", outcome: "ok" },
      ],
    });
  });

  test("that its client leaves in the middle is paid for as far as it came", async () => {
    const upstream = await room.upstream(async (_request, reply) => {
      for (let index = 0; index < 5; index++) {
        void reply.sse({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] });
      }
      await reply.never();
    });
    const gateway = room.gateway(config(upstream.base_url, ", limits: { concurrency: 1 }"));
    const controller = new AbortController();
    const response = await gateway.chat({ stream: true }, { headers: KEY, signal: controller.signal });
    const reader = response.body!.getReader();
    for (let seen = ""; seen.split("word ").length < 6; )
      seen += Buffer.from((await reader.read()).value!).toString();
    expect((await gateway.chat({}, { headers: KEY })).status).toBe(429);
    controller.abort();
    await gateway.idle();
    const row = gateway.kept.rows().at(-1)!;
    expect(row).toMatchObject({ status: 499, error: "client_closed", estimated: true, stream: true });
    expect(row.usage.output_tokens).toBeGreaterThanOrEqual(5);
    // Its place is free again.
    const again = await gateway.chat({ stream: true }, { headers: KEY });
    expect(again.status).toBe(200);
    await again.body!.cancel();
  });
});

describe("limits", () => {
  test("are told in headers, and over them a call gets 429 and when to try again", async () => {
    const gateway = await plain(", limits: { rpm: 2, tpm: 100000 }");
    const first = await gateway.chat({ max_tokens: 100 }, { headers: KEY });
    expect(
      Object.fromEntries([...first.headers].filter(([name]) => name.startsWith("x-ratelimit-"))),
    ).toMatchObject({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "1",
      "x-ratelimit-limit-tokens": "100000",
      // Settled before the answer is told: what it really used.
      "x-ratelimit-remaining-tokens": "98950",
    });
    expect(first.headers.get("x-ratelimit-reset-requests")).toMatch(/^(1m[01]s|60s|59s)$/);
    await gateway.chat({}, { headers: KEY });
    const third = await gateway.chat({}, { headers: KEY });
    expect(third.status).toBe(429);
    expect(Number(third.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(third.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(((await third.json()) as { error: object }).error).toMatchObject({
      type: "rate_limit_error",
      code: "rate_limit_exceeded",
    });
  });

  test("hold for a user, a team, a tenant and a model, each by itself", async () => {
    const upstream = await room.upstream((_request, reply) => reply.json(200, chatCompletion("yes")));
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models:
  narrow: { targets: [up/a], limits: { rpm: 1 } }
  chat: { targets: [up/b] }
keys:
  - { name: users, key: key-users, per_user: { rpm: 1 } }
  - { name: t1, key: key-t1, tenant: acme, team: shop }
  - { name: t2, key: key-t2, tenant: acme, team: shop }
  - { name: t3, key: key-t3, tenant: acme }
  - { name: free, key: key-free, tier: free }
teams: { acme/shop: { limits: { rpm: 2 } } }
tenants: { acme: { limits: { rpm: 3 } } }
tiers: { free: { limits: { rpm: 1 } } }
`);
    const ask = async (key: string, model = "chat", user?: string) => {
      const headers = {
        authorization: `Bearer ${key}`,
        ...(user === undefined ? {} : { "x-venturi-user": user }),
      };
      const response = await gateway.chat({ model }, { headers });
      return response.ok
        ? "ok"
        : ((await response.json()) as { error: { message: string } }).error.message.split(" may")[0];
    };
    expect(await ask("key-users", "chat", "ann")).toBe("ok");
    expect(await ask("key-users", "chat", "ann")).toBe("This user");
    expect(await ask("key-users", "chat", "bob")).toBe("ok");
    expect(await ask("key-t1")).toBe("ok");
    expect(await ask("key-t2")).toBe("ok");
    expect(await ask("key-t1")).toBe("Your team");
    expect(await ask("key-t3")).toBe("ok");
    expect(await ask("key-t3")).toBe("Your organisation");
    expect(await ask("key-free", "narrow")).toBe("ok");
    expect(await ask("key-free")).toBe("Your key");
    expect(await ask("key-users", "narrow", "cleo")).toBe("This model");
  });

  test("of money refuse a call that would cost too much, before it is sent", async () => {
    const gateway = await plain(", limits: { usd_per_day: 0.0021 }");
    // 1,050 tokens cost a thousandth of a dollar; each may cost 400 tokens at 4 $ a million by what it asks for.
    expect((await gateway.chat({ max_tokens: 400 }, { headers: KEY })).status).toBe(200);
    const second = await gateway.chat({ max_tokens: 400 }, { headers: KEY });
    expect(second.status).toBe(429);
    expect(((await second.json()) as { error: object }).error).toMatchObject({
      type: "insufficient_quota",
      code: "budget_exceeded",
    });
    expect((await gateway.chat({ max_tokens: 100 }, { headers: KEY })).status).toBe(200);
    expect(gateway.kept.rows().map(({ status }) => status)).toEqual([200, 429, 200]);
  });

  test("of a provider's key make the next key answer, then the next target", async () => {
    const seen: string[] = [];
    const upstream = await room.upstream((request, reply) => {
      seen.push(request.headers.get("authorization")!);
      return reply.json(200, chatCompletion("yes"));
    });
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [one, two], limits: { rpm: 1 } }
  spare: { kind: openai, base_url: "${upstream.base_url}", api_keys: [three] }
models: { chat: { targets: [up/a, spare/a], retries: { attempts: 0 } } }
`);
    for (let index = 0; index < 3; index++) expect((await gateway.chat()).status).toBe(200);
    expect(seen).toEqual(["Bearer one", "Bearer two", "Bearer three"]);
    expect(gateway.kept.rows().at(-1)!.provider).toBe("spare");
  });

  test("that a provider says are used up let its key rest until they are not", async () => {
    const seen: string[] = [];
    const upstream = await room.upstream((request, reply) => {
      seen.push(request.headers.get("authorization")!);
      return reply.json(200, chatCompletion("yes"), {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
      });
    });
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [one, two] } }
models: { chat: { targets: [up/a], retries: { attempts: 0 } } }
`);
    expect((await gateway.chat()).status).toBe(200);
    expect((await gateway.chat()).status).toBe(200);
    expect((await gateway.chat()).status).toBe(429);
    expect(new Set(seen)).toEqual(new Set(["Bearer one", "Bearer two"]));
  });
});

describe("a stream", () => {
  const chunk = (content: string, rest: object = {}) => ({
    ...{ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt" },
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    ...rest,
  });

  test("tells usage and cost to a client that asked for them", async () => {
    const upstream = await room.upstream(async (_request, reply) => {
      void reply.sse(chunk("yes"));
      void reply.sse({ ...chunk(""), choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
      void reply.sse({ ...chunk(""), choices: [], usage: USAGE });
      await reply.sse("[DONE]");
    });
    const gateway = room.gateway(config(upstream.base_url, ""));
    const asked = await gateway.chat(
      { stream: true, stream_options: { include_usage: true } },
      { headers: KEY },
    );
    const events = (await asked.text()).trim().split("\n\n");
    expect(JSON.parse(events.at(-2)!.slice(6))).toMatchObject({
      choices: [],
      usage: { ...USAGE, cost_usd: 0.001 },
    });
    const unasked = await gateway.chat({ stream: true }, { headers: KEY });
    expect(await unasked.text()).not.toContain("usage");
    expect(gateway.kept.rows().map(({ cost_nano_usd }) => cost_nano_usd)).toEqual([1_000_000, 1_000_000]);
  });

  test("that reaches its budget ends as one of full length, and says why", async () => {
    const upstream = await room.upstream(async (_request, reply) => {
      for (let index = 0; index < 2_000; index++) void reply.sse(chunk("and so on "));
      await reply.never();
    });
    // 0.004 dollars are 1,000 tokens of output.
    const gateway = room.gateway(config(upstream.base_url, ", limits: { usd_per_day: 0.004 }"));
    const response = await gateway.chat(
      { stream: true, max_tokens: 100, stream_options: { include_usage: true } },
      { headers: KEY },
    );
    const events = (await response.text()).trim().split("\n\n");
    expect(events.at(-1)).toBe("data: [DONE]");
    const usage = JSON.parse(events.at(-2)!.slice(6));
    expect(usage).toMatchObject({ id: "chatcmpl-1", model: "gpt", choices: [] });
    expect(usage.usage.completion_tokens).toBeLessThanOrEqual(1_000);
    expect(usage.usage.completion_tokens).toBeGreaterThan(900);
    expect(JSON.parse(events.at(-3)!.slice(6))).toMatchObject({
      choices: [{ index: 0, delta: {}, finish_reason: "length" }],
      venturi: { stopped: "budget_exceeded" },
    });
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ status: 200, finish_reason: "length", estimated: true });
    expect(row!.cost_nano_usd).toBeLessThanOrEqual(4_000_000);
    // The provider was told to stop.
    await upstream.requests[0]!.aborted;
    expect((await gateway.chat({ max_tokens: 100 }, { headers: KEY })).status).toBe(429);
  });
});

describe("a call that is passed through", () => {
  test("is accounted for by what its answer says in its own format, plain and streamed", async () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 0,
    };
    const upstream = await room.upstream((request, reply) => {
      const { stream } = request.json() as { stream?: boolean };
      if (stream !== true)
        return reply.json(200, { type: "message", model: "claude-haiku-4-5", content: [], usage });
      void reply.sse({
        type: "message_start",
        message: { type: "message", model: "claude-haiku-4-5", usage },
      });
      return reply.sse({ type: "message_delta", delta: {}, usage: { output_tokens: 7 } });
    });
    const gateway = room.gateway(
      `providers: { claude: { kind: anthropic, base_url: "${upstream.base_url.replace("/v1", "")}", api_keys: [none] } }`,
    );
    for (const stream of [false, true]) {
      const response = await gateway.fetch("/claude/v1/messages", {
        method: "POST",
        body: JSON.stringify({ stream }),
      });
      await response.text();
    }
    await gateway.idle();
    // 1 $ a million tokens of prompt, a tenth of it from the cache, 5 $ of answer.
    expect(gateway.kept.rows()).toMatchObject([
      {
        served_model: "claude-haiku-4-5",
        usage: { input_tokens: 110, cached_input_tokens: 100, output_tokens: 5 },
        cost_nano_usd: 10_000 + 10_000 + 25_000,
      },
      {
        served_model: "claude-haiku-4-5",
        usage: { input_tokens: 110, cached_input_tokens: 100, output_tokens: 7 },
        cost_nano_usd: 10_000 + 10_000 + 35_000,
      },
    ]);
  });
});

test("rows that wait to be written are told of in the metrics", async () => {
  const gateway = await plain("");
  const lag = async () =>
    /^venturi_ledger_lag_events (\d+)$/m.exec(await (await gateway.fetch("/metrics")).text())?.[1];
  expect(await lag()).toBe("0");
  await gateway.chat({}, { headers: KEY });
  await gateway.chat({}, { headers: KEY });
  expect(await lag()).toBe("2");
  gateway.kept.rows();
  expect(await lag()).toBe("0");
});
