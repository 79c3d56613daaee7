// What goes upstream of a request, who may send one, and what each path is for.

import { describe, expect, test } from "vitest";
import { OPENAPI_MISSING, validateAnswer, validateError } from "../conformance/openapi.ts";
import { chatCompletion, type Script } from "../scripted_upstream.ts";
import { errorOf, rig, still, type TestGateway, until } from "./harness.ts";

const room = rig();

const ok: Script = (_, reply) => reply.json(200, chatCompletion("hello"));

/** One provider `up`, an alias `chat` for its `gpt-real`, and whatever else. */
const config = (base_url: string, rest = ""): string => `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [sk-up], headers: { x-cost-centre: "42" } } }
models: { chat: { targets: [up/gpt-real], retries: { attempts: 0 } } }
${rest}`;

function post(
  gateway: TestGateway,
  path: string,
  body: RequestInit["body"],
  headers: Record<string, string> = {},
) {
  return gateway.fetch(path, { method: "POST", body, headers });
}

describe("a JSON request", () => {
  const exact: Readonly<Record<string, readonly [sent: string, expected: string]>> = {
    "with fields that nobody knows": [
      '{"model":"chat","messages":[],"x_new":{"a":[1,2.50,1e-7]},"n":1.0}',
      '{"model":"gpt-real","messages":[],"x_new":{"a":[1,2.50,1e-7]},"n":1.0}',
    ],
    "with odd white space": [
      ' \n{\t"messages" : [ ] ,\r\n "model"\n:\t"chat" } \n',
      ' \n{\t"messages" : [ ] ,\r\n "model"\n:\t"gpt-real" } \n',
    ],
    "with escapes in key and value": [
      '{"mod\\u0065l":"ch\\u0061t","messages":["\\ud83d\\ude00\\/\\n"]}',
      '{"mod\\u0065l":"gpt-real","messages":["\\ud83d\\ude00\\/\\n"]}',
    ],
    "with two models, of which the last counts": [
      '{"model":"sim/echo","messages":[],"model":"chat"}',
      '{"model":"gpt-real","messages":[],"model":"gpt-real"}',
    ],
    "with a model inside of something else": [
      '{"messages":[{"model":"chat"}],"metadata":{"model":"chat"},"model":"chat"}',
      '{"messages":[{"model":"chat"}],"metadata":{"model":"chat"},"model":"gpt-real"}',
    ],
    "in many scripts": [
      '{"model":"chat","messages":[{"role":"user","content":"Grüße, 世界, 🙂, \u2028"}]}',
      '{"model":"gpt-real","messages":[{"role":"user","content":"Grüße, 世界, 🙂, \u2028"}]}',
    ],
    "that ends with the model": ['{"messages":[],"model":"chat"}', '{"messages":[],"model":"gpt-real"}'],
  };

  test.each(Object.keys(exact))("%s goes out byte for byte but for the model", async (name) => {
    const [sent, expected] = exact[name]!;
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    expect((await post(gateway, "/v1/chat/completions", sent)).status).toBe(200);
    const [request] = upstream.requests;
    expect(request!.text()).toBe(expected);
    expect(request!.headers.get("content-length")).toBe(String(Buffer.byteLength(expected)));
    expect(request!.path).toBe("/v1/chat/completions");
  });

  test("of a megabyte goes out byte for byte", async () => {
    const content = 'a\\"é🙂'.repeat(120_000);
    const body = (model: string) =>
      `{"messages":[{"role":"user","content":${JSON.stringify(content)}}],"model":"${model}"}`;
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    expect((await post(gateway, "/v1/chat/completions", body("chat"))).status).toBe(200);
    expect(upstream.requests[0]!.text() === body("gpt-real")).toBe(true);
  });

  const usage: readonly (readonly [sent: string, expected: string])[] = [
    [
      '{"model":"chat","messages":[],"stream":true}',
      ',"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"chat","messages":[],"stream":true }',
      ',"stream":true,"stream_options":{"include_usage":true} }',
    ],
    [
      '{"model":"chat","messages":[],"stream":true,"stream_options":null}',
      ',"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"chat","messages":[],"stream_options":{},"stream":true}',
      ',"stream_options":{"include_usage":true},"stream":true}',
    ],
    [
      '{"model":"chat","messages":[],"stream_options":{ },"stream":true}',
      ',"stream_options":{"include_usage":true },"stream":true}',
    ],
    [
      '{"model":"chat","messages":[],"stream_options":{"include_obfuscation":false},"stream":true}',
      ',"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}',
    ],
    [
      '{"model":"chat","messages":[],"stream":true,"stream_options":{"include_usage":false}}',
      ',"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"chat","messages":[],"stream":true,"stream_options":{"include_usage":true}}',
      ',"stream":true,"stream_options":{"include_usage":true}}',
    ],
    ['{"model":"chat","messages":[],"stream":false}', ',"stream":false}'],
    ['{"model":"chat","messages":[],"stream":null}', ',"stream":null}'],
  ];

  test.each(usage)("asks for usage where %s does not", async (sent, expected) => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    await (await post(gateway, "/v1/chat/completions", sent)).bytes();
    expect(upstream.requests[0]!.text()).toBe(`{"model":"gpt-real","messages":[]${expected}`);
  });

  test("asks a provider that does not understand it for no usage", async () => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none], stream_usage: false } }
`);
    await (
      await post(gateway, "/v1/chat/completions", '{"model":"up/m","messages":[],"stream":true}')
    ).bytes();
    expect(upstream.requests[0]!.text()).toBe('{"model":"m","messages":[],"stream":true}');
  });

  const private_headers = {
    authorization: "Bearer client-key",
    "x-api-key": "client-key",
    "api-key": "client-key",
    "x-goog-api-key": "client-key",
    cookie: "session=1",
    "x-request-id": "req-client",
    "idempotency-key": "idem",
    "x-venturi-user": "u",
    "x-venturi-tags": "a=b",
    "x-stainless-lang": "js",
    "x-forwarded-for": "10.0.0.1",
    "accept-encoding": "gzip",
    "x-cost-centre": "1",
  };
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  test.each([
    ["/v1/chat/completions", '{"model":"chat","messages":[]}'],
    ["/up/v1/chat/completions", '{"model":"gpt-real","messages":[]}'],
    ["/v1/images/generations", '{"model":"chat","prompt":"x"}'],
    ["/v1/files", "bytes"],
  ])("to %s takes none of the client's private headers along, but its trace", async (path, body) => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    const response = await post(gateway, path, body, {
      ...private_headers,
      traceparent: trace,
      "content-type": body === "bytes" ? "application/octet-stream" : "application/json",
    });
    expect(response.status).toBe(200);
    const { header_list, headers } = upstream.requests[0]!;
    const [version, trace_id, span_id, flags] = headers.get("traceparent")!.split("-");
    expect([version, trace_id, flags]).toEqual(["00", trace.split("-")[1], "01"]);
    expect(span_id).not.toBe(trace.split("-")[2]);
    expect(headers.get("authorization")).toBe("Bearer sk-up");
    expect(headers.get("accept-encoding")).toBe("identity");
    expect(headers.get("x-cost-centre")).toBe("42");
    const text = header_list.map(([name, value]) => `${name}: ${value}`.toLowerCase()).join("\n");
    expect(text).not.toMatch(/client-key|session=1|req-client|idem|x-venturi|x-stainless|x-forwarded|gzip/);
    expect(new Set(header_list.map(([name]) => name.toLowerCase())).size).toBe(header_list.length);
  });
});

describe("a client's key", () => {
  const keys = `
keys:
  - { name: all, key: good-key }
  - { name: some, key: some-key, models: ["chat", "sim/*"] }
`;
  test.each([
    ["authorization", "Bearer good-key"],
    ["authorization", "bearer  good-key"],
    ["x-api-key", "good-key"],
    ["api-key", "good-key"],
    ["x-goog-api-key", "good-key"],
  ])("is taken from %s: %s", async (name, value) => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url, keys));
    expect((await gateway.chat({}, { headers: { [name]: value } })).status).toBe(200);
  });

  test.each([
    [{}],
    [{ authorization: "Bearer bad" }],
    [{ authorization: "Basic good-key" }],
    [{ authorization: "Bearer good-key2" }],
    [{ authorization: "Bearer " }],
    [{ authorization: "good-key" }],
    [{ authorization: `Bearer ${"x".repeat(8000)}` }],
    [{ "x-api-key": "GOOD-KEY" }],
  ])("that is wrong gives 401: %j", async (headers) => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url, keys));
    for (const path of ["/v1/chat/completions", "/v1/files", "/up/v1/models", "/v1/audio/speech"]) {
      const response = await post(
        gateway,
        path,
        '{"model":"chat","messages":[]}',
        headers as Record<string, string>,
      );
      expect(response.status).toBe(401);
      expect(errorOf(await response.text())).toMatchObject({
        type: "authentication_error",
        code: "invalid_api_key",
      });
    }
    expect((await gateway.fetch("/v1/models", { headers: headers as Record<string, string> })).status).toBe(
      401,
    );
    expect(upstream.requests).toHaveLength(0);
  });

  test("may call the models of its list and no other", async () => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url, keys));
    const headers = { authorization: "Bearer some-key" };
    expect((await gateway.chat({}, { headers })).status).toBe(200);
    expect((await gateway.chat({ model: "sim/echo" }, { headers })).status).toBe(200);
    for (const model of ["up/gpt-real", "up/other"]) {
      const response = await gateway.chat({ model }, { headers });
      expect(response.status).toBe(403);
      expect(errorOf(await response.text())).toMatchObject({
        type: "permission_error",
        code: "model_not_allowed",
        param: "model",
      });
    }
    for (const path of ["/up/v1/models", "/v1/files"]) {
      expect((await gateway.fetch(path, { headers })).status).toBe(403);
    }
    const list = (await (await gateway.fetch("/v1/models", { headers })).json()) as {
      data: { id: string }[];
    };
    expect(list.data.map(({ id }) => id)).toContain("chat");
    expect(list.data.map(({ id }) => id)).toContain("sim/echo");
    expect(list.data.map(({ id }) => id)).not.toContain("up/gpt-real");
    expect((await gateway.fetch("/v1/models/up%2Fgpt-real", { headers })).status).toBe(404);
    expect(upstream.requests).toHaveLength(1);
  });

  test("is not asked for by health and metrics", async () => {
    const gateway = room.gateway(config("http://127.0.0.1:1/v1", keys));
    expect(await (await gateway.fetch("/health/live")).json()).toEqual({ status: "ok" });
    expect(await (await gateway.fetch("/health/ready")).json()).toEqual({ status: "ok" });
    const metrics = await gateway.fetch("/metrics");
    expect(metrics.headers.get("content-type")).toContain("text/plain");
    expect(await metrics.text()).toContain("venturi_calls_in_flight 0");
  });
});

/** The answer to a request that is sent as it stands; the server closes. */
async function answerTo(port: number, request: string): Promise<string> {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let received = "";
  await Bun.connect({
    ...{ hostname: "127.0.0.1", port },
    socket: {
      open: (socket) => void socket.write(request),
      data: (_socket, bytes) => {
        received += bytes.toString();
      },
      close: () => close(),
    },
  });
  await closed;
  return received;
}

describe("a path", () => {
  test("is known without a Host, which HTTP/1.0 does not need and health checks of balancers leave out", async () => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    const { port } = gateway;
    expect(await answerTo(port, "GET /health/ready HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1.1 200 .*"ok"/s);
    expect(await answerTo(port, "GET /metrics?x=1 HTTP/1.0\r\n\r\n")).toContain("venturi_calls_in_flight 0");
    const body = '{"model":"chat","messages":[]}';
    for (const path of ["/v1/chat/completions", "/up/v1/chat/completions"]) {
      const head = `POST ${path} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
      expect(await answerTo(port, `${head}\r\n\r\n${body}`)).toMatch(/^HTTP\/1.1 200 .*hello/s);
    }
    expect(upstream.requests.map(({ path }) => path)).toEqual([
      "/v1/chat/completions",
      "/v1/chat/completions",
    ]);
  });

  test("may leave out /v1, and may name a provider", async () => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    const body = '{"model":"chat","messages":[]}';
    for (const path of ["/chat/completions", "/v1/chat/completions?api-version=1"]) {
      expect((await post(gateway, path, body)).status).toBe(200);
    }
    expect((await post(gateway, "/up/v1/chat/completions?x=1", body)).status).toBe(200);
    expect((await post(gateway, "/up/chat/completions", body)).status).toBe(200);
    expect((await gateway.fetch("/up/v1/threads/t%20/runs?limit=2")).status).toBe(200);
    expect((await gateway.fetch("/up/v1/models/a", { method: "DELETE" })).status).toBe(200);
    expect(upstream.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /v1/chat/completions",
      "POST /v1/chat/completions",
      "POST /v1/chat/completions?x=1",
      "POST /v1/chat/completions",
      "GET /v1/threads/t%20/runs?limit=2",
      "DELETE /v1/models/a",
    ]);
    // Untranslated: the model stays what the client wrote.
    expect(upstream.requests[2]!.text()).toBe(body);
  });

  test.each([
    "/up/v1/../../admin",
    "/up/v1/%2e%2e/%2e%2e/admin",
    "/up/v1/..%2f..%2fadmin",
    "/up/v1/..%2F..%5cadmin",
    "/up/v1/x%2f%2e%2e%2fadmin",
    "/up/%2e%2e%2fadmin",
    "/v1/files/..%2f..%2fadmin",
    "/v1/files/..%5C..%5Cadmin",
    "/v1/images/..\\..\\admin",
    "/v1/images/../../../admin",
  ])("%s does not leave a provider's base path", async (path) => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(`GET ${path} HTTP/1.1\r\nhost: gateway\r\n\r\n`);
    const answer = await client.answer();
    expect(answer.status).toBe(404);
    expect(errorOf(answer.body).code).toBe("not_found");
    expect(upstream.requests).toHaveLength(0);
  });

  test.each([
    ["GET", "/v1/chat/completions", 405, "POST"],
    ["PUT", "/v1/embeddings", 405, "POST"],
    ["POST", "/v1/models", 405, "GET"],
    ["DELETE", "/v1/models/chat", 405, "GET"],
    ["GET", "/", 404, null],
    ["GET", "/v1", 404, null],
    ["POST", "/v1/nothing", 404, null],
    ["POST", "/nobody/v1/chat/completions", 404, null],
    ["POST", "/v1/chat/completions/", 404, null],
  ])("%s %s gives %i", async (method, path, status, allow) => {
    const gateway = room.gateway("providers: {}");
    const response = await gateway.fetch(path, { method, ...(method === "POST" ? { body: "{}" } : {}) });
    expect(response.status).toBe(status);
    expect(response.headers.get("allow")).toBe(allow);
    expect(response.headers.get("x-request-id")).not.toBeNull();
    const body = await response.json();
    if (OPENAPI_MISSING === null) expect(validateError(body)).toEqual([]);
  });

  test("of a model says what it is, and /v1/models says them all", async () => {
    const gateway = room.gateway(config("http://127.0.0.1:1/v1"));
    const list = (await (await gateway.fetch("/v1/models")).json()) as { data: { id: string }[] };
    expect(list.data.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["chat", "up/gpt-real", "sim/echo"]),
    );
    for (const id of ["chat", "up/gpt-real", "up%2Fother", "sim/echo"]) {
      const model: unknown = await (await gateway.fetch(`/v1/models/${id}`)).json();
      expect(model).toMatchObject({ id: decodeURIComponent(id), object: "model" });
      if (OPENAPI_MISSING === null) expect(validateAnswer("GET", "/v1/models/x", 200, model)).toEqual([]);
    }
    for (const id of ["nope", "sim/nope", "%zz"]) {
      const response = await gateway.fetch(`/v1/models/${id}`);
      expect(response.status).toBe(404);
      expect(errorOf(await response.text()).code).toBe("model_not_found");
    }
    if (OPENAPI_MISSING === null) expect(validateAnswer("GET", "/v1/models", 200, list)).toEqual([]);
  });
});

describe("the other endpoints", () => {
  test("embeddings, moderations and legacy completions go where their model says", async () => {
    const upstream = await room.upstream((_, reply) =>
      reply.json(200, { object: "list", data: [], usage: { prompt_tokens: 3, total_tokens: 3 } }),
    );
    const gateway = room.gateway(config(upstream.base_url));
    for (const [path, input] of [
      ["/v1/embeddings", '"input":["a","b"]'],
      ["/v1/moderations", '"input":"a"'],
      ["/v1/completions", '"prompt":"a"'],
    ] as const) {
      const response = await post(gateway, path, `{"model":"chat",${input}}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ data: [] });
      expect(upstream.requests.at(-1)!.path).toBe(path);
      expect(upstream.requests.at(-1)!.text()).toBe(`{"model":"gpt-real",${input}}`);
    }
    // Without a model: the default provider, and nothing is changed.
    expect((await post(gateway, "/v1/moderations", '{"input":"a"}')).status).toBe(200);
    expect(upstream.requests.at(-1)!.text()).toBe('{"input":"a"}');
    expect(gateway.counted("tokens", "input")).toBe(12);
  });

  test("files and batches go to the default provider, or to the one that a header names", async () => {
    const first = await room.upstream((_, reply) => reply.json(200, { from: "first" }));
    const second = await room.upstream((_, reply) => reply.json(200, { from: "second" }, { "x-extra": "1" }));
    const gateway = room.gateway(`
providers:
  first: { kind: openai, base_url: "${first.base_url}", api_keys: [none] }
  second: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }
`);
    for (const path of ["/v1/files?purpose=batch", "/v1/batches/b1", "/v1/fine_tuning/jobs"]) {
      expect(await (await gateway.fetch(path)).json()).toEqual({ from: "first" });
      expect(first.requests.at(-1)!.path).toBe(path);
      const other = await gateway.fetch(path, { headers: { "x-venturi-provider": "second" } });
      expect(await other.json()).toEqual({ from: "second" });
      expect(other.headers.get("x-extra")).toBe("1");
      expect(other.headers.get("x-venturi-provider")).toBe("second");
    }
    const response = await gateway.fetch("/v1/files", { headers: { "x-venturi-provider": "nobody" } });
    expect(response.status).toBe(400);
    expect(errorOf(await response.text()).param).toBe("x-venturi-provider");
    expect((await gateway.fetch("/v1/filesystem")).status).toBe(404);
  });

  test("answers without a body and not-modified ones pass as they are", async () => {
    const upstream = await room.upstream(async (request, reply) => {
      await reply.raw(
        `HTTP/1.1 ${request.method === "DELETE" ? "204 No Content" : "200 OK\r\ncontent-length: 0"}\r\n\r\n`,
      );
    });
    const gateway = room.gateway(config(upstream.base_url));
    const response = await gateway.fetch("/v1/files/f", { method: "DELETE" });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(await (await gateway.fetch("/v1/files/f")).text()).toBe("");
  });

  test("without a default provider there must be a header", async () => {
    const gateway = room.gateway("providers: {}");
    const response = await gateway.fetch("/v1/files");
    expect(response.status).toBe(400);
    expect(errorOf(await response.text()).param).toBe("x-venturi-provider");
  });

  test("bytes come back as they are, with their content type", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, { "content-type": "audio/mpeg", "content-disposition": "attachment" });
      await reply.chunk(bytes.subarray(0, 1));
      await reply.chunk(bytes.subarray(1));
    });
    const gateway = room.gateway(config(upstream.base_url));
    const response = await post(gateway, "/v1/audio/speech", '{"model":"chat","input":"x","voice":"v"}', {
      "content-type": "application/json; charset=utf-8",
    });
    expect(response.headers.get("content-type")).toBe("audio/mpeg");
    expect(response.headers.get("content-disposition")).toBe("attachment");
    expect(Buffer.from(await response.bytes()).equals(bytes)).toBe(true);
    expect(upstream.requests[0]!.text()).toBe('{"model":"gpt-real","input":"x","voice":"v"}');
  });
});

describe("an upload", () => {
  const boundary = "----form7";
  const part = (name: string, value: string, extra = ""): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n${value}\r\n`;
  const file = (size: number): string =>
    part("file", "z".repeat(size), '; filename="model.wav"\r\nContent-Type: audio/wav');
  const end = `--${boundary}--\r\n`;
  const head = (length: string): string =>
    `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: gateway\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n${length}\r\n\r\n`;

  test.each([
    ["before its file", [part("model", "chat"), file(300_000), end]],
    ["behind its file", [file(300_000), part("language", "en"), part("model", "chat"), end]],
  ])(
    "names its model %s, and goes out with the provider's name for it and the right length",
    async (_, parts) => {
      const body = parts.join("");
      const upstream = await room.upstream((_, reply) => reply.json(200, { text: "hi" }));
      const gateway = room.gateway(config(upstream.base_url));
      const client = await room.connect(gateway.port);
      client.write(head(`content-length: ${body.length}`) + body);
      const answer = await client.answer();
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toEqual({ text: "hi" });
      const [request] = upstream.requests;
      expect(request!.text() === body.replace("\r\nchat\r\n", "\r\ngpt-real\r\n")).toBe(true);
      expect(request!.headers.get("content-length")).toBe(String(body.length + 4));
      expect(request!.headers.get("content-type")).toBe(`multipart/form-data; boundary=${boundary}`);
    },
  );

  test("without a length goes out chunked", async () => {
    const body = part("model", "chat") + file(1000) + end;
    const upstream = await room.upstream((_, reply) => reply.json(200, { text: "hi" }));
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(head("transfer-encoding: chunked"));
    for (const byte of [body.slice(0, 30), body.slice(30, 90), body.slice(90)])
      client.write(`${byte.length.toString(16)}\r\n${byte}\r\n`);
    client.write("0\r\n\r\n");
    expect((await client.answer()).status).toBe(200);
    expect(upstream.requests[0]!.text()).toBe(body.replace("chat", "gpt-real"));
    expect(upstream.requests[0]!.headers.get("transfer-encoding")).toBe("chunked");
  });

  test("is under way upstream before the client has sent its end", async () => {
    const upstream = await room.upstream(
      async (request, reply) => {
        await request.complete;
        await reply.json(200, { text: "hi" });
      },
      { at: "head" },
    );
    const gateway = room.gateway(config(upstream.base_url));
    for (const path of ["/v1/audio/transcriptions", "/v1/files", "/up/v1/uploads"]) {
      const seen = upstream.requests.length;
      const client = await room.connect(gateway.port);
      const body = part("model", "chat") + file(200_000) + end;
      client.write(
        head(`content-length: ${body.length}`).replace("/v1/audio/transcriptions", path) +
          body.slice(0, 100_000),
      );
      await upstream.waitFor(() => (upstream.requests[seen]?.body.length ?? 0) > 90_000);
      client.write(body.slice(100_000));
      expect((await client.answer()).status).toBe(200);
      expect(upstream.requests[seen]!.body.length).toBe(body.length + (path.includes("audio") ? 4 : 0));
    }
  });

  test("is held back while the provider does not read", async () => {
    const pausing: Script = (request, reply) => {
      request.pause();
      return reply.never();
    };
    const upstream = await room.upstream(pausing, { at: "head" });
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    const total_bytes = 64 * 1024 * 1024;
    client.write(`POST /v1/files HTTP/1.1\r\nhost: gateway\r\ncontent-length: ${total_bytes}\r\n\r\n`);
    await upstream.waitFor(() => upstream.requests.length === 1);
    const piece = Buffer.alloc(256 * 1024);
    let taken = 0;
    let is_open = true;
    const write = (): void => {
      if (is_open && taken < total_bytes)
        client.socket.write(piece, () => {
          taken += piece.length;
          write();
        });
    };
    write();
    // All buffers on the way are full.
    await still(() => taken);
    expect(taken).toBeLessThan(32 * 1024 * 1024);
    is_open = false;
    client.destroy();
    // Who is not read from is not seen to leave.
    upstream.requests[0]!.resume();
    await upstream.closed(1);
    await gateway.idle();
    expect(gateway.counted("calls", "499")).toBe(1);
  });

  test("that the client breaks off is ended upstream", async () => {
    const upstream = await room.upstream((_, reply) => reply.never(), { at: "head" });
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(`POST /v1/files HTTP/1.1\r\nhost: gateway\r\ncontent-length: 1000\r\n\r\nabc`);
    await upstream.waitFor(() => upstream.requests[0]?.body.length === 3);
    client.destroy();
    await upstream.closed(1);
    await gateway.idle();
    expect(gateway.counted("calls", "499")).toBe(1);
  });

  test("that stops half way gives 400, in the peeked beginning and behind it", async () => {
    const upstream = await room.upstream((_, reply) => reply.never(), { at: "head" });
    const gateway = room.gateway(config(upstream.base_url, "listen: { body_idle_ms: 150 }"));
    for (const path of ["/v1/audio/transcriptions", "/v1/files", "/up/v1/uploads"]) {
      const client = await room.connect(gateway.port);
      client.write(
        head("content-length: 1000").replace("/v1/audio/transcriptions", path) + part("prompt", "x"),
      );
      const answer = await client.answer();
      expect(answer.status).toBe(400);
      expect(errorOf(answer.body)).toMatchObject({ type: "invalid_request_error", code: "body_incomplete" });
      await client.closed;
    }
    await until(() => upstream.open === 0);
  });

  test("is sent once: a provider that refuses it is the last that is asked", async () => {
    const first = await room.upstream((_, reply) => reply.json(404, { error: { message: "no such model" } }));
    const second = await room.upstream(ok);
    const gateway = room.gateway(`
providers:
  first: { kind: openai, base_url: "${first.base_url}", api_keys: [none] }
  second: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }
models: { chat: { targets: [first/a, second/b] } }
`);
    const body = part("model", "chat") + file(1000) + end;
    const response = await post(gateway, "/v1/audio/transcriptions", body, {
      "content-type": `multipart/form-data; boundary=${boundary}`,
    });
    expect(response.status).toBe(404);
    expect(errorOf(await response.text()).message).toBe("no such model");
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  });

  test("of a model that there is not, or not for this key, reaches nobody", async () => {
    const upstream = await room.upstream(ok);
    const gateway = room.gateway(
      config(upstream.base_url, "keys: [{ name: k, key: some-key, models: [chat] }]"),
    );
    for (const [model, status] of [
      ["nope", 404],
      ["up/x", 403],
      ["chat", 200],
    ] as const) {
      const response = await post(
        gateway,
        "/v1/audio/transcriptions",
        part("model", model) + file(10) + end,
        {
          "content-type": `multipart/form-data; boundary=${boundary}`,
          "x-api-key": "some-key",
        },
      );
      expect(response.status).toBe(status);
    }
    expect(upstream.requests).toHaveLength(1);
  });
});

describe("a gateway at its limit of calls", () => {
  test("refuses more with 503 and retry-after, and takes them again when one has ended", async () => {
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_, reply) => {
      await gate.promise;
      await reply.json(200, chatCompletion("hello"));
    });
    const gateway = room.gateway(config(upstream.base_url, "listen: { max_calls: 1 }"));
    const first = gateway.chat();
    await upstream.waitFor(() => upstream.requests.length === 1);
    const second = await gateway.chat();
    expect(second.status).toBe(503);
    expect(second.headers.get("retry-after")).toBe("1");
    expect(errorOf(await second.text())).toMatchObject({ type: "server_error", code: "unavailable" });
    expect((await gateway.fetch("/health/live")).status).toBe(200);
    gate.resolve();
    expect((await first).status).toBe(200);
    await gateway.idle();
    expect((await gateway.chat()).status).toBe(200);
  });
});

describe("browsers' pages", () => {
  const origin = "https://app.example.com";
  const preflight = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, x-venturi-user",
  };

  test("are allowed nothing by default", async () => {
    const gateway = room.gateway("keys: [{ name: k, key: some-key }]");
    const answer = await gateway.fetch("/v1/chat/completions", {
      method: "OPTIONS",
      headers: { origin, ...preflight },
    });
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    const response = await gateway.chat(
      { model: "sim/echo" },
      { headers: { origin, "x-api-key": "some-key" } },
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  test.each(["https://app.example.com", "*"])(
    "of configured origins (%s) are allowed, on errors too",
    async (allowed) => {
      const gateway = room.gateway(`
listen: { cors: { origins: ["${allowed}"] } }
keys: [{ name: k, key: some-key }]
`);
      const answer = await gateway.fetch("/v1/chat/completions", {
        method: "OPTIONS",
        headers: { origin, ...preflight },
      });
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-origin")).toBe(allowed);
      expect(answer.headers.get("access-control-allow-headers")).toBe("authorization, x-venturi-user");
      expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
      for (const key of ["some-key", "wrong"]) {
        const response = await gateway.chat({ model: "sim/echo" }, { headers: { origin, "x-api-key": key } });
        expect(response.status).toBe(key === "wrong" ? 401 : 200);
        expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
        expect(response.headers.get("access-control-expose-headers")).toBe("*");
        expect(response.headers.get("vary")).toBe("origin");
      }
      if (allowed === "*") return;
      const other = await gateway.chat(
        { model: "sim/echo" },
        { headers: { origin: "https://evil.example", "x-api-key": "some-key" } },
      );
      expect(other.headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  test.each([
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "file://",
  ])("of %s may not call a gateway that asks for no keys", async (foreign) => {
    const gateway = room.gateway("providers: {}");
    const response = await gateway.chat({ model: "sim/echo" }, { headers: { origin: foreign } });
    expect(response.status).toBe(403);
    expect(errorOf(await response.text()).code).toBe("origin_not_allowed");
    expect((await gateway.fetch("/v1/models", { headers: { origin: foreign } })).status).toBe(403);
  });

  test.each(["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:5173"])(
    "of this host (%s) may call a gateway that asks for no keys",
    async (local) => {
      const gateway = room.gateway("providers: {}");
      expect((await gateway.chat({ model: "sim/echo" }, { headers: { origin: local } })).status).toBe(200);
    },
  );
});
