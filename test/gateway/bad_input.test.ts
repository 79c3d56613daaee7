// Bad input, and what it gets: the contract's error in the contract's shape, and a gateway that answers the next call.

import { describe, expect, test, vi } from "vitest";
import { OPENAPI_MISSING, validateError } from "../conformance/openapi.ts";
import { chatCompletion } from "../scripted_upstream.ts";
import { chatRequest, errorOf, planOf, type RawAnswer, rig, type TestGateway, until } from "./harness.ts";

const room = rig();

const GOOD = { model: "sim/echo", messages: [{ role: "user", content: "still there?" }] };

/** A gateway whose every answer to bad input is checked, and that must be fit afterwards. */
function start(rest = "listen: { body_idle_ms: 200 }"): TestGateway {
  return room.gateway(`providers: {}\n${rest}`);
}

async function expectFit(gateway: TestGateway): Promise<void> {
  await gateway.idle();
  const response = await gateway.chat(GOOD);
  expect(response.status).toBe(200);
  expect(JSON.stringify(await response.json())).toContain("still there?");
}

/** Checks an error's shape and headers, and gives what it says. */
function expectError(answer: RawAnswer, status: number): ReturnType<typeof errorOf> {
  expect(answer.status).toBe(status);
  expect(answer.complete).toBe(true);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("x-request-id")).toBeTruthy();
  if (OPENAPI_MISSING === null) expect(validateError(JSON.parse(answer.body))).toEqual([]);
  return errorOf(answer.body);
}

async function send(gateway: TestGateway, bytes: string | Uint8Array): Promise<RawAnswer> {
  const client = await room.connect(gateway.port);
  client.write(bytes);
  return client.answer();
}

function post(path: string, body: string | Uint8Array, headers = ""): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: gateway\r\n${headers}content-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

describe("a body", () => {
  test.each([
    ["of nothing", ""],
    ["of a word", "hello"],
    ["that is cut", '{"model":"sim/echo","messages":[{"role":"us'],
    ["with a comma too many", '{"model":"sim/echo","messages":[],}'],
    ["with single quotes", "{'model':'sim/echo','messages':[]}"],
    ["with something behind it", '{"model":"sim/echo","messages":[]}x'],
    ["with a control character in a string", '{"model":"sim/echo","messages":["\n"]}'],
    ["with a lone escape", '{"model":"sim/echo","messages":["\\x"]}'],
    ["with a number of no kind", '{"model":"sim/echo","messages":[],"n":01}'],
    ["that is nested without end", `{"model":"sim/echo","messages":${"[".repeat(100_000)}`],
    ["that is an array", "[1]"],
    ["that is a string", '"x"'],
    ["that is null", "null"],
  ])("%s is not valid: 400 invalid_json", async (_, body) => {
    const gateway = start();
    for (const path of ["/v1/chat/completions", "/v1/embeddings", "/v1/images/generations"]) {
      const answer = await send(gateway, post(path, body, "content-type: application/json\r\n"));
      expect(expectError(answer, 400)).toMatchObject({ type: "invalid_request_error", code: "invalid_json" });
    }
    await expectFit(gateway);
  });

  test("that stops half way gives 400 after body_idle_ms, and the connection is closed", async () => {
    const gateway = start();
    for (const bytes of [
      chatRequest(GOOD).slice(0, -5),
      chatRequest({ ...GOOD, pad: "x".repeat(1_200_000) }).slice(0, -5),
    ]) {
      const client = await room.connect(gateway.port);
      client.write(bytes);
      const error = expectError(await client.answer(), 400);
      expect(error).toMatchObject({ type: "invalid_request_error", code: "body_incomplete" });
      await client.closed;
    }
    await expectFit(gateway);
  });

  test("that stops half way in its chunks gives 400 too", async () => {
    const gateway = start();
    const client = await room.connect(gateway.port);
    client.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"mod\r\n',
    );
    expect(expectError(await client.answer(), 400).code).toBe("body_incomplete");
    await client.closed;
    await expectFit(gateway);
  });

  test("that comes slowly but steadily is waited for", async () => {
    const gateway = start();
    const client = await room.connect(gateway.port);
    const bytes = chatRequest({ ...GOOD, pad: "x".repeat(1_200_000) });
    const step = Math.ceil(bytes.length / 8);
    for (let at = 0; at < bytes.length; at += step) {
      client.write(bytes.slice(at, at + step));
      await Bun.sleep(60);
    }
    expect((await client.answer()).status).toBe(200);
  });

  test("whose client closes half way leaves nothing behind", async () => {
    const gateway = start("listen: { body_idle_ms: 60000 }");
    for (const close of ["destroy", "end"] as const) {
      const client = await room.connect(gateway.port);
      client.write(chatRequest(GOOD).slice(0, -5));
      await until(() => gateway.gateway.calls.size === 1);
      client.socket[close]();
      await gateway.idle();
    }
    expect(gateway.counted("calls", "499")).toBe(2);
    await expectFit(gateway);
  });

  test("of 33 MiB gives 413, by its declared length at once, and by its chunks as they come", async () => {
    const gateway = start("listen: { body_idle_ms: 60000 }");
    const declared = await room.connect(gateway.port);
    declared.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: ${33 * 1024 * 1024}\r\n\r\n{`,
    );
    expect(expectError(await declared.answer(), 413)).toMatchObject({
      type: "invalid_request_error",
      code: "body_too_large",
    });
    const chunked = await room.connect(gateway.port);
    chunked.write("POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n");
    const piece = Buffer.from(`100000\r\n${"x".repeat(1024 * 1024)}\r\n`);
    for (let mebibyte = 0; mebibyte < 33; mebibyte++) chunked.write(piece);
    expect(expectError(await chunked.answer(), 413).code).toBe("body_too_large");
    await expectFit(gateway);
  });

  test("of the limit's size passes, and of one byte more does not", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(200, chatCompletion("ok")));
    const gateway = room.gateway(`
listen: { max_body_bytes: 100000 }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
`);
    const body = (bytes: number): string => {
      const frame = '{"model":"up/m","messages":[],"pad":""}';
      return `{"model":"up/m","messages":[],"pad":"${"x".repeat(bytes - frame.length)}"}`;
    };
    expect((await send(gateway, post("/v1/chat/completions", body(100_000)))).status).toBe(200);
    expectError(await send(gateway, post("/v1/chat/completions", body(100_001))), 413);
    expect(upstream.requests).toHaveLength(1);
  });

  test("that is compressed gives 400, which says so", async () => {
    const gateway = start();
    const body = Bun.gzipSync(JSON.stringify(GOOD));
    const answer = await send(gateway, post("/v1/chat/completions", body, "content-encoding: gzip\r\n"));
    expect(expectError(answer, 400).param).toBe("content-encoding");
  });
});

describe("a field", () => {
  test.each([
    ["/v1/chat/completions", { messages: [] }, "model"],
    ["/v1/chat/completions", { model: null, messages: [] }, "model"],
    ["/v1/chat/completions", { model: 7, messages: [] }, "model"],
    ["/v1/chat/completions", { model: "", messages: [] }, "model"],
    ["/v1/chat/completions", { model: "sim/echo" }, "messages"],
    ["/v1/chat/completions", { model: "sim/echo", messages: "hello" }, "messages"],
    ["/v1/chat/completions", { model: "sim/echo", messages: { role: "user" } }, "messages"],
    ["/v1/chat/completions", { model: "sim/echo", messages: null }, "messages"],
    ["/v1/chat/completions", { model: "sim/echo", messages: [], stream: "yes" }, "stream"],
    [
      "/v1/chat/completions",
      { model: "sim/echo", messages: [], stream: true, stream_options: [] },
      "stream_options",
    ],
    ["/v1/completions", { model: "sim/echo", prompt: 7 }, "prompt"],
    ["/v1/embeddings", { model: "sim/echo" }, "input"],
    ["/v1/embeddings", { model: "sim/echo", input: 7 }, "input"],
    ["/v1/moderations", { model: "sim/echo", input: null }, "input"],
  ])("of %s that is missing or of the wrong type gives 400 and its name: %j", async (path, body, param) => {
    const gateway = start();
    const error = expectError(await send(gateway, post(path, JSON.stringify(body))), 400);
    expect(error).toMatchObject({ type: "invalid_request_error", param });
    expect(error.message).toContain(param);
    expect(["invalid_type", "invalid_value", "missing_required_parameter"]).toContain(error.code);
    await expectFit(gateway);
  });

  test.each([
    "gpt-4o",
    "nobody/gpt-4o",
    "sim/nothing",
    "sim/",
    "/echo",
    "x".repeat(5000),
    "постой",
    "a\u0000b",
  ])("model that nobody has gives 404 model_not_found: %j", async (model) => {
    const gateway = start();
    const error = expectError(await send(gateway, chatRequest({ ...GOOD, model })), 404);
    expect(error).toMatchObject({ type: "invalid_request_error", param: "model", code: "model_not_found" });
    expect(error.message.length).toBeLessThan(500);
    await expectFit(gateway);
  });

  test("model with a typing mistake is told what was meant", async () => {
    const gateway = start();
    const error = expectError(await send(gateway, chatRequest({ ...GOOD, model: "sim/ecko" })), 404);
    expect(error.message).toContain("sim/echo");
  });

  test("model with any characters in its name can be answered for", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(200, chatCompletion("ok")));
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
`);
    for (const name of ["мир", "a\r\nx-evil: 1", "a b", "\ud800"]) {
      const answer = await send(gateway, chatRequest({ model: `up/${name}`, messages: [] }));
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-evil")).toBeUndefined();
      expect(answer.headers.get("x-venturi-model")).toMatch(/^[!-~]+$/);
    }
  });
});

describe("framing that is wrong", () => {
  test.each([
    [
      "a NUL in a header",
      "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nx-a: b\0c\r\ncontent-length: 2\r\n\r\n{}",
    ],
    [
      "Transfer-Encoding with Content-Length",
      "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    [
      "two lengths",
      "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    ],
    [
      "a length of no number",
      "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: two\r\n\r\n{}",
    ],
    ["no host", "POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"],
    [
      "a chunk size of no number",
      "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}",
    ],
    ["no HTTP at all", "hello, are you there?\r\n\r\n"],
  ])("(%s) is answered with a bare 400 and a closed connection", async (_, bytes) => {
    const gateway = start();
    const client = await room.connect(gateway.port);
    client.write(bytes);
    await client.closed;
    const answer = await client.answer();
    expect(answer.status).toBe(400);
    expect(answer.body).toBe("");
    await expectFit(gateway);
  });

  test("(headers without end) is refused, not collected", async () => {
    const gateway = start();
    const client = await room.connect(gateway.port);
    client.write("GET /v1/models HTTP/1.1\r\nhost: g\r\n");
    const line = `x-more: ${"y".repeat(1000)}\r\n`.repeat(10);
    for (let i = 0; i < 10; i++) client.write(line);
    await client.closed;
    expect((await client.answer()).status).toBeGreaterThanOrEqual(400);
    await expectFit(gateway);
  });
});

describe("a fault of the gateway's own", () => {
  test("gives 500 in the contract's shape and leaves no call in flight", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    room.after(() => log.mockRestore());
    const plan = planOf("providers: {}");
    const sim = plan.providers.get("sim")!;
    // A client that there is not: whoever asks for it throws.
    const broken = { ...sim, name: "broken", client: "none" as typeof sim.client };
    const gateway = room.gateway({ ...plan, providers: new Map([...plan.providers, ["broken", broken]]) });
    const error = expectError(await send(gateway, chatRequest({ ...GOOD, model: "broken/x" })), 500);
    expect(error).toMatchObject({ type: "server_error", code: "internal_error" });
    expect(gateway.gateway.calls.size).toBe(0);
    expect(gateway.counted("errors", "internal_error")).toBe(1);
    expect(log).toHaveBeenCalledOnce();
    await expectFit(gateway);
  });
});
