// Sessions as a client and a provider see them: what goes by, who may open one, and how they end.

import net from "node:net";
import tls from "node:tls";
import OpenAI, { AzureOpenAI } from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { describe, expect, test } from "vitest";
import { makeCertificates } from "../../upstream/certificates.ts";
import { rig, type TestGateway, until } from "../harness.ts";
import { Client, type RealtimeUpstream, startRealtime, type UpstreamScript } from "./realtime_upstream.ts";

const room = rig();
const KEY = { authorization: "Bearer key-of-acme" };

function upstream(script: UpstreamScript = {}): RealtimeUpstream {
  const started = startRealtime(script);
  room.after(() => started.stop());
  return started;
}

/** A gateway with a key and a model `voice` at some providers. */
function gatewayOf(base_urls: readonly string[], more = "", listen = ""): TestGateway {
  const providers = base_urls
    .map((url, at) => `up${at}: { kind: openai, base_url: "${url}", api_keys: [secret-${at}, other-${at}] }`)
    .join(", ");
  const targets = base_urls.map((_, at) => `up${at}/gpt-realtime`).join(", ");
  return room.gateway(`
listen: { ${listen} }
providers: { ${providers} }
models: { voice: { targets: [${targets}], retries: { attempts: 0 } }, forbidden: { targets: [up0/x] } ${more} }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme, models: [voice, "up0/*"] }]
`);
}

function open(
  gateway: TestGateway,
  path = "/v1/realtime?model=voice",
  headers: Record<string, string> = KEY,
): Client {
  const client = new Client(gateway.port, path, { headers });
  room.after(() => client.socket.close());
  return client;
}

describe("a session", () => {
  test("carries text and audio both ways as the bytes that came, with the provider's model and key", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const client = open(gateway);
    await client.opened;
    const texts = [
      '{"type":"unheard.of" , "x":1}',
      "no event",
      "\ufeff{}",
      "",
      JSON.stringify({ type: "a", b: "ü\u0000😀" }),
    ];
    const large = JSON.stringify({ type: "input_audio_buffer.append", audio: "A".repeat(3_000_000) });
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) & 255));
    for (const text of [...texts, large]) client.send(text);
    client.send(bytes);
    const session = await provider.session();
    await until(() => session.messages.length === 7);
    expect(session.messages).toEqual([...texts, large, bytes]);
    const { url, headers } = session.opening;
    expect(url.pathname + url.search).toBe("/v1/realtime?model=gpt-realtime");
    expect(headers.get("authorization")).toBe("Bearer secret-0");
    expect([...headers.values()].join()).not.toContain("key-of-acme");

    for (const text of [...texts, large]) session.socket.send(text);
    session.socket.send(bytes);
    await client.until(({ messages }) => messages.length === 7);
    expect(client.messages).toEqual([...texts, large, bytes]);
  });

  test("begins with what was said before the provider was there", async () => {
    const provider = upstream({ begun: (session) => session.send({ type: "session.created", session: {} }) });
    const client = open(gatewayOf([provider.base_url]));
    await client.opened;
    client.send({ type: "first" });
    client.send({ type: "second" });
    const session = await provider.session();
    await until(() => session.messages.length === 2);
    expect(session.events().map(({ type }) => type)).toEqual(["first", "second"]);
    await client.until(({ messages }) => messages.length === 1);
  });

  test("of OpenAI's own client for browsers, whose key is in the subprotocol and answered with by nobody", async () => {
    const provider = upstream({
      begun: (session) => session.send({ type: "session.created", event_id: "e", session: {} }),
    });
    const gateway = gatewayOf([provider.base_url]);
    const openai = new OpenAI({ apiKey: "key-of-acme", baseURL: `http://127.0.0.1:${gateway.port}/v1` });
    const realtime = new OpenAIRealtimeWebSocket(
      {
        model: "voice",
        dangerouslyAllowBrowser: true,
        onURL: (url) => {
          url.protocol = "ws:";
        },
      },
      openai,
    );
    const created = await new Promise((resolve, reject) => {
      realtime.on("session.created", resolve);
      realtime.on("error", reject);
    });
    expect(created).toMatchObject({ type: "session.created" });
    expect(realtime.socket.protocol).toBe("realtime");
    realtime.send({ type: "input_audio_buffer.clear" });
    const session = await provider.session();
    await until(() => session.messages.length === 1);
    expect(session.opening.headers.get("sec-websocket-protocol")).toBeNull();
    realtime.close({ code: 1000, reason: "done" });
    await until(() => session.closed !== null);
    expect(session.closed).toEqual({ code: 1000, reason: "done" });
  });

  const certificates = makeCertificates();

  test.skipIf(certificates === null)("of OpenAI's client for servers, and of its one for Azure", async () => {
    const provider = upstream({
      begun: (session) => session.send({ type: "session.created", event_id: "e", session: {} }),
    });
    const gateway = gatewayOf([provider.base_url]);
    // These speak TLS alone, which in front of a gateway somebody else does.
    const front = tls.createServer({ key: certificates!.key, cert: certificates!.cert }, (socket) => {
      const behind = net.connect(gateway.port, "127.0.0.1");
      socket.pipe(behind).pipe(socket);
      for (const one of [socket, behind]) one.on("error", () => {});
    });
    await new Promise<void>((resolve) => {
      front.listen(0, "127.0.0.1", resolve);
    });
    room.after(() => front.close());
    const { port } = front.address() as net.AddressInfo;
    const options = { ca: certificates!.ca } as object;
    const openai = new OpenAI({ apiKey: "key-of-acme", baseURL: `https://127.0.0.1:${port}/v1` });
    const azure = new AzureOpenAI({
      ...{ apiKey: "key-of-acme", endpoint: `https://127.0.0.1:${port}`, apiVersion: "2025-04-01-preview" },
      deployment: "voice",
    });
    const connects = [
      async () => new OpenAIRealtimeWS({ model: "voice", options }, openai),
      () => OpenAIRealtimeWS.azure(azure, { options }),
    ];
    for (const [number, connect] of connects.entries()) {
      const client = await connect();
      await new Promise((resolve, reject) => {
        client.on("session.created", resolve);
        client.on("error", reject);
      });
      client.send({ type: "response.create", response: { instructions: "Be brief." } });
      const session = await provider.session(number);
      await until(() => session.messages.length === 1);
      expect(session.events()[0]).toEqual({
        type: "response.create",
        response: { instructions: "Be brief." },
      });
      client.close({ code: 1000, reason: "done" });
      await until(() => session.closed !== null);
      expect(session.closed).toEqual({ code: 1000, reason: "done" });
    }
  });

  test("says the beta header by subprotocol, and never a key as the protocol", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const raw = await room.connect(gateway.port);
    raw.write(
      "GET /v1/realtime?model=voice HTTP/1.1\r\nhost: gateway\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: openai-insecure-api-key.key-of-acme, openai-beta.realtime-v1\r\n\r\n",
    );
    await raw.until((received) => received.includes("\r\n\r\n"));
    expect(raw.received).toMatch(/^HTTP\/1\.1 101 /);
    expect(raw.received.toLowerCase()).not.toContain("sec-websocket-protocol");
    expect(raw.received).not.toContain("key-of-acme");
    expect((await provider.session()).opening.headers.get("openai-beta")).toBe("realtime=v1");
  });

  test("of a provider's own model, of Azure's path, and without a model at the default provider", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const paths = [
      "/realtime?model=up0%2Fgpt-x",
      "/up0/v1/realtime?model=gpt-y",
      "/openai/realtime?api-version=2025-04-01-preview&deployment=voice",
      "/v1/realtime?intent=transcription",
    ];
    for (const path of paths) await open(gateway, path).opened;
    await until(() => provider.openings.length === 4);
    expect(provider.openings.map(({ url }) => url.search).sort()).toEqual(
      ["?model=gpt-x", "?model=gpt-y", "?model=gpt-realtime", "?intent=transcription"].sort(),
    );
  });

  test("has the provider's name for its model in its settings, and no other model", async () => {
    const provider = upstream();
    const client = open(gatewayOf([provider.base_url]));
    await client.opened;
    client.send('{"type":"session.update","session":{"model":"voice", "voice":"marin"}}');
    client.send({ type: "session.update", event_id: "mine", session: { model: "gpt-else" } });
    client.send({ type: "session.update", session: { instructions: "Be brief." } });
    const session = await provider.session();
    await until(() => session.messages.length === 2);
    expect(session.messages[0]).toBe(
      '{"type":"session.update","session":{"model":"gpt-realtime", "voice":"marin"}}',
    );
    await client.until((one) => one.errors().length === 1);
    expect(client.errors()[0]).toMatchObject({ code: "invalid_value", event_id: "mine" });
  });
});

describe("Azure", () => {
  test.each([
    ["api_version: 2025-04-01-preview", "/openai/realtime?deployment=voice-1&api-version=2025-04-01-preview"],
    ["", "/openai/v1/realtime?model=voice-1"],
    ["deployments: false", "/openai/v1/realtime?model=voice-1"],
    ["deployments: false, api_version: preview", "/openai/v1/realtime?model=voice-1&api-version=preview"],
  ])("is asked with %j at its own address, by its own header", async (setting, address) => {
    const provider = upstream();
    const gateway = room.gateway(`
providers: { az: { kind: azure, base_url: "http://127.0.0.1:${provider.port}", api_keys: [azure-secret] ${setting === "" ? "" : `, ${setting}`} } }
models: { voice: { targets: [az/voice-1] } }
`);
    await open(gateway, "/v1/realtime?model=voice", {}).opened;
    const { opening } = await provider.session();
    expect(opening.url.pathname + opening.url.search).toBe(address);
    expect(opening.headers.get("api-key")).toBe("azure-secret");
    expect(opening.headers.get("authorization")).toBeNull();
  });
});

describe("who may not open a session", () => {
  const ask = async (gateway: TestGateway, path: string, headers: Record<string, string>) => {
    const response = await gateway.fetch(path, {
      headers: {
        ...{ connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ...headers,
      },
    });
    return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
  };

  test("is told as with every call", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const path = "/v1/realtime?model=voice";
    expect(await ask(gateway, path, {})).toEqual([401, "invalid_api_key"]);
    expect(await ask(gateway, path, { authorization: "Bearer wrong" })).toEqual([401, "invalid_api_key"]);
    expect(await ask(gateway, path, { "sec-websocket-protocol": "openai-insecure-api-key.wrong" })).toEqual([
      401,
      "invalid_api_key",
    ]);
    expect(await ask(gateway, "/v1/realtime?model=forbidden", KEY)).toEqual([403, "model_not_allowed"]);
    expect(await ask(gateway, "/v1/realtime?model=nothing", KEY)).toEqual([404, "model_not_found"]);
    expect(await ask(gateway, path, { ...KEY, origin: "https://evil.example" })).toEqual([
      403,
      "origin_not_allowed",
    ]);
    expect(await ask(gateway, path, { ...KEY, "x-venturi-region": "eu" })).toEqual([400, "content_blocked"]);
    expect(provider.openings).toHaveLength(0);
    await gateway.idle();
    expect(gateway.kept.rows().map(({ error }) => error)).toContain("model_not_allowed");
    const plain = await gateway.fetch(path, { headers: KEY });
    expect(plain.status).toBe(400);
  });

  test("is a page of a host that is not configured; one that is may", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url], "", 'cors: { origins: ["https://app.example"] }');
    await open(gateway, "/v1/realtime?model=voice", { ...KEY, origin: "https://app.example" }).opened;
    await open(gateway, "/v1/realtime?model=voice", { ...KEY, origin: "http://localhost:3000" }).opened;
    await until(() => provider.openings.length === 2);
  });
});

describe("a provider that refuses", () => {
  test("a key loses it: the next key is asked, and the next session does not ask the first again", async () => {
    const provider = upstream({
      open: ({ headers }) =>
        headers.get("authorization") === "Bearer secret-0"
          ? Response.json({ error: {} }, { status: 401 })
          : null,
    });
    const gateway = gatewayOf([provider.base_url]);
    await open(gateway).opened;
    await provider.session(0);
    await open(gateway).opened;
    await provider.session(1);
    expect(provider.openings.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer secret-0",
      "Bearer other-0",
      "Bearer other-0",
    ]);
  });

  test("with 429 or 503 gives way to the next target", async () => {
    const busy = upstream({
      open: () =>
        Response.json({ error: { message: "slow down" } }, { status: 429, headers: { "retry-after": "60" } }),
    });
    const provider = upstream();
    const gateway = gatewayOf([busy.base_url, provider.base_url]);
    const client = open(gateway);
    await client.opened;
    await provider.session();
    expect(busy.openings).toHaveLength(2);
    client.socket.close(1000);
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)).toMatchObject({
      ...{ status: 101, error: null, model: "voice", provider: "up1", served_model: "gpt-realtime" },
      attempts: [
        { provider: "up0", outcome: "429" },
        { provider: "up0", outcome: "429" },
        { provider: "up1", outcome: "ok" },
      ],
    });
    await open(gateway).opened;
    await provider.session(1);
    expect(busy.openings).toHaveLength(2);
  });

  test("altogether is told by an error event and 1011 with the reason, and not with its credentials' fate", async () => {
    const bad = upstream({
      open: () => Response.json({ error: { message: "no such model", code: "x" } }, { status: 404 }),
    });
    const client = open(gatewayOf([bad.base_url]));
    await client.opened;
    const { code, reason } = await client.end();
    expect(code).toBe(1011);
    expect(reason).toContain("no such model");
    expect(client.errors()[0]).toMatchObject({ message: "no such model" });

    const locked = upstream({
      open: () => Response.json({ error: { message: "bad key sk-123" } }, { status: 401 }),
    });
    const gateway = gatewayOf([locked.base_url]);
    const second = open(gateway);
    await second.opened;
    expect((await second.end()).code).toBe(1011);
    expect(second.errors()[0]).toMatchObject({ code: "upstream_credentials_exhausted" });
    expect(JSON.stringify(second.messages)).not.toContain("sk-123");
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)).toMatchObject({
      status: 502,
      error: "upstream_credentials_exhausted",
    });
  });

  test("by speaking another protocol, or none, is told as well", async () => {
    const plain = await room.upstream((_request, reply) =>
      reply.raw("HTTP/1.1 101 X\r\nupgrade: other\r\n\r\n"),
    );
    const client = open(gatewayOf([plain.base_url]));
    await client.opened;
    expect((await client.end()).code).toBe(1011);
    expect(client.errors()[0]).toMatchObject({ code: "upstream_error" });
    const silent = await room.upstream((_request, reply) => reply.destroy());
    const second = open(gatewayOf([silent.base_url]));
    await second.opened;
    expect((await second.end()).code).toBe(1011);
  });

  test("is none where a target has no Realtime, or cannot be reached: the next one is asked", async () => {
    const provider = upstream();
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [s] },
             far: { kind: openai, base_url: "${provider.base_url}", api_keys: [s], proxy: "http://127.0.0.1:1" } }
models: { voice: { targets: [sim/echo, far/x, up/y] }, none: { targets: [sim/echo] } }
`);
    await open(gateway, "/v1/realtime?model=voice", {}).opened;
    expect((await provider.session()).opening.url.search).toBe("?model=y");
    const client = open(gateway, "/v1/realtime?model=none", {});
    await client.opened;
    expect((await client.end()).code).toBe(1011);
    expect(client.errors()[0]!.message).toContain("has no Realtime");
  });
});

describe("the end of a session", () => {
  test.each([
    [1000, "good night", 1000],
    [1001, "", 1001],
    [3000, "mine", 3000],
    [4999, "é", 4999],
    [1008, "policy", 1008],
  ])("by the provider with %i is the client's too", async (code, reason, told) => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const client = open(gateway);
    await client.opened;
    const session = await provider.session();
    session.socket.send('{"type":"last"}');
    session.socket.close(code, reason);
    expect(await client.end()).toEqual({ code: told, reason });
    expect(client.messages).toEqual(['{"type":"last"}']);
    await gateway.idle();
  });

  test.each([
    [1000, "done"],
    [3001, "mine"],
    [4000, ""],
  ])("by the client with %i is the provider's too", async (code, reason) => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const client = open(gateway);
    await client.opened;
    const session = await provider.session();
    client.send({ type: "last" });
    client.socket.close(code, reason);
    await until(() => session.closed !== null);
    expect(session.closed).toEqual({ code, reason });
    expect(session.messages).toHaveLength(1);
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)).toMatchObject({ status: 101, error: null });
  });

  test("by a provider that vanishes is an error event and 1011", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const client = open(gateway);
    await client.opened;
    (await provider.session()).socket.terminate();
    expect((await client.end()).code).toBe(1011);
    expect(client.errors()[0]).toMatchObject({ code: "upstream_stream_interrupted" });
    await gateway.idle();
    expect(gateway.kept.rows().at(-1)).toMatchObject({ error: "upstream_stream_interrupted" });
  });

  test("by a client that vanishes is the provider's 1001", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const client = open(gateway);
    await client.opened;
    const session = await provider.session();
    client.socket.terminate();
    await until(() => session.closed !== null);
    expect(session.closed!.code).toBe(1001);
    await gateway.idle();
  });

  test("by a client that says too much at once is 1009", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url], "", "websocket: { max_message_bytes: 10000 }");
    const client = open(gateway);
    await client.opened;
    const session = await provider.session();
    client.send("x".repeat(10_001));
    expect((await client.end()).code).toBe(1009);
    await until(() => session.closed !== null);
    const second = open(gateway);
    await second.opened;
    (await provider.session(1)).socket.send("y".repeat(10_001));
    expect((await second.end()).code).toBe(1009);
    await gateway.idle();
  });

  test("of a gateway that stops is told when the time to drain is over, with 1012", async () => {
    const provider = upstream();
    const gateway = gatewayOf([provider.base_url]);
    const client = open(gateway);
    await client.opened;
    const session = await provider.session();
    await gateway.gateway.stop(50);
    expect((await client.end()).code).toBe(1012);
    expect(client.errors()[0]).toMatchObject({ code: "unavailable" });
    await until(() => session.closed !== null);
  });

  test("comes after as long as a session may last, or be quiet", async () => {
    const provider = upstream();
    const gateway = room.gateway(`
listen: { realtime: { idle_s: 1 } }
providers: { up0: { kind: openai, base_url: "${provider.base_url}", api_keys: [s] } }
models: { short: { targets: [up0/x], stream_deadline_ms: 60 }, long: { targets: [up0/x] } }
`);
    const client = open(gateway, "/v1/realtime?model=short", {});
    await client.opened;
    expect((await client.end()).code).toBe(1008);
    expect(client.errors()[0]).toMatchObject({ code: "deadline_exceeded" });
    const quiet = open(gateway, "/v1/realtime?model=long", {});
    await quiet.opened;
    expect((await quiet.end()).code).toBe(1008);
  });
});

describe("a slow side", () => {
  test("is waited for: a client that does not read holds its provider back, and loses nothing", async () => {
    const count = 400;
    const piece = "z".repeat(100_000);
    let sent = 0;
    const pour = (session: { socket: { send(text: string): number } }) => {
      while (sent < count) {
        const taken = session.socket.send(`${String(sent).padStart(6, "0")}${piece}`);
        sent++;
        if (taken <= 0) return;
      }
    };
    const server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0 },
      fetch: (request, own) => void own.upgrade(request),
      websocket: { message() {}, open: (socket) => pour({ socket }), drain: (socket) => pour({ socket }) },
    });
    room.after(() => server.stop(true));
    const gateway = gatewayOf([`http://127.0.0.1:${server.port}/v1`]);
    const raw = await room.connect(gateway.port);
    raw.socket.pause();
    raw.write(
      "GET /v1/realtime?model=voice HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer key-of-acme\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await until(() => sent > 0);
    let before = -1;
    // Until nothing more goes: the system's buffers are full, and the gateway holds a bounded rest.
    while (before !== sent) {
      before = sent;
      await Bun.sleep(150);
    }
    expect(sent).toBeLessThan(count);
    raw.socket.resume();
    await raw.until((received) => received.length > count * 100_016);
    expect(sent).toBe(count);
    for (const number of [0, 1, 200, count - 1]) {
      expect(raw.received).toContain(`${String(number).padStart(6, "0")}zzz`);
    }
  }, 30_000);

  test("of the provider ends the session with 1013 where too much waits for it", async () => {
    const stuck = Bun.listen({
      ...{ hostname: "127.0.0.1", port: 0 },
      socket: {
        data(socket, bytes) {
          const key = /sec-websocket-key: (\S+)/.exec(bytes.toString())?.[1];
          if (key === undefined) return;
          const accept = new Bun.CryptoHasher("sha1")
            .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
            .digest("base64");
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
          );
          socket.pause();
        },
      },
    });
    room.after(() => stuck.stop(true));
    const gateway = gatewayOf(
      [`http://127.0.0.1:${stuck.port}/v1`],
      "",
      "realtime: { max_buffered_bytes: 1000000 }",
    );
    const client = open(gateway);
    await client.opened;
    for (let piece = 0; piece < 100 && client.closed === null; piece++) {
      client.send(JSON.stringify({ type: "input_audio_buffer.append", audio: "A".repeat(200_000) }));
      await Bun.sleep(1);
    }
    expect((await client.end()).code).toBe(1013);
    expect(client.errors()[0]).toMatchObject({ code: "unavailable" });
    await gateway.idle();
  });
});
