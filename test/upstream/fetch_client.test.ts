// The client over fetch: the behaviour of every client, and what only it is there for, proxies and HTTP/2.
// What fetch does otherwise is listed with its reason, so that a change of the runtime shows.

import { once } from "node:events";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createFetchClient } from "../../src/upstream/fetch.ts";
import { ask, requestTo } from "./ask.ts";
import { makeCertificates } from "./certificates.ts";
import { describeClient } from "./client.cases.ts";
import { RawServer } from "./raw_server.ts";

describeClient("the fetch client", {
  make: () => createFetchClient({ report: () => {} }),
  differences: {
    "a body without a length that is reset as closed": "fetch takes a reset for the end",
    "a length and chunks as bad_response": "fetch goes by the transfer-encoding",
    "a head over the limit as bad_response": "fetch has other limits",
    "and sends again once when a kept one turns out to be gone": "a request with a body is not sent again",
    "when TLS is not answered": "connecting is not told apart from waiting for the first byte",
    "when an upstream takes no bytes": "fetch does not tell how much of a whole body it has sent",
  },
});

test("asks a proxy for the whole URL", async () => {
  const proxy = await RawServer.listen();
  const client = createFetchClient();
  const origin = { tls: false, host: "api.test", port: 8_080, proxy: `http://127.0.0.1:${proxy.port}` };
  const asked = ask(client, requestTo(origin));
  const peer = await proxy.next();
  const request = await peer.request();
  expect(request).toMatch(/^GET http:\/\/api\.test:8080\/v1\/x\?y=z HTTP\/1\.1\r\n/);
  expect(request).toMatch(/\r\nhost: api\.test:8080\r\n/i);
  await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  expect(await asked.done).toMatchObject({ body: "hi", end: "end" });
  client.close();
  proxy.close();
});

test("opens a tunnel through a proxy for TLS", async () => {
  const proxy = await RawServer.listen();
  const client = createFetchClient();
  const origin = { tls: true, host: "api.test", port: 443, proxy: `http://127.0.0.1:${proxy.port}` };
  const asked = ask(client, requestTo(origin));
  const peer = await proxy.next();
  expect(await peer.request()).toMatch(/^CONNECT api\.test:443 HTTP\/1\.1\r\n/);
  await peer.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
  expect((await asked.done).error!.failure).toBe("connect");
  client.close();
  proxy.close();
});

const certificates = makeCertificates();

test.skipIf(certificates === null)(
  `speaks HTTP/2${certificates === null ? " (no openssl)" : ""}`,
  async () => {
    const server = createSecureServer({ key: certificates!.key, cert: certificates!.cert });
    server.on("stream", (stream, headers) => {
      let body = "";
      stream.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      stream.on("end", () => {
        (stream as ServerHttp2Stream).respond({ ":status": 200, "x-method": String(headers[":method"]) });
        stream.end(`${headers[":path"]} ${body}`);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = createFetchClient({ protocol: "http2" });
    const { port } = server.address() as AddressInfo;
    const origin = { tls: true, host: "localhost", port, ca: certificates!.ca };
    const told = await ask(client, requestTo(origin, { body: [Buffer.from("hello")] })).done;
    expect(told).toMatchObject({ body: "/v1/x?y=z hello", end: "end", error: null });
    expect(told.head!.headers.get("x-method")).toBe("POST");
    client.close();
    server.close();
  },
);

test.skipIf(certificates === null)("fails where HTTP/2 is asked for and not spoken", async () => {
  const server = await RawServer.listen("127.0.0.1", certificates!);
  const client = createFetchClient({ protocol: "http2" });
  const origin = { tls: true, host: "localhost", port: server.port, ca: certificates!.ca };
  const told = await ask(client, requestTo(origin)).done;
  expect(told.error!.failure).toBe("connect");
  client.close();
  server.close();
});
