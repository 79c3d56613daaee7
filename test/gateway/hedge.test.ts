// A second target that is asked beside a slow first: who answers, what becomes of the other, and what is kept of both.

import { describe, expect, test } from "vitest";
import { chatChunks, chatCompletion, type Script, type ScriptedUpstream } from "../scripted_upstream.ts";
import { errorOf, rig, until } from "./harness.ts";

const room = rig();

const says =
  (text: string): Script =>
  (_, reply) =>
    reply.json(200, chatCompletion(text));
const streams =
  (text: string): Script =>
  async (_, reply) => {
    for (const chunk of chatChunks(text)) await reply.sse(chunk);
    await reply.sse("[DONE]");
  };
/** Takes the request and never answers. */
const silent: Script = (_, reply) => reply.never();
const failing: Script = (_, reply) => reply.json(500, { error: { message: "broken", type: "t", code: "c" } });

/** A model of two targets at two providers. */
function pair(first: ScriptedUpstream, second: ScriptedUpstream, rest = ""): string {
  return `
providers:
  first: { kind: openai, base_url: "${first.base_url}", api_keys: [none] }
  second: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }
models:
  chat:
    targets: [first/a, second/b]
    retries: { attempts: 0 }
    hedge: { after: 20ms, max_extra: 1 }
    price: { input_per_mtok: 1, output_per_mtok: 1 }
    ${rest}
`;
}

/** The outcomes of the tries of the only call, as `provider outcome`. */
function outcomes(kept: { rows(): readonly { readonly attempts: readonly unknown[] }[] }): string[] {
  const [row, ...more] = kept.rows();
  expect(more).toEqual([]);
  return (row!.attempts as { provider: string; outcome: string }[]).map(
    ({ provider, outcome }) => `${provider} ${outcome}`,
  );
}

describe("a plain call", () => {
  test("is answered by the second target where the first is slow, and the first is aborted", async () => {
    const first = await room.upstream(silent);
    const second = await room.upstream(says("from the second"));
    const gateway = room.gateway(pair(first, second));
    const response = await gateway.chat();
    expect(await response.json()).toEqual(chatCompletion("from the second"));
    expect(response.headers.get("x-venturi-provider")).toBe("second");
    expect(response.headers.get("x-venturi-attempts")).toBe("2");
    await first.requests[0]!.aborted;
    await first.closed(1);
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first hedge_lost", "second hedge_won"]);
    expect(gateway.kept.rows()[0]).toMatchObject({ provider: "second", served_model: "b", status: 200 });
    expect(gateway.counted("attempts", "hedge_lost")).toBe(1);
    expect(gateway.counted("attempts", "hedge_won")).toBe(1);
  });

  test("is answered by the first where that is the faster in the end, and the second is aborted", async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const first = await room.upstream(async (_, reply) => {
      await asked;
      await reply.json(200, chatCompletion("from the first"));
    });
    const second = await room.upstream((_, reply) => {
      ask();
      return reply.never();
    });
    const gateway = room.gateway(pair(first, second));
    const response = await gateway.chat();
    expect(await response.json()).toEqual(chatCompletion("from the first"));
    expect(response.headers.get("x-venturi-provider")).toBe("first");
    await second.requests[0]!.aborted;
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first ok", "second hedge_lost"]);
    expect(gateway.kept.rows()[0]).toMatchObject({ provider: "first", served_model: "a" });
  });

  test("has no second where the first answers in time", async () => {
    const first = await room.upstream(says("in time"));
    const second = await room.upstream(says("from the second"));
    const gateway = room.gateway(pair(first, second).replace("after: 20ms", "after: 5s"));
    await (await gateway.chat()).json();
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first ok"]);
    expect(second.requests).toEqual([]);
  });

  test("goes on with the first where the second fails", async () => {
    const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
    const first = await room.upstream(async (_, reply) => {
      await failed;
      await reply.json(200, chatCompletion("from the first"));
    });
    const second = await room.upstream(async (request, reply) => {
      await failing(request, reply);
      fail();
    });
    const gateway = room.gateway(pair(first, second));
    expect(await (await gateway.chat()).json()).toEqual(chatCompletion("from the first"));
    await gateway.idle();
    expect(gateway.kept.rows()[0]!.attempts.map(({ provider }) => provider)).toEqual(["first", "second"]);
    expect(gateway.kept.rows()[0]!.attempts[0]!.outcome).toBe("ok");
  });

  test("goes on with the second where the first fails while both are asked", async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const first = await room.upstream(async (request, reply) => {
      await asked;
      await failing(request, reply);
    });
    const second = await room.upstream(async (_, reply) => {
      ask();
      await until(() => gateway.gateway.calls.size === 1 && first.requests.length === 1);
      await reply.json(200, chatCompletion("from the second"));
    });
    const gateway = room.gateway(pair(first, second));
    expect(await (await gateway.chat()).json()).toEqual(chatCompletion("from the second"));
    await gateway.idle();
    const [one, other] = gateway.kept.rows()[0]!.attempts;
    expect(["500", "hedge_lost"]).toContain(one!.outcome);
    expect(other!.outcome).toBe("hedge_won");
  });

  test("goes on to retries and fallbacks where both fail", async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const first = await room.upstream(async (request, reply) => {
      await asked;
      await failing(request, reply);
    });
    const second = await room.upstream(async (request, reply) => {
      ask();
      await failing(request, reply);
    });
    const third = await room.upstream(says("from the fallback"));
    const gateway = room.gateway(
      pair(first, second, "fallbacks: [third/c]").replace(
        "models:",
        `  third: { kind: openai, base_url: "${third.base_url}", api_keys: [none] }\nmodels:`,
      ),
    );
    expect(await (await gateway.chat()).json()).toEqual(chatCompletion("from the fallback"));
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first 500", "second 500", "second 500", "third ok"]);
  });

  test("aborts both where its client leaves", async () => {
    const first = await room.upstream(silent);
    const second = await room.upstream(silent);
    const gateway = room.gateway(pair(first, second));
    const leaving = new AbortController();
    const response = gateway.chat({}, { signal: leaving.signal }).catch(() => "gone");
    await second.waitFor(() => second.requests.length === 1);
    leaving.abort();
    expect(await response).toBe("gone");
    await Promise.all([first.requests[0]!.aborted, second.requests[0]!.aborted]);
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first stopped", "second stopped"]);
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 499, error: "client_closed" });
  });

  test("has one deadline over both", async () => {
    const first = await room.upstream(silent);
    const second = await room.upstream(silent);
    const gateway = room.gateway(pair(first, second, "deadline_ms: 2500"));
    const response = await gateway.chat();
    expect(response.status).toBe(504);
    expect(errorOf(await response.text()).code).toBe("deadline_exceeded");
    await Promise.all([first.requests[0]!.aborted, second.requests[0]!.aborted]);
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first stopped", "second stopped"]);
  });

  test("is asked of another key where there is one target, and of the same where there is one key", async () => {
    for (const [keys, asked] of [
      ["[k1, k2]", ["Bearer k1", "Bearer k2"]],
      ["[k1]", ["Bearer k1", "Bearer k1"]],
    ] as const) {
      const upstream = await room.upstream((request, reply) =>
        upstream.requests.length === 1
          ? silent(request, reply)
          : reply.json(200, chatCompletion("the second time")),
      );
      const gateway = room.gateway(`
providers:
  first: { kind: openai, base_url: "${upstream.base_url}", api_keys: ${keys} }
models:
  chat: { targets: [first/a], hedge: { after: 20ms, max_extra: 1 } }
`);
      expect(await (await gateway.chat()).json()).toEqual(chatCompletion("the second time"));
      expect(upstream.requests.map(({ headers }) => headers.get("authorization"))).toEqual(asked);
      await gateway.idle();
      expect(outcomes(gateway.kept)).toEqual(["first hedge_lost", "first hedge_won"]);
    }
  });

  test("is hedged after the p95 of its target, once enough answers have been measured", async () => {
    const first = await room.upstream(says("quick"));
    const second = await room.upstream(says("from the second"));
    const gateway = room.gateway(pair(first, second).replace("after: 20ms", "after: p95"));
    for (let call = 0; call < 100; call++) await (await gateway.chat()).text();
    expect(gateway.kept.rows().every(({ attempts }) => attempts[0]!.outcome !== "hedge_lost")).toBe(true);
    const asked = second.requests.length;
    first.use(silent);
    expect(await (await gateway.chat()).json()).toEqual(chatCompletion("from the second"));
    expect(second.requests).toHaveLength(asked + 1);
    await first.requests.at(-1)!.aborted;
  });

  test("is not hedged by a p95 of a few answers", async () => {
    const first = await room.upstream(says("quick"));
    const second = await room.upstream(says("from the second"));
    const gateway = room.gateway(
      pair(first, second, "deadline_ms: 500").replace("after: 20ms", "after: p95"),
    );
    for (let call = 0; call < 20; call++) await (await gateway.chat()).text();
    first.use(silent);
    expect((await gateway.chat()).status).toBe(504);
    expect(second.requests).toEqual([]);
  });

  test("that found no hedge left asks for one again for as long as it hangs", async () => {
    const first = await room.upstream(silent);
    const second = await room.upstream(says("from the second"));
    const gateway = room.gateway(
      pair(first, second).replace("after: 20ms, max_extra: 1", "after: 300ms, max_extra: 0.5"),
    );
    const hanging = [gateway.chat(), gateway.chat()];
    // Two calls have one hedge between them.
    await Promise.race(hanging);
    expect(second.requests).toHaveLength(1);
    first.use(says("quick"));
    await gateway.chat();
    await gateway.chat();
    await Promise.all(hanging);
    expect(second.requests).toHaveLength(2);
  });

  test("has no second beyond the share of calls that may have one", async () => {
    const { promise: free, resolve: release } = Promise.withResolvers<void>();
    const first = await room.upstream(async (_, reply) => {
      await free;
      await reply.json(200, chatCompletion("late"));
    });
    const second = await room.upstream(says("early"));
    const gateway = room.gateway(pair(first, second).replace("max_extra: 1", "max_extra: 0.25"));
    const texts = Array.from({ length: 8 }, async () => (await gateway.chat()).json());
    await first.waitFor(() => first.requests.length === 8);
    await second.waitFor(() => second.requests.length === 2);
    // Those that had none in time do not get one later: everybody's time is over when the first are answered.
    await until(() => gateway.gateway.calls.size === 6);
    release();
    await Promise.all(texts);
    expect(second.requests).toHaveLength(2);
  });
});

test("a call has no second at a provider that has no room for one", async () => {
  const { promise: free, resolve: release } = Promise.withResolvers<void>();
  const first = await room.upstream(async (_, reply) => {
    await free;
    await reply.json(200, chatCompletion("at last"));
  });
  const second = await room.upstream((_, reply) => reply.never());
  const gateway = room.gateway(
    pair(first, second)
      .replace("second: {", "second: { limits: { concurrency: 1 },")
      .replace(
        "models:",
        "models:\n  busy: { targets: [second/b] }\n  other: { targets: [first/o], hedge: { after: 20ms, max_extra: 1 } }",
      ),
  );
  const leaving = new AbortController();
  const busy = gateway.chat({ model: "busy" }, { signal: leaving.signal }).catch(() => null);
  await second.waitFor(() => second.requests.length === 1);
  const waiting = gateway.chat();
  await first.waitFor(() => first.requests.length === 1);
  // Another call, which began later and is hedged meanwhile, shows that its time has passed too.
  const later = gateway.chat({ model: "other" });
  await first.waitFor(() => first.requests.length === 3);
  release();
  expect(await (await waiting).json()).toEqual(chatCompletion("at last"));
  await later;
  expect(second.requests).toHaveLength(1);
  leaving.abort();
  await busy;
});

describe("a stream", () => {
  test("is given by whoever has content first: a role is none", async () => {
    const first = await room.upstream(async (_, reply) => {
      await reply.sse(chatChunks("never")[0]);
      await reply.never();
    });
    const second = await room.upstream(streams("from the second"));
    const gateway = room.gateway(pair(first, second).replace("after: 20ms", "after: 1100ms"));
    const response = await gateway.chat({ stream: true });
    const text = await response.text();
    expect(text).toContain("second");
    expect(text).not.toContain("never");
    expect(text.match(/"role":"assistant"/g)).toHaveLength(1);
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    await first.requests[0]!.aborted;
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first hedge_lost", "second hedge_won"]);
    expect(gateway.kept.rows()[0]).toMatchObject({
      ...{ provider: "second", stream: true, finish_reason: "stop" },
      usage: { input_tokens: 5, output_tokens: 7 },
    });
  });

  test("goes out without content after a second where there is nobody to wait for", async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const first = await room.upstream(async (_, reply) => {
      const [role, ...rest] = chatChunks("at last");
      await reply.sse(role);
      await begun;
      for (const chunk of rest) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const second = await room.upstream(streams("never"));
    const gateway = room.gateway(pair(first, second).replace("max_extra: 1", "max_extra: 0.01"));
    const response = await gateway.chat({ stream: true });
    begin();
    expect(await response.text()).toContain("last");
    expect(second.requests).toEqual([]);
  });

  test("of a loser that told its usage is paid for", async () => {
    const first = await room.upstream(async (_, reply) => {
      const [role] = chatChunks("never");
      await reply.sse({ ...role, usage: { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 } });
      await reply.never();
    });
    const second = await room.upstream(streams("from the second"));
    const gateway = room.gateway(pair(first, second));
    await (await gateway.chat({ stream: true })).text();
    await gateway.idle();
    // Five tokens of prompt at the loser, five and seven at the winner, at a dollar for a million.
    expect(gateway.kept.rows()[0]).toMatchObject({
      ...{ usage: { input_tokens: 10, output_tokens: 7 }, cost_nano_usd: 17_000 },
    });
  });

  test("that its budget stops goes on from the winner", async () => {
    const first = await room.upstream(silent);
    const second = await room.upstream(
      streams("one two three four five six seven eight nine ten ".repeat(40)),
    );
    const gateway = room.gateway(
      `${pair(first, second).replace("output_per_mtok: 1", "output_per_mtok: 1000")}
keys: [{ name: poor, key: secret-key, tenant: t, limits: { usd_per_day: 0.1 } }]
`,
    );
    const headers = { authorization: "Bearer secret-key" };
    const response = await gateway.chat({ stream: true, max_tokens: 50 }, { headers });
    const text = await response.text();
    expect(text).toContain('"stopped":"budget_exceeded"');
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first hedge_lost", "second hedge_won"]);
    expect(gateway.kept.rows()[0]).toMatchObject({ provider: "second", finish_reason: "length" });
  });

  test("of another format is hedged alike", async () => {
    const first = await room.upstream(silent);
    const second = await room.upstream(streams("from the second"));
    const gateway = room.gateway(pair(first, second));
    const response = await gateway.fetch("/v1/messages", {
      method: "POST",
      headers: { "anthropic-version": "2023-06-01" },
      body: JSON.stringify({
        ...{ model: "chat", max_tokens: 100, stream: true },
        messages: [{ role: "user", content: "Hello" }],
      }),
    });
    const text = await response.text();
    expect(text).toContain("message_stop");
    expect(text).toContain("second");
    await first.requests[0]!.aborted;
    await gateway.idle();
    expect(outcomes(gateway.kept)).toEqual(["first hedge_lost", "second hedge_won"]);
  });
});

test("an upload is never sent twice", async () => {
  const { promise: free, resolve: release } = Promise.withResolvers<void>();
  const first = await room.upstream(async (_, reply) => {
    await free;
    await reply.json(200, { text: "hello" });
  });
  const second = await room.upstream(says("never"));
  const gateway = room.gateway(pair(first, second));
  const form = new FormData();
  form.set("model", "chat");
  form.set("file", new Blob([new Uint8Array(100)]), "a.wav");
  const response = gateway.fetch("/v1/audio/transcriptions", { method: "POST", body: form });
  await first.waitFor(() => first.requests.length === 1);
  // Another call, which is hedged in the meantime, shows that the time of a hedge has passed.
  await (await gateway.chat({}, {})).text();
  release();
  expect((await response).status).toBe(200);
  expect(second.requests.map(({ path }) => path)).toEqual(["/v1/chat/completions"]);
});
