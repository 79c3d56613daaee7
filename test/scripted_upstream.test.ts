// The scripted upstream does what its scripts say: what the other tests rest on is tested first.
// It is asked with fetch where an HTTP client will do, and with a bare socket where the bytes matter.

import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { OPENAPI_MISSING, validateAnswer, validateChunk } from "./conformance/openapi.ts";
import {
  chatChunks,
  chatCompletion,
  type Script,
  type ScriptedUpstream,
  startUpstream,
  type UpstreamOptions,
} from "./scripted_upstream.ts";

const running: ScriptedUpstream[] = [];

async function start(script: Script, options?: UpstreamOptions): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script, options);
  running.push(upstream);
  return upstream;
}

afterEach(() => {
  for (const upstream of running.splice(0)) upstream.stop();
});

/** Sends bytes on a bare socket; what came back, in how many reads, and how it ended. */
function speak(port: number, bytes: string): Promise<{ text: string; reads: number; ending: string }> {
  const { promise, resolve } = Promise.withResolvers<{ text: string; reads: number; ending: string }>();
  const told = { text: "", reads: 0, ending: "" };
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  socket.on("data", (data) => {
    told.text += data.toString();
    told.reads++;
  });
  socket.on("end", () => {
    told.ending = "fin";
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    told.ending = error.code ?? "";
  });
  socket.on("close", () => resolve(told));
  return promise;
}

describe("requests are kept as they came", () => {
  test("with their fields, their body and their connection", async () => {
    const upstream = await start((_request, reply) => reply.json(200, { ok: true }, { "x-test": "1" }));
    for (let index = 0; index < 3; index++) {
      const answer = await fetch(`${upstream.base_url}/x?y=${index}`, {
        method: "POST",
        body: `{"n":${index}}`,
        headers: { "X-Name": "v" },
      });
      expect([answer.status, answer.headers.get("x-test"), await answer.json()]).toEqual([
        200,
        "1",
        { ok: true },
      ]);
    }
    expect(upstream.requests.map((request) => [request.method, request.path, request.json()])).toEqual(
      [0, 1, 2].map((n) => ["POST", `/v1/x?y=${n}`, { n }]),
    );
    expect(upstream.requests[0]?.headers.get("x-name")).toBe("v");
    expect(upstream.requests.map((request) => request.connection)).toEqual([1, 1, 1]);
    expect([upstream.accepted, upstream.open]).toEqual([1, 1]);
  });

  test("chunked, byte by byte, several on one connection", async () => {
    const upstream = await start((request, reply) => reply.json(200, request.text()));
    const chunked =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nA: 1\r\na: 2\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n";
    const socket = connect(upstream.port, "127.0.0.1");
    for (const byte of chunked + chunked) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await upstream.waitFor(() => upstream.requests.length === 2);
    expect(upstream.requests.map((request) => request.text())).toEqual(["abc0123456789", "abc0123456789"]);
    expect(upstream.requests[0]?.headers.get("a")).toBe("1, 2");
    expect(upstream.requests[0]?.header_list.map(([name]) => name)).toEqual(["Transfer-Encoding", "A", "a"]);
    socket.destroy();
    await upstream.closed(1);
  });

  test("at their head, and held back while paused", async () => {
    const upstream = await start(
      async (request, reply) => {
        request.pause();
        const before = request.body.length;
        request.resume();
        await request.complete;
        return reply.json(200, [before < request.body.length, request.body.length]);
      },
      { at: "head" },
    );
    const answer = await fetch(upstream.base_url, { method: "POST", body: new Uint8Array(4_000_000) });
    expect(await answer.json()).toEqual([true, 4_000_000]);
  });
});

describe("answers go out as scripted", () => {
  test("streams of events, chunked", async () => {
    const chunks = chatChunks("Hello big world");
    const upstream = await start(async (_request, reply) => {
      for (const chunk of chunks) await reply.sse(chunk);
      await reply.sse("[DONE]");
    });
    for (let index = 0; index < 2; index++) {
      const text = await (await fetch(upstream.base_url)).text();
      expect(text).toBe(
        `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`,
      );
    }
    expect(upstream.accepted).toBe(1);
  });

  test("large bodies, with back-pressure", async () => {
    const upstream = await start(async (_request, reply) => {
      await reply.head(200);
      for (let index = 0; index < 50; index++) await reply.chunk(new Uint8Array(1_000_000));
    });
    expect((await (await fetch(upstream.base_url)).arrayBuffer()).byteLength).toBe(50_000_000);
  });

  test("in pieces, in drips, cut off with RST and with FIN", async () => {
    const answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde";
    const upstream = await start(async (_request, reply) => {
      await reply.pieces(answer, [1, 20, 40]);
      await reply.fin();
    });
    const told = await speak(upstream.port, "GET / HTTP/1.1\r\n\r\n");
    expect(told).toMatchObject({ text: answer, ending: "fin" });
    expect(told.reads).toBeGreaterThan(1);
    upstream.use(async (_request, reply) => {
      await reply.drip(answer, 10, 1);
      reply.destroy();
    });
    expect((await speak(upstream.port, "GET / HTTP/1.1\r\n\r\n")).ending).toBe("ECONNRESET");
  });

  test("a client that goes away is seen", async () => {
    const upstream = await start((_request, reply) => reply.never());
    const gone = new AbortController();
    const answer = fetch(upstream.base_url, { signal: gone.signal }).catch((error: Error) => error.name);
    await upstream.waitFor(() => upstream.requests.length === 1);
    gone.abort();
    await upstream.requests[0]?.aborted;
    await upstream.closed(1);
    expect([upstream.open, await answer]).toEqual([0, "AbortError"]);
  });

  test("what never comes true is said", async () => {
    const upstream = await start(() => {});
    await expect(upstream.waitFor(() => upstream.open === 7, 5)).rejects.toThrow("upstream.open === 7");
  });
});

test.skipIf(OPENAPI_MISSING !== null)("the ready-made bodies are OpenAI's", () => {
  expect(validateAnswer("POST", "/chat/completions", 200, chatCompletion("x"))).toEqual([]);
  expect(chatChunks(" a b ", { usage: null }).length).toBe(4);
  for (const chunk of chatChunks("a b c")) expect(validateChunk("/chat/completions", chunk)).toEqual([]);
});
