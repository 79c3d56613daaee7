// Answers on their way to the client: at once, whole or told broken, at the client's pace, and only as long as it listens.

import { describe, expect, test } from "vitest";
import {
  chatChunks,
  chatCompletion,
  type Reply,
  type Script,
  type SeenRequest,
} from "../scripted_upstream.ts";
import { chatRequest, errorOf, eventsOf, rig, until } from "./harness.ts";

const room = rig();

const SSE = { "content-type": "text/event-stream" };

/** A model `chat` at an upstream, without retries unless `rest` says so. */
function config(base_url: string, rest = "retries: { attempts: 0 }", provider = ""): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] ${provider} } }
models: { chat: { targets: [up/gpt], ${rest} } }
`;
}

const CHUNKS = chatChunks("one two three").map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
const DONE = "data: [DONE]\n\n";
const WHOLE = CHUNKS.join("") + DONE;

/** Sends the first `count` events and then does something else. */
const cutAfter =
  (count: number, then: (reply: Reply, request: SeenRequest) => unknown): Script =>
  async (request, reply) => {
    await reply.head(200, SSE);
    for (const chunk of CHUNKS.slice(0, count)) await reply.chunk(chunk);
    await then(reply, request);
  };

const STREAM = { model: "chat", messages: [], stream: true, stream_options: { include_usage: true } };

describe("a stream", () => {
  test("reaches the client event by event, before the upstream sends the next", async () => {
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(
      cutAfter(2, async (reply) => {
        await gate.promise;
        await reply.chunk(CHUNKS.slice(2).join("") + DONE);
      }),
    );
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM));
    await client.until((received) => received.includes('"one"'));
    expect(client.received).not.toContain("two");
    gate.resolve();
    const answer = await client.answer();
    expect(answer.body).toBe(WHOLE);
    expect(answer.complete).toBe(true);
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    expect(answer.headers.get("x-accel-buffering")).toBe("no");
    expect(gateway.counted("tokens", "input")).toBe(5);
    expect(gateway.counted("tokens", "output")).toBe(7);
  });

  test("whose opening says nothing is held for a second at most", async () => {
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(
      cutAfter(1, async (reply) => {
        await gate.promise;
        await reply.chunk(CHUNKS.slice(1).join("") + DONE);
      }),
    );
    const gateway = room.gateway(config(upstream.base_url));
    const start_ms = performance.now();
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM));
    await client.until((received) => received.includes('"assistant"'));
    const held_ms = performance.now() - start_ms;
    expect(held_ms).toBeGreaterThan(900);
    expect(held_ms).toBeLessThan(2_000);
    gate.resolve();
    expect((await client.answer()).body).toBe(WHOLE);
  });

  test("that opens and then says nothing more is over at the call's deadline", async () => {
    const upstream = await room.upstream(cutAfter(1, (reply) => reply.never()));
    // A good while behind the second after which it begins.
    const gateway = room.gateway(config(upstream.base_url, "deadline_ms: 2000, retries: { attempts: 0 }"));
    const start_ms = performance.now();
    const response = await gateway.chat(STREAM);
    const events = eventsOf(await response.text());
    expect(performance.now() - start_ms).toBeLessThan(3_500);
    expect(events[0]!.raw).toBe(CHUNKS[0]);
    expect(errorOf(events[1]!.data!).code).toBe("deadline_exceeded");
    await upstream.closed(1);
  });

  test.each([0, 1, 2, 3])(
    "that ends after %i events, before its finish, ends with an error event",
    async (count) => {
      const upstream = await room.upstream(cutAfter(count, () => {}));
      const gateway = room.gateway(config(upstream.base_url));
      const client = await room.connect(gateway.port);
      client.write(chatRequest(STREAM));
      const answer = await client.answer();
      expect(answer.complete).toBe(true);
      expect(answer.body).not.toContain("[DONE]");
      if (count < 2) {
        // Nothing of the answer had been sent: an error with its status.
        expect(answer.status).toBe(502);
        expect(errorOf(answer.body).code).toBe("upstream_error");
        return;
      }
      const events = eventsOf(answer.body);
      expect(events.slice(0, -1).map(({ raw }) => raw)).toEqual(CHUNKS.slice(0, count));
      expect(events.at(-1)!.raw).toMatch(/^event: error\n/);
      expect(errorOf(events.at(-1)!.data!)).toMatchObject({
        type: "upstream_error",
        code: "upstream_stream_interrupted",
      });
      expect(gateway.counted("errors", "upstream_stream_interrupted")).toBe(1);
    },
  );

  test("that was cut inside an event gives the client no half of it", async () => {
    const upstream = await room.upstream(cutAfter(2, (reply) => reply.chunk(CHUNKS[2]!.slice(0, 40))));
    const gateway = room.gateway(config(upstream.base_url));
    const text = await (await gateway.chat(STREAM)).text();
    const events = eventsOf(text);
    expect(events).toHaveLength(3);
    expect(errorOf(events[2]!.data!).code).toBe("upstream_stream_interrupted");
  });

  test("that lost its usage chunk half way, behind its finish, gives no half of that either", async () => {
    const usage_chunk = CHUNKS.at(-1)!;
    const upstream = await room.upstream(
      cutAfter(CHUNKS.length - 1, (reply) => reply.chunk(usage_chunk.slice(0, -9))),
    );
    const gateway = room.gateway(config(upstream.base_url));
    expect(await (await gateway.chat(STREAM)).text()).toBe(CHUNKS.slice(0, -1).join(""));
  });

  test("of several choices has not ended when the first of them has", async () => {
    const upstream = await room.upstream(cutAfter(CHUNKS.length - 1, () => {}));
    const gateway = room.gateway(config(upstream.base_url));
    const events = eventsOf(await (await gateway.chat({ ...STREAM, n: 2 })).text());
    expect(errorOf(events.at(-1)!.data!).code).toBe("upstream_stream_interrupted");
  });

  test("whose connection is reset ends with an error event and a clean end", async () => {
    const upstream = await room.upstream(
      cutAfter(3, async (reply, request) => {
        await client.until((received) => received.includes('" two"'));
        expect(request.connection).toBe(1);
        reply.destroy();
      }),
    );
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM));
    const answer = await client.answer();
    expect(answer.complete).toBe(true);
    const events = eventsOf(answer.body);
    expect(events).toHaveLength(4);
    expect(errorOf(events[3]!.data!).code).toBe("upstream_stream_interrupted");
    expect(upstream.requests).toHaveLength(1);
  });

  test("whose connection is reset behind [DONE] was a good one", async () => {
    const upstream = await room.upstream(
      cutAfter(CHUNKS.length, async (reply) => {
        await reply.chunk(DONE);
        await client.until((received) => received.includes("[DONE]"));
        reply.destroy();
      }),
    );
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM));
    const answer = await client.answer();
    expect(answer.body).toBe(WHOLE);
    expect(answer.complete).toBe(true);
    expect(gateway.counted("calls", "200")).toBe(1);
    expect(gateway.counted("errors", "upstream_stream_interrupted")).toBe(0);
  });

  test("in which the upstream falls silent ends with an error event after idle_ms", async () => {
    const upstream = await room.upstream(cutAfter(2, (reply) => reply.never()));
    const gateway = room.gateway(
      config(upstream.base_url, "retries: { attempts: 0 }", ", timeouts: { idle_ms: 150 }"),
    );
    const events = eventsOf(await (await gateway.chat(STREAM)).text());
    expect(events).toHaveLength(3);
    expect(errorOf(events[2]!.data!).code).toBe("upstream_stream_interrupted");
    await upstream.closed(1);
  });

  test("in which the provider tells of an error ends there, in the client's format", async () => {
    const upstream = await room.upstream(
      cutAfter(2, async (reply) => {
        await reply.sse({ error: { message: "Overloaded", code: 529, metadata: { provider_name: "X" } } });
        await reply.sse("[DONE]");
      }),
    );
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM));
    const answer = await client.answer();
    expect(answer.complete).toBe(true);
    const events = eventsOf(answer.body);
    expect(events).toHaveLength(3);
    expect(errorOf(events[2]!.data!)).toMatchObject({ message: "Overloaded", code: "529", param: null });
    expect(answer.body).not.toContain("[DONE]");
  });

  test("over its stream_deadline_ms ends with an error event", async () => {
    const upstream = await room.upstream(
      cutAfter(2, async (reply) => {
        for (;;) {
          await reply.chunk(CHUNKS[1]!);
          if (await Promise.race([reply.never().then(() => true), Bun.sleep(20)])) return;
        }
      }),
    );
    const gateway = room.gateway(
      config(upstream.base_url, "stream_deadline_ms: 200, retries: { attempts: 0 }"),
    );
    const events = eventsOf(await (await gateway.chat(STREAM)).text());
    expect(events.length).toBeGreaterThan(3);
    expect(errorOf(events.at(-1)!.data!)).toMatchObject({ type: "timeout_error", code: "deadline_exceeded" });
    await upstream.closed(1);
  });

  test("outlives the call's deadline once its content has begun", async () => {
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(
      cutAfter(2, async (reply) => {
        await gate.promise;
        await reply.chunk(CHUNKS.slice(2).join("") + DONE);
      }),
    );
    const gateway = room.gateway(config(upstream.base_url, "deadline_ms: 1000, retries: { attempts: 0 }"));
    const response = await gateway.chat(STREAM);
    setTimeout(gate.resolve, 1_200);
    expect(await response.text()).toBe(WHOLE);
  });

  test("that is quiet gets comments, and none before its beginning", async () => {
    const gate = Promise.withResolvers<void>();
    const begin = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_, reply) => {
      await begin.promise;
      await reply.head(200, SSE);
      await reply.chunk(CHUNKS.slice(0, 2).join(""));
      await gate.promise;
      await reply.chunk(CHUNKS.slice(2).join("") + DONE);
    });
    const gateway = room.gateway(config(upstream.base_url), { quiet_ms: 40 });
    setTimeout(begin.resolve, 150);
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM));
    await client.until((received) => received.split(": keep-alive\n\n").length > 3);
    gate.resolve();
    const { body } = await client.answer();
    expect(body.startsWith(CHUNKS[0]!)).toBe(true);
    expect(body.replaceAll(": keep-alive\n\n", "")).toBe(WHOLE);
  });

  test("with an event of many megabytes passes whole", async () => {
    const big = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(5_000_000) } }] })}\n\n`;
    const body = CHUNKS.slice(0, 2).join("") + big + CHUNKS.slice(2).join("") + DONE;
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk(body);
    });
    const gateway = room.gateway(config(upstream.base_url));
    expect((await (await gateway.chat(STREAM)).text()) === body).toBe(true);
  });
});

describe("before the first content", () => {
  const two = (first: string, second: string): string => `
providers:
  first: { kind: openai, base_url: "${first}", api_keys: [none] }
  second: { kind: openai, base_url: "${second}", api_keys: [none] }
models: { chat: { targets: [first/a, second/b], retries: { attempts: 0 } } }
`;
  const good: Script = async (_, reply) => {
    await reply.head(200, SSE);
    await reply.chunk(WHOLE);
  };
  const bad: Readonly<Record<string, Script>> = {
    "an error event": async (_, reply) => {
      await reply.sse({ error: { message: "Overloaded", type: "overloaded_error" } });
      await reply.end();
    },
    "an event named error": async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk('event: error\ndata: {"message":"no capacity"}\n\n');
    },
    "a role and then an error event": async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk(CHUNKS[0]!);
      await reply.sse({ error: { message: "late", code: 503 } });
    },
    "a plain JSON error": (_, reply) => reply.json(200, { error: { message: "oops", type: "server_error" } }),
    "a plain JSON answer": (_, reply) => reply.json(200, chatCompletion("hello")),
    "a page of HTML": async (_, reply) => {
      await reply.head(200, { "content-type": "text/html" });
      await reply.chunk("<html>sign in</html>");
    },
    "an empty stream": (_, reply) => reply.head(200, SSE),
    "a stream of comments": async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk(": processing\n\n");
    },
    "a reset": async (_, reply) => {
      await reply.head(200, SSE);
      await reply.chunk(CHUNKS[0]!);
      reply.destroy();
    },
  };

  test.each(Object.keys(bad))("%s under 200 fails over to the next target", async (name) => {
    const first = await room.upstream(bad[name]!);
    const second = await room.upstream(good);
    const gateway = room.gateway(two(first.base_url, second.base_url));
    const response = await gateway.chat(STREAM);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(WHOLE);
    expect(response.headers.get("x-venturi-provider")).toBe("second");
    expect(response.headers.get("x-venturi-attempts")).toBe("2");
    expect(first.requests).toHaveLength(1);
  });

  test("a plain answer's JSON error under 200 fails over too, and HTML", async () => {
    for (const script of [bad["a plain JSON error"]!, bad["a page of HTML"]!]) {
      const first = await room.upstream(script);
      const second = await room.upstream((_, reply) => reply.json(200, chatCompletion("hello")));
      const gateway = room.gateway(two(first.base_url, second.base_url));
      const response = await gateway.chat();
      expect(await response.json()).toEqual(chatCompletion("hello"));
    }
  });
});

describe("a client that goes away", () => {
  test.each([false, true])(
    "ends the upstream's call at once, without another try; streamed: %s",
    async (stream) => {
      const upstream = await room.upstream(async (_, reply) => {
        if (stream) {
          await reply.head(200, SSE);
          await reply.chunk(CHUNKS.slice(0, 2).join(""));
        }
        await reply.never();
      });
      const gateway = room.gateway(config(upstream.base_url, "retries: { attempts: 5, backoff_ms: 1 }"));
      const client = await room.connect(gateway.port);
      client.write(chatRequest({ ...STREAM, stream }));
      await upstream.waitFor(() => upstream.requests.length === 1);
      if (stream) await client.until((received) => received.includes('"one"'));
      const start_ms = performance.now();
      client.destroy();
      await upstream.requests[0]!.aborted;
      expect(performance.now() - start_ms).toBeLessThan(1_000);
      await gateway.idle();
      expect(upstream.requests).toHaveLength(1);
      expect(gateway.counted("calls", "499")).toBe(1);
    },
  );

  test("during the held opening, or while a retry waits, is noticed too", async () => {
    const opening = await room.upstream(cutAfter(1, (reply) => reply.never()));
    const failing = await room.upstream((_, reply) => reply.json(500, { error: { message: "no" } }));
    for (const upstream of [opening, failing]) {
      const gateway = room.gateway(config(upstream.base_url, "retries: { attempts: 5, backoff_ms: 60000 }"));
      const client = await room.connect(gateway.port);
      client.write(chatRequest(STREAM));
      await upstream.waitFor(() => upstream.requests.length === 1);
      if (upstream === failing) await until(() => gateway.counted("attempts", "500") === 1);
      client.destroy();
      await gateway.idle();
      expect(gateway.counted("calls", "499")).toBe(1);
      expect(upstream.requests).toHaveLength(1);
    }
  });

  test("before its body is whole counts as gone, and nothing is asked of anyone", async () => {
    const upstream = await room.upstream(cutAfter(0, () => {}));
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(chatRequest(STREAM).slice(0, -10));
    await until(() => gateway.gateway.calls.size === 1);
    client.destroy();
    await gateway.idle();
    expect(gateway.counted("calls", "499")).toBe(1);
    expect(upstream.requests).toHaveLength(0);
  });
});

describe("a client that does not read", () => {
  /** One that has stopped to, so that everything before it stands still. */
  async function standing(stream: boolean) {
    const total_bytes = 64 * 1024 * 1024;
    const piece = stream
      ? Buffer.from(
          `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(64 * 1024) } }] })}\n\n`,
        )
      : Buffer.from(`"${"x".repeat(64 * 1024)}",`);
    let sent = 0;
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, stream ? SSE : { "content-type": "application/octet-stream" });
      while (sent < total_bytes) {
        await reply.chunk(piece);
        sent += piece.length;
      }
      if (stream) await reply.chunk(CHUNKS.at(-2)! + DONE);
    });
    const gateway = room.gateway(config(upstream.base_url));
    const client = await room.connect(gateway.port);
    client.write(
      stream ? chatRequest(STREAM) : "GET /v1/files/file-1/content HTTP/1.1\r\nhost: gateway\r\n\r\n",
    );
    await client.until((received) => received.length > 1000);
    client.socket.pause();
    // It stands still: nothing was sent for a while.
    let before = -1;
    await until(() => {
      const is_still = sent === before;
      before = sent;
      Bun.sleepSync(20);
      return is_still;
    });
    return { client, gateway, upstream, sent, total_bytes };
  }

  test.each([true, false])(
    "holds the upstream back, with little memory in use; streamed: %s",
    async (stream) => {
      const { client, gateway, sent, total_bytes } = await standing(stream);
      expect(sent).toBeLessThan(24 * 1024 * 1024);
      let received_bytes = client.received.length;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (bytes: Buffer) => {
        received_bytes += bytes.length;
      });
      client.socket.resume();
      await until(() => received_bytes > total_bytes);
      await gateway.idle();
      expect(gateway.counted("calls", "200")).toBe(1);
    },
  );

  test.each([true, false])("and then leaves is noticed as any other; streamed: %s", async (stream) => {
    const { client, gateway, upstream } = await standing(stream);
    client.destroy();
    await upstream.requests[0]!.aborted;
    await gateway.idle();
    expect(gateway.counted("calls", "499")).toBe(1);
  });
});

describe("a client's connection", () => {
  test("may be quiet in the middle of an answer, and is closed when it is idle behind it", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (_, reply) => {
      await reply.head(200, { "content-type": "application/octet-stream" });
      await reply.chunk("the beginning");
      await released;
      await reply.chunk("the end");
    });
    // The server looks every four seconds, the first time at any moment of them: eight are at least four, in which it is told of the call.
    const gateway = room.gateway(config(upstream.base_url), { idle_s: 8 });
    const client = await room.connect(gateway.port);
    client.write("GET /v1/files/file-1/content HTTP/1.1\r\nhost: gateway\r\n\r\n");
    await client.until((received) => received.includes("the beginning"));
    const silent = await room.connect(gateway.port);
    // Whoever says nothing at all is closed meanwhile.
    silent.write("GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n");
    await silent.closed;
    release();
    await client.until((received) => received.includes("the end"));
    await client.closed;
    expect(gateway.counted("calls", "200")).toBe(1);
  });
});
