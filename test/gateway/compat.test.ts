// Headers of other gateways: what they become, that they are nothing where the configuration does not name them, and that no provider
// ever sees them.

import { describe, expect, test } from "vitest";
import { understandHeaders } from "../../src/gateway/compat.ts";
import { chatCompletion, type Script } from "../scripted_upstream.ts";
import { planOf, rig } from "./harness.ts";

const room = rig();
const ok: Script = (_, reply) => reply.json(200, chatCompletion("hello"));

const PROVIDERS = `providers: { openai: { kind: openai, api_keys: [k] } }\n`;
const ALL = planOf(`${PROVIDERS}listen: { compat: [litellm, portkey, helicone] }`);

/** What headers become: the gateway's own, and the wish for retries. */
function understood(given: Record<string, string>): Record<string, unknown> {
  const headers = new Headers(given);
  const retries = understandHeaders(headers, ALL);
  const own = [...headers].filter(([name]) => name.startsWith("x-venturi-") || !Object.hasOwn(given, name));
  return { ...Object.fromEntries(own), ...(retries === null ? {} : { retries }) };
}

describe("what they become", () => {
  test("LiteLLM's", () => {
    expect(
      understood({
        "x-litellm-api-key": "Bearer sk-1",
        "x-litellm-timeout": "2.5",
        "x-litellm-session-id": "s-1",
        "x-litellm-end-user-id": "u-1",
        "x-litellm-num-retries": "3",
        "x-litellm-tags": "a, b=c",
        "x-litellm-spend-logs-metadata": '{"team":"shop, north","n":1,"deep":{}}',
      }),
    ).toEqual({
      authorization: "Bearer sk-1",
      "x-venturi-deadline-ms": "2500",
      "x-venturi-session": "s-1",
      "x-venturi-user": "u-1",
      "x-venturi-tags": "a,b=c,team=shop  north,n=1",
      retries: 3,
    });
  });

  test("Portkey's", () => {
    expect(
      understood({
        "x-portkey-api-key": "pk",
        "x-portkey-provider": "@openai",
        "x-portkey-request-timeout": "1500",
        "x-portkey-trace-id": "t-1",
        "x-portkey-retry-count": "2",
        "x-portkey-cache-force-refresh": "true",
        "x-portkey-metadata": '{"_user":"u-1","plan":"paid"}',
        "x-portkey-config": '{"targets":[]}',
      }),
    ).toEqual({
      authorization: "Bearer pk",
      "x-venturi-provider": "openai",
      "x-venturi-deadline-ms": "1500",
      "x-venturi-session": "t-1",
      "x-venturi-cache": "refresh",
      "x-venturi-user": "u-1",
      "x-venturi-tags": "plan=paid",
      retries: 2,
    });
    // A provider that is not configured is none that a client could name.
    expect(understood({ "x-portkey-provider": "cohere" })).toEqual({});
  });

  test("Helicone's", () => {
    expect(
      understood({
        "helicone-auth": "Bearer hk",
        "helicone-user-id": "u-1",
        "helicone-session-id": "s-1",
        "helicone-property-feature": "search",
        "helicone-property-tier": "gold",
        "helicone-request-id": "r-1",
        "helicone-cache-enabled": "false",
        "helicone-retry-enabled": "true",
        "helicone-retry-num": "4",
      }),
    ).toEqual({
      authorization: "Bearer hk",
      "x-venturi-user": "u-1",
      "x-venturi-session": "s-1",
      "x-venturi-feature": "search",
      "x-request-id": "r-1",
      "x-venturi-cache": "off",
      "x-venturi-tags": "feature=search,tier=gold",
      retries: 4,
    });
    expect(understood({ "helicone-retry-enabled": "false" })).toEqual({ retries: 0 });
  });

  test("what the client says in the gateway's own headers stands; rubbish is nothing", () => {
    expect(understood({ "x-venturi-user": "own", "x-litellm-end-user-id": "other" })).toEqual({
      "x-venturi-user": "own",
    });
    expect(
      understood({
        "x-litellm-timeout": "soon",
        "x-litellm-num-retries": "-1",
        "x-portkey-metadata": "{",
        "x-portkey-request-timeout": "-5",
        "x-litellm-spend-logs-metadata": "[1]",
        "x-litellm-tags": " , =",
      }),
    ).toEqual({});
    expect(understood({ "x-portkey-metadata": '{"_user":"a\\nb","x":"c\\r\\nd"}' })).toEqual({
      "x-venturi-tags": "x=c  d",
    });
    expect(understood({ "x-litellm-num-retries": "999" })).toEqual({ retries: 10 });
  });
});

describe("at the gateway", () => {
  const config = (url: string, compat: string) => `
listen: { compat: ${compat} }
providers: { up: { kind: openai, base_url: "${url}", api_keys: [none] } }
models: { chat: { targets: [up/m], retries: { attempts: 0, backoff_ms: 0 } } }
keys: [{ name: app, key: secret-1 }]
`;
  const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] });
  const headers = {
    "x-litellm-api-key": "secret-1",
    "x-litellm-tags": "blue",
    "x-litellm-end-user-id": "ann",
    "x-litellm-num-retries": "2",
  };

  test("a client of LiteLLM's is known, counted by its user and tags, and tried as often as it wishes", async () => {
    let asked = 0;
    const upstream = await room.upstream((request, reply) => {
      asked += 1;
      return asked < 3 ? reply.json(500, { error: { message: "no" } }) : ok(request, reply);
    });
    const gateway = room.gateway(config(upstream.base_url, "[litellm]"));
    const response = await gateway.fetch("/v1/chat/completions", { method: "POST", body, headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-attempts")).toBe("3");
    const row = gateway.kept.rows()[0]!;
    expect(row).toMatchObject({ user: "ann", tags: { blue: "" } });
    for (const { headers: sent } of upstream.requests)
      expect([...sent.keys()].filter((name) => /litellm|venturi/.test(name))).toEqual([]);
  });

  test("where it is not configured, nothing of it is understood", async () => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url, "[]"));
    const ask = (more: Record<string, string>) =>
      gateway.fetch("/v1/chat/completions", { method: "POST", body, headers: { ...headers, ...more } });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: "Bearer secret-1" })).status).toBe(200);
    const row = gateway.kept.rows().at(-1)!;
    expect(row).toMatchObject({ user: null, tags: {} });
  });

  test("what is passed on untranslated has none of these headers, whether they are understood or not", async () => {
    for (const compat of ["[]", "[litellm, portkey, helicone]"]) {
      const upstream = await room.upstream((_, reply) => reply.json(200, { data: [] }));
      const gateway = room.gateway(config(upstream.base_url, compat));
      const response = await gateway.fetch("/up/v1/files", {
        headers: {
          ...{ authorization: "Bearer secret-1", "x-litellm-tags": "a", "x-portkey-trace-id": "t" },
          ...{ "helicone-user-id": "u", "x-other": "stays" },
        },
      });
      expect(response.status).toBe(200);
      const names = [...upstream.requests[0]!.headers.keys()];
      expect(names).toContain("x-other");
      expect(names.filter((name) => /litellm|portkey|helicone|venturi/.test(name))).toEqual([]);
    }
  });

  test("LiteLLM's own fields of a body are understood, and go to no provider", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(500, { error: { message: "no" } }));
    const gateway = room.gateway(config(upstream.base_url, "[litellm]"));
    const given = {
      model: "chat",
      num_retries: 1,
      messages: [{ role: "user", content: "hi" }],
      metadata: { tags: ["blue", "a,b"], trace_id: "t-1" },
      fallbacks: ["other"],
      timeout: 30,
      user: "ann",
      temperature: 0,
      tags: ["green"],
    };
    const ask = (body: unknown) =>
      gateway.fetch("/v1/chat/completions", {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { authorization: "Bearer secret-1" },
      });
    expect((await ask(given)).status).toBe(500);
    expect(upstream.requests.map(({ body: sent }) => JSON.parse(sent.toString()))).toEqual(
      Array.from({ length: 2 }, () => ({
        ...{ model: "m", messages: given.messages, user: "ann", temperature: 0 },
      })),
    );
    expect(gateway.kept.rows()[0]).toMatchObject({ user: "ann", tags: { green: "", blue: "", "a b": "" } });
    // Metadata of texts are OpenAI's own.
    const own = { model: "chat", messages: given.messages, metadata: { order: "7" } };
    await ask(own);
    expect(JSON.parse(upstream.requests.at(-1)!.body.toString())).toEqual({ ...own, model: "m" });
    for (const rubbish of ["{", "[]", '{"num_retries":1}', '{"metadata":{"tags":1},"cache":7,"timeout":"x"}'])
      expect((await ask(rubbish)).status).toBe(400);
  });

  test("a timeout of another gateway's is a deadline", async () => {
    const gateway = room.gateway("listen: { compat: [portkey] }\n");
    const response = await gateway.fetch("/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify({ model: "sim/hang", messages: [{ role: "user", content: "hi" }] }),
      headers: { "x-portkey-request-timeout": "50" },
    });
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: "deadline_exceeded" } });
  });
});
