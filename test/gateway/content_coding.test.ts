// Providers that code their answers although they were asked not to.

import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/wire/content_coding.ts";
import { chatCompletion, type Script } from "../scripted_upstream.ts";
import { rig } from "./harness.ts";

const { upstream, gateway } = rig();
const CODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };

function coded(status: number, content_type: string, coding: string, body: Uint8Array): Script {
  return (_request, reply) => {
    const headers = { "content-type": content_type, "content-encoding": coding };
    void reply.head(status, { ...headers, "content-length": String(body.length) });
    void reply.raw(body);
  };
}

async function through(script: Script) {
  const { base_url } = await upstream(script);
  return gateway(`
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { m: { targets: [up/m], retries: { attempts: 0 } } }
`);
}

describe("what a provider coded although it was asked not to", () => {
  test.each(Object.entries(CODERS))(
    "with %s comes out plain, and its usage is seen",
    async (coding, code) => {
      const body = Buffer.from(JSON.stringify(chatCompletion("decoded")));
      const venturi = await through(coded(200, "application/json", coding, code(body)));
      const response = await venturi.chat({ model: "m" });
      expect(response.headers.get("content-encoding")).toBeNull();
      expect(await response.text()).toBe(body.toString());
      expect(venturi.counted("tokens", "input")).toBeGreaterThan(0);
    },
  );

  test("is read when it is an error", async () => {
    const body = gzipSync(JSON.stringify({ error: { message: "too long", type: "invalid_request_error" } }));
    const venturi = await through(coded(400, "application/json", "gzip", body));
    const response = await venturi.chat({ model: "m" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: "too long" } });
  });

  test("is no answer when it is broken, unknown or a stream", async () => {
    for (const [content_type, coding, stream] of [
      ["application/json", "gzip", false],
      ["application/json", "rot13", false],
      ["text/event-stream", "gzip", true],
    ] as const) {
      const venturi = await through(coded(200, content_type, coding, Buffer.from("nonsense")));
      const response = await venturi.chat({ model: "m", stream });
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ error: { code: "upstream_error" } });
    }
  });

  test("does not grow over its bound", () => {
    for (const [coding, code] of Object.entries(CODERS)) {
      const bomb = code(Buffer.alloc(1_000_000));
      expect(decode(bomb, coding, 1_000_000)?.length).toBe(1_000_000);
      expect(decode(bomb, coding, 999_999)).toBeNull();
    }
  });
});
