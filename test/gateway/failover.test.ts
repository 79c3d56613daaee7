// What happens when providers fail: who is asked next, when, with which key, and what the client is told in the end.

import net from "node:net";
import { describe, expect, test } from "vitest";
import { orderTargets } from "../../src/routing/order.ts";
import { ownHealth, sightOf } from "../routing/health_room.ts";
import { chatChunks, chatCompletion, type Script, type ScriptedUpstream } from "../scripted_upstream.ts";
import { makeCertificates } from "../upstream/certificates.ts";
import { errorOf, planOf, rig, until } from "./harness.ts";

const room = rig();

const ok: Script = (_, reply) => reply.json(200, chatCompletion("hello"));
const failing =
  (status: number, headers: Record<string, string> = {}, error: Record<string, unknown> = {}): Script =>
  (_, reply) =>
    reply.json(
      status,
      { error: { message: `no ${status}`, type: "t", param: null, code: "c", ...error } },
      headers,
    );

/** A provider's line of a configuration. */
const provider = (name: string, upstream: ScriptedUpstream | string, rest = ""): string => {
  const url = typeof upstream === "string" ? upstream : upstream.base_url;
  return `  ${name}: { kind: openai, base_url: "${url}", api_keys: [none]${rest} }\n`;
};

/** Two providers and a model that asks one after the other. */
const pair = (first: ScriptedUpstream | string, second: ScriptedUpstream | string, rest: string): string =>
  `providers:\n${provider("first", first)}${provider("second", second)}models:\n  chat: { targets: [first/a, second/b], ${rest} }\n`;

/** One provider and a model of it. */
const single = (upstream: ScriptedUpstream | string, rest: string, provider_rest = ""): string =>
  `providers:\n${provider("first", upstream, provider_rest)}models:\n  chat: { targets: [first/a], ${rest} }\n`;

/** A provider with three keys. */
const keyed = (upstream: ScriptedUpstream, rest: string): string =>
  `providers:\n  first: { kind: openai, base_url: "${upstream.base_url}", api_keys: [k1, k2, k3] }\nmodels:\n  chat: { targets: [first/a], ${rest} }\n`;

const keysOf = (upstream: ScriptedUpstream): (string | undefined)[] =>
  upstream.requests.map((request) => request.headers.get("authorization")?.replace("Bearer ", ""));

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("targets", () => {
  test("are asked in order, each with its retries, then the fallbacks", async () => {
    const first = await room.upstream(failing(500));
    const second = await room.upstream(failing(503));
    const third = await room.upstream(ok);
    const gateway = room.gateway(`
providers:
${provider("first", first)}${provider("second", second)}${provider("third", third)}
models:
  chat: { targets: [first/a, second/b], retries: { attempts: 2, backoff_ms: 1 }, fallbacks: [third/c] }
`);
    const response = await gateway.chat();
    expect(await response.json()).toEqual(chatCompletion("hello"));
    expect([first, second, third].map((one) => one.requests.length)).toEqual([3, 3, 1]);
    expect(third.requests[0]!.json()).toMatchObject({ model: "c" });
    expect(response.headers.get("x-venturi-attempts")).toBe("7");
    expect(response.headers.get("x-venturi-provider")).toBe("third");
    expect(response.headers.get("x-venturi-model")).toBe("c");
    expect(gateway.counted("attempts", "500")).toBe(3);
    expect(gateway.counted("attempts", "503")).toBe(3);
    expect(gateway.counted("attempts", "ok")).toBe(1);
  });

  test("of a weighted model share the calls by their weights, and stand in for each other", async () => {
    const { models } = planOf(`
models:
  chat: { strategy: weighted, targets: [{ provider: sim, model: echo, weight: 9 }, { provider: sim, model: lorem, weight: 1 }, { provider: sim, model: tool, weight: 0 }] }
`);
    let seed = 7;
    const random = (): number => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed / 0x7fff_ffff;
    };
    const firsts: Record<string, number> = {};
    const sight = sightOf(ownHealth(), { random });
    for (let call = 0; call < 10_000; call++) {
      const order = [...orderTargets(models.get("chat")!, sight)].map(({ target }) => target.model);
      expect([...order].sort()).toEqual(["echo", "lorem", "tool"]);
      expect(order[2]).toBe("tool");
      firsts[order[0]!] = (firsts[order[0]!] ?? 0) + 1;
    }
    expect(firsts["echo"]! / 10_000).toBeCloseTo(0.9, 1);
    expect(firsts["lorem"]! / 10_000).toBeCloseTo(0.1, 1);
  });

  test("that all fail give the last word of a provider, not the failure of a connection behind it", async () => {
    const first = await room.upstream(failing(503, {}, { message: "overloaded", code: "busy" }));
    const gateway = room.gateway(
      pair(first, `http://127.0.0.1:${await closedPort()}/v1`, "retries: { attempts: 0 }"),
    );
    const response = await gateway.chat();
    expect(response.status).toBe(503);
    expect(errorOf(await response.text())).toMatchObject({ message: "overloaded", code: "busy" });
    expect(response.headers.get("retry-after")).toBe("1");
  });
});

describe("a status", () => {
  test.each([400, 422])("%i is final", async (status) => {
    const first = await room.upstream(failing(status, {}, { param: "temperature" }));
    const second = await room.upstream(ok);
    const gateway = room.gateway(pair(first, second, "retries: { attempts: 2, backoff_ms: 1 }"));
    const response = await gateway.chat();
    expect(response.status).toBe(status);
    expect(errorOf(await response.text())).toMatchObject({ message: `no ${status}`, param: "temperature" });
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  });

  test.each([404, 413, 302])("%i moves on without a retry", async (status) => {
    const first = await room.upstream(failing(status, { location: "http://127.0.0.1:1/" }));
    const second = await room.upstream(ok);
    const gateway = room.gateway(pair(first, second, "retries: { attempts: 2, backoff_ms: 1 }"));
    expect((await gateway.chat()).status).toBe(200);
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  test("302 of the last target is a bad upstream, and is not followed", async () => {
    const first = await room.upstream(failing(302, { location: "http://127.0.0.1:1/" }));
    const gateway = room.gateway(single(first, "retries: { attempts: 2, backoff_ms: 1 }"));
    const response = await gateway.chat();
    expect(response.status).toBe(502);
    expect(errorOf(await response.text())).toMatchObject({ type: "upstream_error", code: "upstream_error" });
  });

  test.each([408, 409, 500, 502, 503, 529])("%i is tried again", async (status) => {
    const first = await room.upstream(failing(status));
    const gateway = room.gateway(single(first, "retries: { attempts: 1, backoff_ms: 1 }"));
    expect((await gateway.chat()).status).toBe(status);
    expect(first.requests).toHaveLength(2);
  });

  test("keeps a provider's further fields, with the four that clients read in their own types", async () => {
    const first = await room.upstream((_, reply) =>
      reply.json(400, { error: { message: "bad", code: 400, metadata: { raw: "x" } }, user_id: "u" }),
    );
    const gateway = room.gateway(single(first, "retries: { attempts: 0 }"));
    expect(await (await gateway.chat()).json()).toEqual({
      error: {
        message: "bad",
        type: "invalid_request_error",
        param: null,
        code: "400",
        metadata: { raw: "x" },
      },
      user_id: "u",
    });
  });
});

describe("a wait", () => {
  test.each([
    ["retry-after-ms", "300", 300],
    ["x-ms-retry-after-ms", "300", 300],
    ["retry-after", "1", 1000],
  ])("that %s asks for is kept", async (name, value, wait_ms) => {
    const upstream = await room.upstream(failing(503, { [name]: value }));
    const gateway = room.gateway(single(upstream, "retries: { attempts: 1, backoff_ms: 1 }"));
    const start_ms = performance.now();
    const answer = gateway.chat();
    await upstream.waitFor(() => upstream.requests.length === 1);
    upstream.use(ok);
    expect((await answer).status).toBe(200);
    expect(performance.now() - start_ms).toBeGreaterThanOrEqual(wait_ms);
  });

  test("that is longer than the time left is not begun: the client is told to come back then", async () => {
    const upstream = await room.upstream(failing(429, { "retry-after": "20" }));
    const gateway = room.gateway(
      single(upstream, "retries: { attempts: 3, backoff_ms: 1 }, deadline_ms: 3000"),
    );
    // Whoever waited would be told of the deadline.
    const response = await gateway.chat();
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("20");
    expect(upstream.requests).toHaveLength(1);
    // The key rests: the provider is not even asked.
    const next = await gateway.chat();
    expect(next.status).toBe(429);
    expect(Number(next.headers.get("retry-after"))).toBeGreaterThan(15);
    expect(next.headers.get("x-venturi-attempts")).toBe("0");
    expect(upstream.requests).toHaveLength(1);
  });

  test("is not kept where another target can answer", async () => {
    const first = await room.upstream(failing(429, { "retry-after": "20" }));
    const second = await room.upstream(ok);
    const gateway = room.gateway(pair(first, second, "retries: { attempts: 3, backoff_ms: 1 }"));
    expect((await gateway.chat()).headers.get("x-venturi-provider")).toBe("second");
    expect((await gateway.chat()).headers.get("x-venturi-attempts")).toBe("1");
    expect(first.requests).toHaveLength(1);
  });
});

describe("a provider's keys", () => {
  test.each([401, 402, 403])("leave rotation one by one at %i, until none is left", async (status) => {
    const upstream = await room.upstream(
      failing(status, {}, { message: "Incorrect API key provided: sk-secret" }),
    );
    const gateway = room.gateway(keyed(upstream, "retries: { attempts: 0 }"));
    for (const attempts of ["3", "0"]) {
      const response = await gateway.chat();
      expect(response.status).toBe(502);
      const text = await response.text();
      expect(text).not.toContain("secret");
      expect(errorOf(text)).toMatchObject({ type: "upstream_error", code: "upstream_credentials_exhausted" });
      expect(response.headers.get("x-venturi-attempts")).toBe(attempts);
    }
    expect(keysOf(upstream)).toEqual(["k1", "k2", "k3"]);
  });

  test("that are refused do not keep the others from serving, in turn", async () => {
    const upstream = await room.upstream((request, reply) =>
      request.headers.get("authorization") === "Bearer k1"
        ? failing(401)(request, reply)
        : ok(request, reply),
    );
    const gateway = room.gateway(keyed(upstream, "retries: { attempts: 0 }"));
    for (let call = 0; call < 4; call++) expect((await gateway.chat()).status).toBe(200);
    expect(keysOf(upstream)).toEqual(["k1", "k2", "k3", "k2", "k3"]);
  });

  test("over their rate rest for that model alone, and the others are used at once", async () => {
    const upstream = await room.upstream((request, reply) => {
      const { model } = request.json() as { model: string };
      const is_limited = request.headers.get("authorization") === "Bearer k1" && model === "a";
      return (is_limited ? failing(429, { "retry-after": "30" }) : ok)(request, reply);
    });
    const gateway = room.gateway(keyed(upstream, "retries: { attempts: 0 }"));
    for (let call = 0; call < 4; call++) expect((await gateway.chat()).status).toBe(200);
    expect(keysOf(upstream)).toEqual(["k1", "k2", "k3", "k2", "k3"]);
    expect((await gateway.chat({ model: "first/other" })).status).toBe(200);
    expect(keysOf(upstream).at(-1)).toBe("k1");
  });

  test("are all tried once at 429 without a word on when, before anyone waits", async () => {
    const upstream = await room.upstream(failing(429));
    const gateway = room.gateway(keyed(upstream, "retries: { attempts: 0 }"));
    const response = await gateway.chat();
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).not.toBeNull();
    expect(keysOf(upstream).sort()).toEqual(["k1", "k2", "k3"]);
  });

  test("that are refused let the next target answer", async () => {
    const first = await room.upstream(failing(401));
    const second = await room.upstream(ok);
    const gateway = room.gateway(pair(first, second, "retries: { attempts: 2, backoff_ms: 1 }"));
    expect((await gateway.chat()).headers.get("x-venturi-provider")).toBe("second");
    expect(first.requests).toHaveLength(1);
  });
});

describe("the deadline", () => {
  const hang: Script = (_, reply) => reply.never();
  /** In which a busy machine has asked a provider for certain. */
  const DEADLINE_MS = 1_500;

  test.each([
    ["of the model", `deadline_ms: ${DEADLINE_MS}`, {}],
    ["of the client", "deadline_ms: 60000", { "x-venturi-deadline-ms": String(DEADLINE_MS) }],
    [
      "of the model, which is the shorter one",
      `deadline_ms: ${DEADLINE_MS}`,
      { "x-venturi-deadline-ms": "60000" },
    ],
  ])("%s bounds all attempts together", async (_, limit, headers) => {
    const ask = async (stream: boolean) => {
      const upstream = await room.upstream(hang);
      const gateway = room.gateway(
        pair(upstream, upstream, `retries: { attempts: 5, backoff_ms: 1 }, ${limit}`),
      );
      const start_ms = performance.now();
      const response = await gateway.chat({ stream }, { headers });
      expect(performance.now() - start_ms).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
      expect(response.status).toBe(504);
      expect(errorOf(await response.text())).toMatchObject({
        type: "timeout_error",
        code: "deadline_exceeded",
      });
      await upstream.closed(1);
      expect(upstream.requests).toHaveLength(1);
    };
    await Promise.all([ask(false), ask(true)]);
  });

  test("ends a plain answer that comes too slowly", async () => {
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, { "content-type": "application/json" });
      await reply.chunk('{"id":');
      await reply.never();
    });
    const gateway = room.gateway(single(upstream, "deadline_ms: 200"));
    expect((await gateway.chat()).status).toBe(504);
  });

  test("cuts a passed-on answer that comes too slowly", async () => {
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, { "content-type": "audio/mpeg" });
      await reply.chunk("beginning");
      await reply.never();
    });
    const gateway = room.gateway(single(upstream, "deadline_ms: 60000"));
    const response = await gateway.fetch("/v1/audio/speech", {
      method: "POST",
      headers: { "content-type": "application/json", "x-venturi-deadline-ms": String(DEADLINE_MS) },
      body: '{"model":"chat","input":"x"}',
    });
    expect(response.status).toBe(200);
    await expect(response.bytes()).rejects.toThrow();
    await upstream.closed(1);
    expect(gateway.counted("errors", "deadline_exceeded")).toBe(1);
  });

  test.each(["0", "-5", "soon", "Infinity"])("cannot be %j", async (value) => {
    const gateway = room.gateway("providers: {}");
    const response = await gateway.chat(
      { model: "sim/echo" },
      { headers: { "x-venturi-deadline-ms": value } },
    );
    expect(response.status).toBe(400);
    expect(errorOf(await response.text()).param).toBe("x-venturi-deadline-ms");
  });

  test("leaves first_byte_ms its own: the next target may still answer", async () => {
    const first = await room.upstream(hang);
    const second = await room.upstream(ok);
    const gateway = room.gateway(`providers:
${provider("first", first, ", timeouts: { first_byte_ms: 100 }")}${provider("second", second)}
models: { chat: { targets: [first/a, second/b], retries: { attempts: 0 } } }
`);
    expect((await gateway.chat()).headers.get("x-venturi-provider")).toBe("second");
    await first.closed(1);
  });
});

describe("an upstream that", () => {
  const raw =
    (bytes: string, and: "end" | "hang" | "reset" = "end"): Script =>
    async (_, reply) => {
      await reply.raw(bytes);
      if (and === "end") await reply.fin();
      else if (and === "reset") reply.destroy();
      else await reply.never();
    };
  const scripts: Readonly<Record<string, Script>> = {
    "answers HTML": raw(
      "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>",
    ),
    "answers HTML as an error": raw(
      "HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>",
    ),
    "answers nothing": raw(""),
    "answers garbage": raw("\x16\x03\x01 what is this?\r\n\r\n"),
    "answers half of its head": raw("HTTP/1.1 200 OK\r\ncontent-type: appl"),
    "answers half of its body": raw(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"id":',
    ),
    "answers half and resets": raw(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"id":',
      "reset",
    ),
    "answers with two lengths": raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x"),
    "answers an empty body": raw(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n",
    ),
    "sends headers for ever": async (_, reply) => {
      await reply.raw("HTTP/1.1 200 OK\r\n");
      const line = `x-more: ${"y".repeat(1000)}\r\n`.repeat(50);
      let is_open = true;
      void reply.never().then(() => {
        is_open = false;
      });
      while (is_open) await reply.raw(line);
    },
  };

  test.each(Object.keys(scripts))(
    "%s is a bad upstream: another answers, and alone it gives 502",
    async (name) => {
      const first = await room.upstream(scripts[name]!);
      const second = await room.upstream(ok);
      const gateway = room.gateway(`providers:
${provider("first", first, ", timeouts: { first_byte_ms: 1000 }")}${provider("second", second)}
models:
  chat: { targets: [first/a, second/b], retries: { attempts: 0 } }
  alone: { targets: [first/a], retries: { attempts: 0 }, deadline_ms: 20000 }
`);
      expect((await gateway.chat()).headers.get("x-venturi-provider")).toBe("second");
      const response = await gateway.chat({ model: "alone" });
      expect(response.status).toBe(502);
      const error = errorOf(await response.text());
      expect(error.message).toContain("first");
      expect((await gateway.chat({ model: "second/b" })).status).toBe(200);
    },
  );

  test.each([
    ["refuses the connection", async () => `http://127.0.0.1:${await closedPort()}/v1`],
    ["has a name that does not resolve", async () => "http://nowhere.invalid/v1"],
  ])("%s is passed over, and alone it gives 502", async (_, urlOf) => {
    const second = await room.upstream(ok);
    const url = await urlOf();
    const gateway = room.gateway(pair(url, second, "retries: { attempts: 1, backoff_ms: 1 }"));
    expect((await gateway.chat()).headers.get("x-venturi-provider")).toBe("second");
    const response = await gateway.chat({ model: "first/a" });
    expect(response.status).toBe(502);
    expect(errorOf(await response.text())).toMatchObject({ type: "upstream_error", code: "upstream_error" });
  });

  test("drips a header for ever is cut off at the deadline", async () => {
    const upstream = await room.upstream((_, reply) => {
      void reply.never();
      return reply.drip(`HTTP/1.1 200 OK\r\nx-more: ${"y".repeat(10_000)}`, 1, 5);
    });
    const gateway = room.gateway(single(upstream, "deadline_ms: 300"));
    expect((await gateway.chat()).status).toBe(504);
    await upstream.closed(1);
  });

  const certificates = makeCertificates();

  test.skipIf(certificates === null)("has a certificate that does not verify is a bad upstream", async () => {
    const { key, cert } = certificates!;
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { key, cert },
      fetch: () => Response.json(chatCompletion("secret")),
    });
    room.after(() => server.stop(true));
    const gateway = room.gateway(single(`https://127.0.0.1:${server.port}/v1`, "retries: { attempts: 0 }"));
    const response = await gateway.chat();
    expect(response.status).toBe(502);
    expect(errorOf(await response.text()).message).toMatch(/TLS.*VERIFY/);
    expect((await gateway.chat({ model: "sim/echo" })).status).toBe(200);
  });
});

describe("once a byte has gone out", () => {
  test("nothing is tried again", async () => {
    const first = await room.upstream(async (_, reply) => {
      for (const chunk of chatChunks("one two").slice(0, 2)) await reply.sse(chunk);
      await until(() => first_byte);
      reply.destroy();
    });
    let first_byte = false;
    const second = await room.upstream(ok);
    const gateway = room.gateway(pair(first, second, "retries: { attempts: 2, backoff_ms: 1 }"));
    const response = await gateway.chat({ stream: true });
    first_byte = true;
    expect(await response.text()).toContain("upstream_stream_interrupted");
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  });
});

describe("response headers", () => {
  test("say what happened, on success, error and stream alike", async () => {
    const upstream = await room.upstream(async (request, reply) => {
      const { stream, model } = request.json() as { stream?: boolean; model: string };
      if (model === "bad") return failing(400)(request, reply);
      if (!stream)
        return reply.json(200, chatCompletion("hi"), {
          "x-ratelimit-limit-requests": "9",
          "set-cookie": "a=b",
        });
      for (const chunk of chatChunks("hi")) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    const gateway = room.gateway(single(upstream, "retries: { attempts: 0 }"));
    for (const extra of [{}, { stream: true }, { model: "first/bad" }]) {
      const { headers } = await gateway.chat(extra);
      expect(headers.get("x-venturi-attempts")).toBe("1");
      expect(headers.get("x-venturi-provider")).toBe("first");
      expect(headers.get("x-venturi-model")).toBe("model" in extra ? "bad" : "a");
      expect(headers.get("x-venturi-cache")).toBe("bypass");
      expect(Number(headers.get("x-venturi-overhead-us"))).toBeGreaterThan(0);
      expect(Number(headers.get("x-venturi-overhead-us"))).toBeLessThan(1_000_000);
      const timing = headers.get("server-timing")!;
      for (const stage of ["auth", "scan", "route", "connect", "first-byte"])
        expect(timing).toContain(`${stage};dur=`);
      expect(headers.get("set-cookie")).toBeNull();
      expect(headers.get("x-ratelimit-limit-requests")).toBeNull();
    }
  });

  test("echo a request id of up to 128 visible characters, and make one in place of any other", async () => {
    const gateway = room.gateway("providers: {}");
    const echo = async (id: string): Promise<string | null> =>
      (await gateway.chat({ model: "sim/echo" }, { headers: { "x-request-id": id } })).headers.get(
        "x-request-id",
      );
    expect(await echo("abc-123~!")).toBe("abc-123~!");
    expect(await echo("x".repeat(128))).toBe("x".repeat(128));
    for (const id of ["x".repeat(129), "a b", "é"]) expect(await echo(id)).toMatch(/^req_[0-9a-f]{32}$/);
    const ids = await Promise.all([
      gateway.chat({ model: "sim/echo" }),
      gateway.fetch("/v1/models"),
      gateway.fetch("/x"),
    ]);
    expect(new Set(ids.map(({ headers }) => headers.get("x-request-id"))).size).toBe(3);
  });
});
