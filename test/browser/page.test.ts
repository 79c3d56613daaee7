// A page in a real browser calls the gateway: plain, streamed, over a socket, and from an origin that may not.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rig } from "../gateway/harness.ts";
import { type Browser, CHROMIUM, startBrowser } from "./chromium.ts";

if (CHROMIUM === null) console.warn("skipped: there is no Chromium");

const room = rig();

describe.runIf(CHROMIUM !== null)("a page", () => {
  let browser: Browser;
  const site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("<title>page</title>", { headers: { "content-type": "text/html" } }),
  });
  const origin = `http://127.0.0.1:${site.port}`;

  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await site.stop(true);
  });

  const ask = (port: number, stream: boolean) => `
    fetch("http://127.0.0.1:${port}/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer page-key" },
      body: JSON.stringify({ model: "sim/echo", stream: ${stream}, messages: [{ role: "user", content: "grüß dich" }] }),
    }).then((response) => response.text())`;

  test("of an allowed origin is answered, plain and streamed", { timeout: 30_000 }, async () => {
    const { port } = room.gateway(`
listen: { cors: { origins: ["${origin}"] } }
keys: [{ name: page, key: page-key }]
`);
    const page = await browser.open(origin);
    const plain = JSON.parse(String(await page.evaluate(ask(port, false)))) as {
      choices: { message: { content: string } }[];
    };
    expect(plain.choices[0]!.message.content).toBe("grüß dich");
    const streamed = String(await page.evaluate(ask(port, true)));
    expect(streamed).toContain("grüß");
    expect(streamed.trimEnd().endsWith("data: [DONE]")).toBe(true);
  });

  test("of another origin gets nothing", { timeout: 30_000 }, async () => {
    const { port } = room.gateway(`
listen: { cors: { origins: ["https://app.example.com"] } }
keys: [{ name: page, key: page-key }]
`);
    const page = await browser.open(origin);
    await expect(page.evaluate(ask(port, false))).rejects.toThrow(/Failed to fetch/);
  });

  /** Two calls on one socket, with the key among the subprotocols; what came for each, or how it closed. */
  const talk = (port: number) => `
    new Promise((resolve) => {
      const said = { a: "", b: "" };
      let done = 0;
      const socket = new WebSocket("ws://127.0.0.1:${port}/v1/chat/completions", [
        "venturi.json",
        "openai-insecure-api-key.page-key",
      ]);
      socket.onopen = () => {
        for (const id of ["a", "b"]) {
          const body = { model: "sim/echo", stream: true, messages: [{ role: "user", content: "grüß dich " + id }] };
          socket.send(JSON.stringify({ id, body }));
        }
      };
      socket.onmessage = ({ data }) => {
        const { id, event, data: chunk } = JSON.parse(data);
        if (event === "chunk") said[id] += chunk.choices[0]?.delta.content ?? "";
        else if (event === "done" && ++done === 2) {
          resolve({ said, protocol: socket.protocol });
          socket.close(1000);
        } else if (event === "error") resolve(chunk);
      };
      socket.onclose = ({ code }) => resolve({ code });
    })`;

  test("holds a socket with its key among the subprotocols", { timeout: 30_000 }, async () => {
    const { port } = room.gateway(`
listen: { cors: { origins: ["${origin}"] } }
keys: [{ name: page, key: page-key }]
`);
    const page = await browser.open(origin);
    expect(await page.evaluate(talk(port))).toEqual({
      said: { a: "grüß dich a", b: "grüß dich b" },
      protocol: "venturi.json",
    });
  });

  test("of an origin that may not opens no socket where no keys are asked for", {
    timeout: 30_000,
  }, async () => {
    const { port } = room.gateway("{}");
    const page = await browser.open(`http://page.example:${site.port}`);
    expect(await page.evaluate(talk(port))).toEqual({ code: 1006 });
  });
});
