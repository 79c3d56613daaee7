// The HTTP/1.1 client: the behaviour of every client, and what only it promises.
// Each promise is provoked by a server that breaks off, stays silent or says too much at one chosen moment.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Origin } from "../../src/config/plan.ts";
import { TOGETHER_MIN } from "../../src/memory/end_of_turn.ts";
import { createHttp1Client, type Http1Client } from "../../src/upstream/http1/client.ts";
import type { Http1Options } from "../../src/upstream/http1/context.ts";
import { ask, NO_TIMEOUTS, requestTo, settle, type Told } from "./ask.ts";
import { describeClient } from "./client.cases.ts";
import { type Peer, RawServer } from "./raw_server.ts";

describeClient("the HTTP/1.1 client", {
  make: () => createHttp1Client({ head_ms: 100, report: () => {} }),
  differences: {},
});

const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("the HTTP/1.1 client alone", () => {
  let server: RawServer;
  let origin: Origin;
  let client: Http1Client;

  const make = (options: Http1Options = {}): Http1Client => {
    client?.close();
    client = createHttp1Client({ report: () => {}, ...options });
    return client;
  };
  /** One exchange with an answer as given; the connection it took. */
  const once = async (response = answer): Promise<Peer> => {
    const asked = ask(client, requestTo(origin));
    const peer = await server.next();
    await peer.request();
    await peer.send(response);
    expect((await asked.done).end).toBe("end");
    return peer;
  };

  beforeEach(async () => {
    server = await RawServer.listen();
    origin = { tls: false, host: "127.0.0.1", port: server.port };
    make();
  });
  afterEach(async () => {
    client.close();
    server.close();
    await settle(2);
    expect(client.stats()).toEqual({ active: 0, idle: 0, connecting: 0 });
  });

  describe("writes", () => {
    test("a small request in one packet, fields in their order", async () => {
      const body = new Uint8Array(2_000).fill(120);
      const fields = [
        ["b", "1"],
        ["a", "2"],
      ] as const;
      ask(client, requestTo(origin, { body: [body], headers: fields, extra_headers: [["c", "3"]] }));
      const peer = await server.next();
      await peer.until(({ received }) => received !== "");
      expect(peer.received).toBe(
        `POST /v1/x?y=z HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nb: 1\r\na: 2\r\nc: 3\r\n` +
          `content-length: 2000\r\n\r\n${"x".repeat(2_000)}`,
      );
      server.close();
    });

    test("many of one turn, each once, and none that was aborted before its turn was over", async () => {
      const COUNT = 20;
      const connect = Array.from({ length: COUNT }, () => ask(client, requestTo(origin)));
      const peers: Peer[] = [];
      for (let i = 0; i < COUNT; i++) peers.push(await server.next());
      for (const peer of peers) await peer.request();
      for (const peer of peers) await peer.send(answer);
      await Promise.all(connect.map(({ done }) => done));

      const asked = Array.from({ length: COUNT }, (_, i) =>
        ask(client, requestTo(origin, { path: `/${i}` })),
      );
      expect(client.stats()).toMatchObject({ active: COUNT, idle: 0 });
      for (let i = 0; i < COUNT; i += 2) asked[i]!.exchange.abort();
      const paths: string[] = [];
      for (const peer of peers) {
        // The connection of what was aborted is closed.
        await peer.until(({ received }) => received.endsWith("\r\n\r\n")).catch(() => {});
        if (peer.received === "") continue;
        paths.push(...peer.received.matchAll(/^GET (\S+)/gm).map(([, path]) => path!));
        await peer.send(answer);
      }
      const told = await Promise.all(asked.filter((_, i) => i % 2 === 1).map(({ done }) => done));
      expect(told.map(({ end }) => end)).toEqual(told.map(() => "end"));
      const kept = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % 2 === 1);
      expect(paths).toEqual(expect.arrayContaining(kept.map((i) => `/${i}`)));
      const aborted = paths.map((path) => Number(path.slice(1))).filter((i) => i % 2 === 0);
      expect(aborted.every((i) => i < TOGETHER_MIN)).toBe(true);
      expect(new Set(paths).size).toBe(paths.length);
    });

    test("the same array of fields for another path, method and origin", async () => {
      const headers = [["a", "1"]] as const;
      const other = { ...origin, host: "localhost" };
      for (const [to, method, path] of [
        [origin, "GET", "/one"],
        [origin, "GET", "/two"],
        [origin, "PUT", "/two"],
        [other, "PUT", "/two"],
        [origin, "GET", "/one"],
      ] as const) {
        const asked = ask(
          client,
          requestTo(to, { headers, method, path, pool: `${to.host}${method}${path}` }),
        );
        const peer = server.accepted < 4 ? await server.next() : null;
        if (peer === null) {
          expect(asked.exchange.reused).toBe(true);
          asked.exchange.abort();
          continue;
        }
        const request = await peer.request();
        expect(
          request.startsWith(`${method} ${path} HTTP/1.1\r\nhost: ${to.host}:${to.port}\r\na: 1\r\n`),
        ).toBe(true);
        await peer.send(answer);
        await asked.done;
      }
    });
  });

  describe("keeps a connection", () => {
    test("and says so", async () => {
      const peer = await once();
      expect(client.stats()).toEqual({ active: 0, idle: 1, connecting: 0 });
      const asked = ask(client, requestTo(origin));
      expect(asked.exchange.reused).toBe(true);
      expect(asked.exchange.times.connected_ms).toBe(asked.exchange.times.started_ms);
      await peer.request();
      await peer.send(answer);
      await asked.done;
    });
    test("no longer than a second less than the server says", async () => {
      await once("HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n");
      expect(client.stats().idle).toBe(0);
      await once("HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n");
      expect(client.stats().idle).toBe(1);
    });
    test("no longer than its own limit", async () => {
      make({ idle_ms: 30 });
      const peer = await once();
      expect(client.stats().idle).toBe(1);
      await peer.closed;
      expect(client.stats().idle).toBe(0);
    });
    test("and takes the one that was used last", async () => {
      const first = ask(client, requestTo(origin));
      const second = ask(client, requestTo(origin));
      const [a, b] = [await server.next(), await server.next()];
      for (const peer of [a, b]) await peer.request();
      await b.send(answer);
      await Promise.race([first.done, second.done]);
      await a.send(answer);
      await Promise.all([first.done, second.done]);
      const third = ask(client, requestTo(origin));
      await a.request();
      await a.send(answer);
      expect((await third.done).body).toBe("ok");
    });
    test("up to a number in each pool", async () => {
      make({ max_idle: 1 });
      const all = [1, 2, 3].map(() => ask(client, requestTo(origin)));
      for (const _ of all) {
        const peer = await server.next();
        await peer.request();
        await peer.send(answer);
      }
      await Promise.all(all.map(({ done }) => done));
      expect(client.stats().idle).toBe(1);
    });
    test("until the server closes it or says anything", async () => {
      for (const ending of ["fin", "reset", "bytes"] as const) {
        const peer = await once();
        expect(client.stats().idle).toBe(1);
        if (ending === "bytes") await peer.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
        else peer[ending]();
        await peer.closed;
        while (client.stats().idle > 0) await settle(1);
      }
      expect(server.accepted).toBe(3);
    });
    test("not when the response came before the request was sent", async () => {
      const asked = ask(client, requestTo(origin, { body: [new Uint8Array(32 << 20)] }));
      const peer = await server.next();
      peer.socket.pause();
      await peer.send(answer);
      expect((await asked.done).body).toBe("ok");
      expect(client.stats().idle).toBe(0);
      peer.socket.resume();
      await peer.closed;
    });
    test("that was paused as one that reads", async () => {
      const asked = ask(client, requestTo(origin), { onHead: (exchange) => exchange.pause() });
      const peer = await server.next();
      await peer.request();
      await peer.send(answer);
      expect((await asked.done).body).toBe("ok");
      const next = ask(client, requestTo(origin));
      await peer.request();
      await peer.send(answer);
      expect((await next.done).body).toBe("ok");
    });
  });

  test("a request on a lost connection is sent again with honest times", async () => {
    const peer = await once();
    const asked = ask(client, requestTo(origin, { body: [Buffer.from("again")] }));
    const sent_ms = asked.exchange.times.connected_ms;
    await peer.request();
    peer.reset();
    const other = await server.next();
    expect(asked.exchange.reused).toBe(false);
    await other.request();
    await other.send(answer);
    expect((await asked.done).body).toBe("ok");
    expect(asked.exchange.times.connected_ms).toBeGreaterThan(sent_ms);
    expect(asked.exchange.times.first_byte_ms).toBeGreaterThanOrEqual(asked.exchange.times.connected_ms);
  });

  test("a 408 for the idle connection is not taken for the answer", async () => {
    const peer = await once();
    const asked = ask(client, requestTo(origin, { body: [Buffer.from("x")] }));
    await peer.request();
    await peer.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    const other = await server.next();
    await other.request();
    // On a fresh connection it is one.
    await other.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    const told = await asked.done;
    expect(told.head!.status).toBe(408);
  });

  test("a request on a reused connection that answered a byte is not sent again", async () => {
    const peer = await once();
    const asked = ask(client, requestTo(origin));
    await peer.request();
    await peer.send("H");
    while (asked.exchange.times.first_byte_ms === 0) await settle(1);
    peer.fin();
    expect((await asked.done).error!.failure).toBe("closed");
    expect(server.accepted).toBe(1);
  });

  test("a head that drips fails even without limits of time", async () => {
    make({ head_ms: 60 });
    const asked = ask(client, requestTo(origin));
    const peer = await server.next();
    await peer.request();
    const timer = setInterval(() => void peer.send("H"), 5);
    await peer.send("HTTP/1.1 200 OK\r\nx: ");
    const told = await asked.done;
    clearInterval(timer);
    expect(told.error!.failure).toBe("first_byte_timeout");
    expect(told.error!.message).toContain("incomplete");
  });

  test("a head that comes slowly is waited for", async () => {
    make({ head_ms: 300 });
    const asked = ask(client, requestTo(origin, { timeouts: { ...NO_TIMEOUTS, first_byte_ms: 30 } }));
    const peer = await server.next();
    await peer.request();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-");
    while (asked.exchange.times.first_byte_ms === 0) await settle(1);
    await settle(100);
    await peer.send("length: 2\r\n\r\nok");
    expect((await asked.done).body).toBe("ok");
  });

  test("an exchange that is paused from the start tells nothing until it goes on", async () => {
    const timeouts = { ...NO_TIMEOUTS, first_byte_ms: 500, idle_ms: 500 };
    const asked = ask(client, requestTo(origin, { timeouts }));
    asked.exchange.pause();
    const peer = await server.next();
    await peer.request();
    await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    while (performance.now() - asked.exchange.times.started_ms < 600) await settle();
    expect(asked.told).toMatchObject({ head: null, end: "open" });
    expect(asked.exchange.times.first_byte_ms).toBe(0);
    asked.exchange.resume();
    // The time for the first byte begins anew.
    await settle(60);
    await peer.send(answer);
    expect((await asked.done).body).toBe("ok");
  });

  test("more connections than allowed are not tried", async () => {
    make({ max_connecting: 1 });
    const first = ask(client, requestTo(origin));
    const second = ask(client, requestTo(origin));
    expect((await second.done).error!.failure).toBe("connect");
    const peer = await server.next();
    await peer.request();
    await peer.send(answer);
    expect((await first.done).body).toBe("ok");
  });

  test("a stream that was never begun is cancelled", async () => {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    const told = await ask(client, requestTo({ ...origin, port: 1 }, { body: { stream, length: null } }))
      .done;
    expect(told.error!.failure).toBe("connect");
    expect(cancelled).toBe(true);
  });

  describe("finds a server", () => {
    const answering = (listening: RawServer): void =>
      listening.serve(async (peer) => {
        for (;;) {
          await peer.request();
          await peer.send(answer);
        }
      });
    const lookupOf =
      (...addresses: string[]): NonNullable<Http1Options["lookup"]> =>
      async () =>
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

    test("on localhost, on either family", async (context) => {
      answering(server);
      expect((await ask(client, requestTo({ ...origin, host: "localhost" })).done).body).toBe("ok");
      const six = await RawServer.listen("::1").catch(() => null);
      if (six === null) return context.skip("there is no IPv6 here");
      answering(six);
      expect((await ask(client, requestTo({ ...origin, host: "localhost", port: six.port })).done).body).toBe(
        "ok",
      );
      const told = await ask(client, requestTo({ ...origin, host: "::1", port: six.port })).done;
      expect(told.body).toBe("ok");
      six.close();
    });
    test("at the second address when the first refuses, and remembers it", async () => {
      answering(server);
      let asked = 0;
      make({
        lookup: async () => {
          asked++;
          return lookupOf("127.0.0.2", "127.0.0.3", "127.0.0.1")("");
        },
      });
      const api = { ...origin, host: "api.test" };
      expect((await ask(client, requestTo(api)).done).body).toBe("ok");
      expect((await ask(client, requestTo(api, { pool: "other" })).done).body).toBe("ok");
      expect(asked).toBe(1);
    });
    test("and says which failed when all do", async () => {
      make({ lookup: lookupOf("127.0.0.2", "127.0.0.3") });
      const told = await ask(client, requestTo({ ...origin, host: "api.test" })).done;
      expect(told.error!.failure).toBe("connect");
      expect(told.error!.message).toBe(`api.test:${server.port}: could not be connected to (ECONNREFUSED)`);
    });
    test("after a failure to resolve, which is not kept", async () => {
      answering(server);
      let asked = 0;
      make({
        lookup: async () => {
          if (++asked === 1) throw Object.assign(new Error("no"), { code: "DNS_ESERVFAIL" });
          return lookupOf("127.0.0.1")("");
        },
      });
      const api = { ...origin, host: "api.test" };
      const told = await ask(client, requestTo(api)).done;
      expect(told.error!.failure).toBe("resolve");
      expect(told.error!.message).toContain("DNS_ESERVFAIL");
      expect((await ask(client, requestTo(api)).done).body).toBe("ok");
    });
    test("within connect_ms, resolving included", async () => {
      make({ lookup: () => new Promise(() => {}) });
      const timeouts = { ...NO_TIMEOUTS, connect_ms: 50 };
      const told = await ask(client, requestTo({ ...origin, host: "api.test" }, { timeouts })).done;
      expect(told.error!.failure).toBe("connect_timeout");
    });

    /** A port whose queue of connections is full, so that the system leaves further ones hanging. */
    const full = async (): Promise<{ port: number; close(): void } | null> => {
      const script =
        'const s = require("node:net").createServer(); s.listen({ port: 0, host: "127.0.0.2", backlog: 1 }, () => console.log(s.address().port))';
      const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
      const { value } = await child.stdout.getReader().read();
      const port = Number(new TextDecoder().decode(value));
      child.kill("SIGSTOP");
      const sockets: Bun.Socket[] = [];
      let hangs = false;
      for (let i = 0; i < 600 && !hangs; i++) {
        const connecting = Bun.connect({ hostname: "127.0.0.2", port, socket: { data() {} } });
        hangs = await Promise.race([
          connecting.then((socket) => {
            sockets.push(socket);
            return false;
          }),
          settle(30).then(() => true),
        ]);
        connecting.catch(() => {});
      }
      const close = (): void => {
        for (const socket of sockets) socket.terminate();
        child.kill("SIGKILL");
      };
      if (hangs) return { port, close };
      close();
      return null;
    };
    test("at the second address while the first hangs", async (context) => {
      const hanging = await full();
      if (hanging === null) return context.skip("this system lets every connection in");
      const second = await RawServer.listen("127.0.0.1", undefined, hanging.port);
      answering(second);
      make({ stagger_ms: 20, lookup: lookupOf("127.0.0.2", "127.0.0.1") });
      const asked = ask(client, requestTo({ ...origin, host: "api.test", port: hanging.port }));
      expect((await asked.done).body).toBe("ok");
      const { started_ms, connected_ms } = asked.exchange.times;
      expect(connected_ms - started_ms).toBeGreaterThan(15);
      // The address that worked is tried first from then on: nothing is waited for.
      const again = ask(
        client,
        requestTo({ ...origin, host: "api.test", port: hanging.port }, { pool: "b" }),
      );
      expect((await again.done).body).toBe("ok");
      expect(again.exchange.times.connected_ms - again.exchange.times.started_ms).toBeLessThan(15);

      make({ lookup: lookupOf("127.0.0.2") });
      const timeouts = { ...NO_TIMEOUTS, connect_ms: 50 };
      const told = await ask(
        client,
        requestTo({ ...origin, host: "api.test", port: hanging.port }, { timeouts }),
      ).done;
      expect(told.error!.failure).toBe("connect_timeout");
      second.close();
      hanging.close();
      while (client.stats().connecting > 0) await settle(10);
    });
  });
});

test("2,000 exchanges of every kind, 32 at a time, leave nothing behind", async () => {
  let state = 42;
  const random = (n: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % n;
  };
  const server = await RawServer.listen();
  server.serve(async (peer) => {
    for (;;) {
      const request = await peer.request();
      const kind = /\/k(\d+)/.exec(request)?.[1];
      const body = "z".repeat(1 + (request.length % 3_000));
      if (kind === "0") await peer.send(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      else if (kind === "1")
        await peer.send(
          `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
        );
      else if (kind === "2")
        await peer.send(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nz`);
      else if (kind === "3") peer.reset();
      else if (kind === "4") peer.fin();
      else if (kind === "5") await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nzEXCESS");
      else if (kind === "6") await peer.send("garbage\r\n\r\n");
      else if (kind === "7") {
        await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nz");
        peer.fin();
      } else if (kind === "8") await peer.drip("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nz");
      // The last kind is never answered.
    }
  });
  const client = createHttp1Client({ report: () => {} });
  const origin = { tls: false, host: "127.0.0.1", port: server.port };
  const seen = new Map<string, number>();
  let left = 2_000;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const kind = random(10);
      const is_aborted = random(20) === 0;
      const size = random(4) === 0 ? 100_000 : random(2_000);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(size + 1).fill(97));
          controller.close();
        },
      });
      const body =
        random(5) === 0 ? { stream, length: random(2) === 0 ? size + 1 : null } : [Buffer.alloc(size, 97)];
      const timeouts = { ...NO_TIMEOUTS, first_byte_ms: kind === 9 ? 30 : 10_000 };
      const asked = ask(
        client,
        requestTo(origin, { path: `/k${kind}`, body, timeouts, pool: `p${random(3)}` }),
      );
      if (is_aborted) {
        await settle(random(3));
        asked.exchange.abort();
        continue;
      }
      const told: Told = await asked.done;
      const outcome = told.error?.failure ?? "end";
      seen.set(`${kind} ${outcome}`, (seen.get(`${kind} ${outcome}`) ?? 0) + 1);
      if (outcome === "end") expect(told.body).toMatch(/^z+$/);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  expect([...seen.keys()].sort()).toEqual([
    "0 end",
    "1 end",
    "2 end",
    "3 closed",
    "4 closed",
    "5 end",
    "6 bad_response",
    "7 closed",
    "8 end",
    "9 first_byte_timeout",
  ]);
  client.close();
  while (server.open > 0) await settle(1);
  expect(client.stats()).toEqual({ active: 0, idle: 0, connecting: 0 });
  server.close();
});
