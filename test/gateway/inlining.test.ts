// Media by URL for a provider that takes bytes: fetched from public places and trusted hosts alone, within bounds.

import { expect, test } from "vitest";
import { isPublicAddress } from "../../src/upstream/public_address.ts";
import type { Script } from "../scripted_upstream.ts";
import { rig } from "./harness.ts";

const room = rig();

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
const ANSWER = {
  candidates: [
    { content: { parts: [{ text: "a picture" }], role: "model" }, finishReason: "STOP", index: 0 },
  ],
  usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
};

/** A provider of Gemini's format, and a server of pictures beside it. */
async function start(pictures: Script, media = "trusted_hosts: [127.0.0.1]") {
  const up = await room.upstream((_, reply) => reply.json(200, ANSWER));
  const server = await room.upstream(pictures);
  const gateway = room.gateway(`
media: { ${media} }
providers: { gem: { kind: gemini, base_url: "${up.base_url}", api_keys: [none] } }
models: { chat: { targets: [gem/g], retries: { attempts: 0 } } }
`);
  const url = server.base_url.replace(/\/v1$/, "");
  const ask = (image: string) =>
    gateway.chat({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: image } }] }],
    });
  return { up, server, url, ask };
}

/** The first part of what the provider was asked. */
function partOf(request: { json(): unknown } | undefined): unknown {
  const { contents } = request!.json() as { contents: { parts: unknown[] }[] };
  return contents[0]!.parts[0];
}

const picture: Script = async (_, reply) => {
  await reply.head(200, { "content-type": "image/png; q=1" });
  await reply.chunk(PNG);
};

test("a picture is fetched and goes as bytes, behind redirects too", async () => {
  const { up, url, ask } = await start((request, reply) =>
    request.path === "/there" ? picture(request, reply) : reply.json(302, {}, { location: "/there" }),
  );
  const response = await ask(`${url}/here?x=1`);
  expect(response.status).toBe(200);
  expect(partOf(up.requests[0])).toEqual({
    inlineData: { mimeType: "image/png", data: PNG.toString("base64") },
  });
});

test.each([
  ["answered 404", (_: unknown, reply: Parameters<Script>[1]) => reply.json(404, {})],
  [
    "redirected too often",
    (_: unknown, reply: Parameters<Script>[1]) => reply.json(302, {}, { location: "/again" }),
  ],
  [
    "more than 1048576 bytes",
    async (_: unknown, reply: Parameters<Script>[1]) => {
      await reply.head(200, { "content-type": "image/png" });
      await reply.chunk(new Uint8Array(1024 * 1024 + 1));
    },
  ],
])("one that cannot be had is told: %s", async (why, script) => {
  const { up, url, ask } = await start(script, "trusted_hosts: [127.0.0.1], max_mb: 1");
  const response = await ask(`${url}/x?secret=1`);
  expect(response.status).toBe(400);
  const text = await response.text();
  expect(text).toContain(why);
  expect(text).not.toContain("secret");
  expect(up.requests).toHaveLength(0);
});

test("nothing is fetched from inside", async () => {
  const { server, url, ask } = await start(picture, "");
  for (const image of [
    `${url}/x`,
    url.replace("127.0.0.1", "localhost"),
    url.replace("127.0.0.1", "[::1]"),
    url.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    url.replace("127.0.0.1", "2130706433"),
    url.replace("127.0.0.1", "0x7f.1"),
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata/computeMetadata/v1/",
    "file:///etc/passwd",
    url.replace("//", "//user:password@"),
  ]) {
    const response = await ask(image);
    expect([image, response.status]).toEqual([image, 400]);
  }
  expect(server.requests).toHaveLength(0);
});

test.each([
  ["8.8.8.8", true],
  ["2606:4700::1111", true],
  ["10.1.2.3", false],
  ["172.31.255.255", false],
  ["172.32.0.1", true],
  ["100.64.0.1", false],
  ["169.254.169.254", false],
  ["0.0.0.0", false],
  ["::1", false],
  ["::", false],
  ["fe80::1", false],
  ["fd00::1", false],
  ["::ffff:8.8.8.8", false],
  ["64:ff9b::a00:1", false],
  ["2002:a00:1::", false],
  ["2001:db8::1", false],
  ["ff02::1", false],
  ["nothing", false],
])("%s is public: %s", (address, is_public) => {
  expect(isPublicAddress(address)).toBe(is_public);
});
