// A page in a real browser calls the gateway: plain, streamed, and from an origin that may not.

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
});
