// What every upstream client must do, against servers that are scripted byte by byte.
// One table of behaviour; where a client cannot do it, its suite names the test and the reason.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Origin, Timeouts } from "../../src/config/plan.ts";
import type { UpstreamClient, UpstreamFailure } from "../../src/upstream/exchange.ts";
import { ask, NO_TIMEOUTS, requestTo, settle } from "./ask.ts";
import { makeCertificates } from "./certificates.ts";
import { RawServer } from "./raw_server.ts";

/** A client under test: how it is made, and what it does not do, by the name of the test. */
export interface ClientSuite {
  readonly make: () => UpstreamClient & { stats(): { readonly active: number } };
  readonly differences: Readonly<Record<string, string>>;
}

const OK = "HTTP/1.1 200 OK\r\n";
const certificates = makeCertificates();
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** Runs the behaviour table. */
export function describeClient(name: string, suite: ClientSuite): void {
  const it = (title: string, run: () => Promise<void>): void => {
    const difference = suite.differences[title];
    if (difference === undefined) test(title, run);
    else test.skip(`${title} (${difference})`, run);
  };
  const itTls = (title: string, run: () => Promise<void>): void => {
    if (certificates === null) test.skip(`${title} (openssl is not installed)`, run);
    else it(title, run);
  };

  describe(name, () => {
    let client: ReturnType<ClientSuite["make"]>;
    let server: RawServer;
    let origin: Origin;

    beforeEach(async () => {
      client = suite.make();
      server = await RawServer.listen();
      origin = { tls: false, host: "127.0.0.1", port: server.port };
    });
    afterEach(() => {
      client.close();
      server.close();
      expect(client.stats().active).toBe(0);
    });

    describe("sends", () => {
      it("method, path, fields and body", async () => {
        const asked = ask(
          client,
          requestTo(origin, {
            headers: [
              ["content-type", "application/json"],
              ["authorization", "Bearer s3cret"],
            ],
            extra_headers: [["x-request-id", "42"]],
            body: [bytes('{"a":'), bytes("1}")],
          }),
        );
        const peer = await server.next();
        const request = await peer.request();
        const [head, body] = request.split("\r\n\r\n") as [string, string];
        const lines = head.toLowerCase().split("\r\n");
        expect(head.split("\r\n")[0]).toBe("POST /v1/x?y=z HTTP/1.1");
        expect(lines).toContain(`host: 127.0.0.1:${server.port}`);
        expect(lines).toContain("content-type: application/json");
        expect(lines).toContain("authorization: bearer s3cret");
        expect(lines).toContain("x-request-id: 42");
        expect(lines).toContain("content-length: 7");
        expect(body).toBe('{"a":1}');
        await peer.send(`${OK}X-One: 1\r\nx-two: 2\r\ncontent-length: 2\r\n\r\nhi`);
        const told = await asked.done;
        expect(told).toMatchObject({ body: "hi", end: "end" });
        expect(told.head!.status).toBe(200);
        expect(told.head!.headers.get("x-one")).toBe("1");
        expect(told.head!.headers.get("x-two")).toBe("2");
        expect(asked.exchange.times.started_ms).toBeGreaterThan(0);
        expect(asked.exchange.times.connected_ms).toBeGreaterThanOrEqual(asked.exchange.times.started_ms);
        expect(asked.exchange.times.first_byte_ms).toBeGreaterThanOrEqual(asked.exchange.times.connected_ms);
      });

      it("no length with GET, a length of zero with POST", async () => {
        ask(client, requestTo(origin));
        const peer = await server.next();
        expect(await peer.request()).not.toMatch(/content-length|transfer-encoding/i);
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        const asked = ask(client, requestTo(origin, { method: "POST" }));
        const other = await Promise.race([
          server.next(),
          peer.until((one) => one.received !== "").then(() => peer),
        ]);
        expect(await other.request()).toMatch(/content-length: 0\r\n/i);
        await other.send(`${OK}content-length: 0\r\n\r\n`);
        await asked.done;
      });

      it("a large body in parts, to a server that reads late", async () => {
        const part = new Uint8Array(1 << 20).map((_, i) => i % 251);
        const asked = ask(
          client,
          requestTo(origin, { body: [bytes("x"), part, bytes("y"), part, part, part, part] }),
        );
        const peer = await server.next();
        peer.socket.pause();
        await settle();
        peer.socket.resume();
        const request = await peer.request();
        const body = request.slice(request.indexOf("\r\n\r\n") + 4);
        expect(body.length).toBe(5 * part.length + 2);
        const text = Buffer.from(part).toString("latin1");
        expect(body === `x${text}y${text.repeat(4)}`).toBe(true);
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        expect((await asked.done).end).toBe("end");
      });

      it("nothing that could end a line", async () => {
        for (const parts of [
          { path: "/a b" },
          { path: "/a\r\nx: y" },
          { path: "http://elsewhere/" },
          { path: "" },
          { method: "GET /\r\n" },
          { headers: [["x", "a\r\nb: c"]] },
          { headers: [["x", "a\0"]] },
          { headers: [["x y", "a"]] },
          { headers: [["", "a"]] },
          { headers: [["x", "\u2028"]] },
          { headers: [["content-length", "5"]] },
          { extra_headers: [["x", "a\nb"]] },
          { extra_headers: [["transfer-encoding", "chunked"]] },
        ] as const) {
          const told = await ask(client, requestTo(origin, parts)).done;
          expect(told.error!.failure).toBe("bad_request");
          expect(told.error!.message).not.toMatch(/b: c|\n/);
        }
        await settle();
        expect(server.accepted).toBe(0);
      });
    });

    describe("reads", () => {
      const exchange = async (
        response: string,
        method = "GET",
      ): Promise<Awaited<ReturnType<typeof ask>["done"]>> => {
        const asked = ask(client, requestTo(origin, { method }));
        const peer = await server.next();
        await peer.request();
        await peer.send(response);
        return asked.done;
      };

      it("a body of a length", async () => {
        expect(await exchange(`${OK}content-length: 5\r\n\r\nhello`)).toMatchObject({
          body: "hello",
          end: "end",
        });
      });
      it("chunks, extensions and trailers", async () => {
        const response = `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nx: y\r\n\r\n`;
        expect(await exchange(response)).toMatchObject({ body: "hello world", end: "end" });
      });
      it("a body until the connection ends", async () => {
        const asked = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}\r\nhello`);
        peer.fin();
        expect(await asked.done).toMatchObject({ body: "hello", end: "end" });
      });
      it("no body after HEAD, 204 and 304", async () => {
        expect(await exchange(`${OK}content-length: 5\r\n\r\n`, "HEAD")).toMatchObject({
          body: "",
          end: "end",
        });
        client.close();
        client = suite.make();
        expect(await exchange("HTTP/1.1 204 No Content\r\n\r\n")).toMatchObject({ body: "", end: "end" });
        client.close();
        client = suite.make();
        const told = await exchange("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
        expect(told).toMatchObject({ body: "", end: "end" });
        expect(told.head!.status).toBe(304);
      });
      it("past interim responses", async () => {
        const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
        const told = await exchange(`${interim}HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nhi`);
        expect(told).toMatchObject({ body: "hi", end: "end" });
        expect(told.head!.status).toBe(201);
      });
      it("a response that comes byte by byte", async () => {
        const asked = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        await peer.drip(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`);
        expect(await asked.done).toMatchObject({ body: "hello!", end: "end" });
      });
      it("a redirect as it is", async () => {
        const told = await exchange("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n");
        expect(told.head!.status).toBe(302);
        expect(told.head!.headers.get("location")).toBe("/other");
      });
      it("a compressed body as it is", async () => {
        const told = await exchange(`${OK}content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc`);
        expect(told).toMatchObject({ body: "abc", end: "end" });
        expect(told.head!.headers.get("content-encoding")).toBe("gzip");
      });
      it("errors of the upstream as responses", async () => {
        const told = await exchange("HTTP/1.1 529 Overloaded\r\ncontent-length: 4\r\n\r\nbusy");
        expect(told).toMatchObject({ body: "busy", end: "end" });
        expect(told.head!.status).toBe(529);
      });

      const failing = async (
        response: string,
        how: "fin" | "reset",
      ): Promise<{ failure: UpstreamFailure; body: string }> => {
        const asked = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        if (response !== "") await peer.send(response);
        if (response.includes("\r\n\r\n")) await asked.until(({ head }) => head !== null);
        if (how === "fin") peer.fin();
        else peer.reset();
        const told = await asked.done;
        expect(told.error!.message).toContain(`127.0.0.1:${server.port}`);
        return { failure: told.error!.failure, body: told.body };
      };
      it("the end of a connection before the response as closed", async () => {
        expect(await failing("", "fin")).toEqual({ failure: "closed", body: "" });
        expect(await failing("", "reset")).toEqual({ failure: "closed", body: "" });
      });
      it("the end of a connection in a head as closed", async () => {
        expect((await failing(`${OK}x: y`, "fin")).failure).toBe("closed");
      });
      it("a body that breaks off as closed", async () => {
        expect((await failing(`${OK}content-length: 10\r\n\r\nhello`, "fin")).failure).toBe("closed");
        expect((await failing(`${OK}content-length: 10\r\n\r\nhello`, "reset")).failure).toBe("closed");
        expect((await failing(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, "fin")).failure).toBe(
          "closed",
        );
      });
      it("a body without a length that is reset as closed", async () => {
        expect((await failing(`${OK}\r\nhello`, "reset")).failure).toBe("closed");
      });

      const refused = async (response: string): Promise<UpstreamFailure | undefined> =>
        (await exchange(response)).error?.failure;
      it("bad chunks as bad_response", async () => {
        expect(await refused(`${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n`)).toBe("bad_response");
      });
      it("another protocol as bad_response", async () => {
        expect(await refused("SSH-2.0-OpenSSH_9.6\r\n")).toBe("bad_response");
      });
      it("white space before a colon as bad_response", async () => {
        expect(await refused(`${OK}x : y\r\n\r\n`)).toBe("bad_response");
      });
      it("two lengths as bad_response", async () => {
        expect(await refused(`${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`)).toBe(
          "bad_response",
        );
      });
      it("a length and chunks as bad_response", async () => {
        expect(await refused(`${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`)).toBe(
          "bad_response",
        );
      });
      it("a switch of protocols as bad_response", async () => {
        expect(
          await refused("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
        ).toBe("bad_response");
      });
      it("a head over the limit as bad_response", async () => {
        expect(await refused(`${OK}x: ${"y".repeat(70_000)}\r\n\r\n`)).toBe("bad_response");
        expect(await refused(`${OK}${"x: y\r\n".repeat(300)}\r\n`)).toBe("bad_response");
      });
    });

    describe("keeps connections", () => {
      const answer = `${OK}content-length: 2\r\n\r\nok`;
      it("for the next request of the same pool only", async () => {
        server.serve(async (peer) => {
          for (;;) {
            await peer.request();
            await peer.send(answer);
          }
        });
        for (let i = 0; i < 3; i++) await ask(client, requestTo(origin, { body: [bytes("x")] })).done;
        expect(server.accepted).toBe(1);
        await ask(client, requestTo(origin, { pool: "other#0" })).done;
        expect(server.accepted).toBe(2);
        // A Plan made anew has other objects with the same values.
        await ask(client, requestTo({ ...origin })).done;
        expect(server.accepted).toBe(2);
      });
      it("one for each exchange at a time", async () => {
        const first = ask(client, requestTo(origin));
        const second = ask(client, requestTo(origin));
        const peers = [await server.next(), await server.next()];
        for (const peer of peers) {
          await peer.request();
          await peer.send(answer);
        }
        expect((await first.done).body + (await second.done).body).toBe("okok");
      });
      it("not after connection: close, HTTP/1.0 or a body without a length", async () => {
        const closing = [
          `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`,
          "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
          `${OK}\r\nok`,
        ];
        for (const response of closing) {
          const asked = ask(client, requestTo(origin));
          const peer = await server.next();
          await peer.request();
          await peer.send(response);
          if (!response.includes("content-length")) peer.fin();
          expect((await asked.done).body).toBe("ok");
          await peer.closed;
        }
        expect(server.accepted).toBe(3);
      });
      it("not when bytes follow the response", async () => {
        const asked = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${answer}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`);
        expect((await asked.done).body).toBe("ok");
        await peer.closed;
        const next = ask(client, requestTo(origin));
        const other = await server.next();
        await other.request();
        await other.send(answer);
        expect((await next.done).body).toBe("ok");
      });
      it("and sends again once when a kept one turns out to be gone", async () => {
        for (const how of ["fin", "reset"] as const) {
          const first = ask(client, requestTo(origin, { body: [bytes("one")] }));
          const peer = await server.next();
          await peer.request();
          await peer.send(answer);
          await first.done;
          const second = ask(client, requestTo(origin, { body: [bytes("two")] }));
          await peer.request();
          if (how === "fin") peer.fin();
          else peer.reset();
          const other = await server.next();
          expect(await other.request()).toMatch(/two$/);
          await other.send(answer.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
          expect((await second.done).body).toBe("ok");
        }
        expect(server.accepted).toBe(4);
      });
      it("but never sends twice to fresh ones", async () => {
        const asked = ask(client, requestTo(origin, { body: [bytes("x")] }));
        const peer = await server.next();
        await peer.request();
        peer.fin();
        expect((await asked.done).error!.failure).toBe("closed");
        await settle();
        expect(server.accepted).toBe(1);
      });
      it("until close", async () => {
        const kept = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        await peer.send(answer);
        await kept.done;
        const busy = ask(client, requestTo(origin, { pool: "b" }));
        const other = await server.next();
        await other.request();
        client.close();
        await peer.closed;
        await other.send(answer);
        expect((await busy.done).body).toBe("ok");
        expect((await ask(client, requestTo(origin)).done).error!.failure).toBe("closed");
      });
    });

    describe("fails in time", () => {
      const limits = (some: Partial<Timeouts>): Timeouts => ({ ...NO_TIMEOUTS, ...some });
      it("when nobody listens", async () => {
        server.close();
        const told = await ask(client, requestTo(origin)).done;
        expect(told.error!.failure).toBe("connect");
        expect(told.error!.message).toContain("ECONNREFUSED");
      });
      it("when a name has no address", async () => {
        const told = await ask(client, requestTo({ ...origin, host: "nobody.invalid" })).done;
        expect(told.error!.failure).toBe("resolve");
      });
      it("when TLS is not answered", async () => {
        const asked = ask(
          client,
          requestTo({ ...origin, tls: true }, { timeouts: limits({ connect_ms: 50 }) }),
        );
        const peer = await server.next();
        expect((await asked.done).error!.failure).toBe("connect_timeout");
        await peer.closed;
      });
      it("when the first byte does not come", async () => {
        const asked = ask(client, requestTo(origin, { timeouts: limits({ first_byte_ms: 50 }) }));
        const peer = await server.next();
        const told = await asked.done;
        expect(told.error!.failure).toBe("first_byte_timeout");
        expect(performance.now() - asked.exchange.times.started_ms).toBeGreaterThanOrEqual(50);
        await peer.closed;
      });
      it("when only interim responses come", async () => {
        const asked = ask(client, requestTo(origin, { timeouts: limits({ first_byte_ms: 60 }) }));
        const peer = await server.next();
        await peer.request();
        await peer.send("HTTP/1.1 102 Processing\r\n\r\n");
        expect((await asked.done).error!.failure).toBe("first_byte_timeout");
      });
      it("when a head never ends", async () => {
        const asked = ask(
          client,
          requestTo(origin, { timeouts: limits({ first_byte_ms: 50, idle_ms: 1_000 }) }),
        );
        const peer = await server.next();
        await peer.request();
        await peer.send(OK);
        const timer = setInterval(() => void peer.send("x: y\r\n"), 5);
        const told = await asked.done;
        clearInterval(timer);
        expect(told.error!.failure).toBe("first_byte_timeout");
      });
      it("when a body falls silent", async () => {
        const asked = ask(client, requestTo(origin, { timeouts: limits({ idle_ms: 50 }) }));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}content-length: 10\r\n\r\nhello`);
        const told = await asked.done;
        expect(told).toMatchObject({ body: "hello" });
        expect(told.error!.failure).toBe("idle_timeout");
        await peer.closed;
      });
      it("but not while a body comes slowly", async () => {
        const asked = ask(client, requestTo(origin, { timeouts: limits({ idle_ms: 150 }) }));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}content-length: 12\r\n\r\n`);
        for (let i = 0; i < 12; i++) {
          await peer.send("x");
          await settle(25);
        }
        expect((await asked.done).end).toBe("end");
      });
      it("when all of it takes too long", async () => {
        const asked = ask(client, requestTo(origin, { timeouts: limits({ total_ms: 60 }) }));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}transfer-encoding: chunked\r\n\r\n`);
        const timer = setInterval(() => void peer.send("1\r\nx\r\n"), 5);
        const told = await asked.done;
        clearInterval(timer);
        expect(told.error!.failure).toBe("total_timeout");
      });
      it("when an upstream takes no bytes", async () => {
        const body = [new Uint8Array(64 << 20)];
        const asked = ask(client, requestTo(origin, { body, timeouts: limits({ idle_ms: 100 }) }));
        const peer = await server.next();
        peer.socket.pause();
        expect((await asked.done).error!.failure).toBe("idle_timeout");
      });
      it("never while it is paused", async () => {
        const timeouts = limits({ idle_ms: 50 });
        const asked = ask(client, requestTo(origin, { timeouts }), {
          onHead: (exchange) => exchange.pause(),
        });
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}content-length: 5\r\n\r\n`);
        await asked.until(({ head }) => head !== null);
        await settle(150);
        expect(asked.told.end).toBe("open");
        asked.exchange.resume();
        await peer.send("hello");
        expect(await asked.done).toMatchObject({ body: "hello", end: "end" });
      });
    });

    describe("is aborted", () => {
      it("before anything happened", async () => {
        const asked = ask(client, requestTo(origin));
        asked.exchange.abort();
        asked.exchange.abort();
        expect(client.stats().active).toBe(0);
        await settle();
        expect(asked.told.end).toBe("open");
      });
      it("while it waits, and the upstream sees it", async () => {
        const asked = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        asked.exchange.abort();
        await peer.closed;
        expect(asked.told).toMatchObject({ head: null, end: "open" });
      });
      it("in onHead and in onData", async () => {
        for (const where of ["onHead", "onData"] as const) {
          const asked = ask(client, requestTo(origin), { [where]: (one: { abort(): void }) => one.abort() });
          const peer = await server.next();
          await peer.request();
          await peer.send(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n`);
          await peer.closed;
          await settle();
          expect(asked.told.end).toBe("open");
          expect(asked.told.body).toBe(where === "onHead" ? "" : asked.told.body);
        }
      });
      it("after its end, without harm", async () => {
        const asked = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        await asked.done;
        asked.exchange.pause();
        asked.exchange.abort();
        asked.exchange.resume();
        const next = ask(client, requestTo(origin));
        await peer.request();
        await peer.send(`${OK}content-length: 1\r\n\r\nx`);
        expect((await next.done).body).toBe("x");
      });
    });

    describe("survives a handler", () => {
      const boom = (): void => {
        throw new Error("boom");
      };
      it("that throws in onHead and in onData", async () => {
        for (const reactions of [{ onHead: boom }, { onData: boom }]) {
          const asked = ask(client, requestTo(origin), reactions);
          const peer = await server.next();
          await peer.request();
          await peer.send(`${OK}content-length: 6\r\n\r\nhello`);
          expect((await asked.done).error!.failure).toBe("handler");
          await peer.closed;
        }
      });
      it("that throws at the end", async () => {
        const first = ask(client, requestTo(origin), { onEnd: boom });
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        await first.done;
        server.close();
        const second = ask(client, requestTo({ ...origin, port: 1 }), { onError: boom });
        await second.done;
        await settle();
        expect(client.stats().active).toBe(0);
      });
    });

    describe("uploads", () => {
      const streamOf = (...parts: string[]): ReadableStream<Uint8Array> => {
        const left = [...parts];
        return new ReadableStream({
          async pull(controller) {
            await Promise.resolve();
            const part = left.shift();
            if (part === undefined) controller.close();
            else controller.enqueue(bytes(part));
          },
        });
      };
      it("with a length", async () => {
        const asked = ask(
          client,
          requestTo(origin, { body: { stream: streamOf("hello ", "", "world"), length: 11 } }),
        );
        const peer = await server.next();
        const request = await peer.request();
        expect(request).toMatch(/content-length: 11\r\n/i);
        expect(request).toMatch(/\r\n\r\nhello world$/);
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        expect((await asked.done).end).toBe("end");
      });
      it("in chunks without one", async () => {
        const asked = ask(
          client,
          requestTo(origin, { body: { stream: streamOf("hello ", "world"), length: null } }),
        );
        const peer = await server.next();
        const request = await peer.request();
        expect(request).toMatch(/transfer-encoding: chunked\r\n/i);
        expect(request).toMatch(/\r\n\r\n(?:6\r\nhello \r\n5\r\nworld|b\r\nhello world)\r\n0\r\n\r\n$/);
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        expect((await asked.done).end).toBe("end");
      });
      it("never on a connection that served before", async () => {
        const first = ask(client, requestTo(origin));
        const peer = await server.next();
        await peer.request();
        await peer.send(`${OK}content-length: 0\r\n\r\n`);
        await first.done;
        const second = ask(client, requestTo(origin, { body: { stream: streamOf("x"), length: 1 } }));
        const other = await server.next();
        await other.request();
        await other.send(`${OK}content-length: 0\r\n\r\n`);
        expect((await second.done).end).toBe("end");
      });
      it("not more and not less than announced", async () => {
        for (const length of [3, 20]) {
          const asked = ask(client, requestTo(origin, { body: { stream: streamOf("hello"), length } }));
          expect((await asked.done).error!.failure).toBe("upload");
          while (server.open > 0) await settle(1);
        }
      });
      it("until the stream fails", async () => {
        const stream = new ReadableStream<Uint8Array>({
          async pull(controller) {
            await Promise.resolve();
            controller.error(new Error("gone"));
          },
        });
        const asked = ask(client, requestTo(origin, { body: { stream, length: null } }));
        const told = await asked.done;
        expect(told.error!.failure).toBe("upload");
        expect(told.error!.cause).toBeInstanceOf(Error);
      });
      it("only as fast as the upstream reads", async () => {
        let pulled = 0;
        let cancelled = false;
        const stream = new ReadableStream<Uint8Array>({
          pull(controller) {
            pulled += 65_536;
            controller.enqueue(new Uint8Array(65_536));
          },
          cancel() {
            cancelled = true;
          },
        });
        const asked = ask(client, requestTo(origin, { body: { stream, length: null } }));
        const peer = await server.next();
        peer.socket.pause();
        let before = -1;
        while (pulled !== before) {
          before = pulled;
          await settle(50);
        }
        expect(pulled).toBeLessThan(32 << 20);
        asked.exchange.abort();
        await settle();
        expect(cancelled).toBe(true);
      });
      it("until the response overtakes them", async () => {
        let cancelled = false;
        const stream = new ReadableStream<Uint8Array>({
          async pull(controller) {
            await settle(1);
            controller.enqueue(new Uint8Array(65_536));
          },
          cancel() {
            cancelled = true;
          },
        });
        const asked = ask(client, requestTo(origin, { body: { stream, length: null } }));
        const peer = await server.next();
        await peer.until((one) => one.received_bytes > 100_000);
        await peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
        const told = await asked.done;
        expect(told).toMatchObject({ body: "big", end: "end" });
        await peer.closed;
        await settle();
        expect(cancelled).toBe(true);
      });
    });

    it("delivers a response that overtakes a large body, then closes", async () => {
      for (const with_fin of [true, false]) {
        const asked = ask(client, requestTo(origin, { body: [new Uint8Array(32 << 20)] }));
        const peer = await server.next();
        peer.keep = false;
        await peer.until((one) => one.received_bytes > 0);
        peer.socket.pause();
        await peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
        if (with_fin) peer.fin();
        expect(await asked.done).toMatchObject({ body: "big", end: "end" });
        peer.socket.resume();
        await peer.closed;
      }
    });

    it("holds an upstream back while it is paused, and misses nothing", async () => {
      const total = 200 << 20;
      const asked = ask(client, requestTo(origin), {
        onHead: (exchange) => exchange.pause(),
        count_only: true,
      });
      const peer = await server.next();
      await peer.request();
      await peer.send(`${OK}content-length: ${total}\r\n\r\n`);
      const block = Buffer.alloc(1 << 20);
      let sent = 0;
      const send = async (): Promise<void> => {
        while (sent < total) {
          sent += block.length;
          if (!peer.socket.write(block))
            await new Promise<void>((resolve) => peer.socket.once("drain", resolve));
        }
      };
      const all = send();
      await asked.until(({ head }) => head !== null);
      let before = -1;
      while (sent !== before) {
        before = sent;
        await settle(50);
      }
      expect(sent).toBeLessThan(40 << 20);
      expect(asked.told.bytes).toBeLessThan(2 << 20);
      asked.exchange.resume();
      await all;
      expect(await asked.done).toMatchObject({ bytes: total, end: "end" });
    });

    describe("over TLS", () => {
      const answer = `${OK}content-length: 2\r\n\r\nok`;
      let secure: RawServer;
      beforeEach(async () => {
        if (certificates === null) return;
        secure = await RawServer.listen("127.0.0.1", certificates);
        secure.serve(async (peer) => {
          for (;;) {
            await peer.request();
            await peer.send(answer);
          }
        });
      });
      afterEach(() => secure?.close());
      const to = (host: string, more: Partial<Origin> = {}): Origin => ({
        tls: true,
        host,
        port: secure.port,
        ca: certificates!.ca,
        ...more,
      });
      const result = async (to_origin: Origin): Promise<string> => {
        const told = await ask(client, requestTo(to_origin, { body: [bytes("secret")] })).done;
        return told.error === null ? told.body : `${told.error.failure} ${told.error.message}`;
      };
      itTls("with a certificate for its name", async () => {
        expect(await result(to("localhost"))).toBe("ok");
        expect(await result(to("localhost"))).toBe("ok");
        expect(secure.accepted).toBe(1);
      });
      itTls("with a certificate for its address", async () => {
        expect(await result(to("127.0.0.1"))).toBe("ok");
      });
      itTls("with another name than the host's", async () => {
        expect(await result(to("127.0.0.1", { server_name: "good.test" }))).toBe("ok");
      });
      itTls("not with a certificate for another name", async () => {
        expect(await result(to("127.0.0.1", { server_name: "other.test" }))).toMatch(
          /^tls .*ALTNAME_INVALID/,
        );
      });
      itTls("not with a certificate for another address", async () => {
        const other = await RawServer.listen("127.0.0.2", certificates!);
        expect(await result(to("127.0.0.2", { port: other.port }))).toMatch(/^tls .*ALTNAME_INVALID/);
        other.close();
      });
      itTls("not with a certificate that nobody vouches for", async () => {
        const { ca: _, ...without } = to("localhost");
        expect(await result(without)).toMatch(/^tls .*(?:UNABLE_TO_VERIFY|SELF_SIGNED)/);
      });
      itTls("not with a server that does not speak it", async () => {
        server.serve(async (peer) => {
          await peer.until(({ received }) => received !== "");
          await peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
          peer.fin();
        });
        expect(await result(to("localhost", { port: server.port }))).toMatch(/^tls /);
      });
      itTls("large bodies both ways", async () => {
        const body = new Uint8Array(8 << 20).fill(120);
        const big = await RawServer.listen("127.0.0.1", certificates!);
        const asked = ask(
          client,
          requestTo(to("localhost", { port: big.port }), { body: [bytes("{"), body] }),
          {
            count_only: true,
          },
        );
        const peer = await big.next();
        peer.socket.pause();
        await settle();
        peer.socket.resume();
        const request = await peer.request();
        expect(request.length - request.indexOf("\r\n\r\n") - 4).toBe(body.length + 1);
        await peer.send(`${OK}content-length: ${body.length}\r\n\r\n`);
        await peer.send(body);
        expect(await asked.done).toMatchObject({ bytes: body.length, end: "end" });
        big.close();
      });
    });
  });
}
