// `venturi explain` as a user runs it, against a gateway that runs.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Venturi } from "../chaos/harness.ts";
import { rig } from "../gateway/harness.ts";
import { venturi } from "./command.ts";

const room = rig();
const folder = mkdtempSync(join(tmpdir(), "venturi-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("prints rules, targets and what is left, or all of it as JSON", async () => {
  const { port } = room.gateway(`
models: { chat: { targets: [sim/echo, { provider: sim, model: lorem, capabilities: { tools: false } }] } }
keys: [{ name: shop, key: key-shop, limits: { rpm: 5 } }]
routes:
  - { name: coding, when: { model: auto, task: code }, use: sim/lorem }
  - { name: test, when: { model: auto }, split: { chat: 1, sim/slow: 0 } }
`);
  const body = {
    model: "auto",
    messages: [{ role: "user", content: "Why?" }],
    tools: [{ type: "function", function: { name: "f" } }],
  };
  writeFileSync(join(folder, "request.json"), JSON.stringify(body));
  const url = ["--url", `http://127.0.0.1:${port}`];
  const { code, stdout, stderr } = await venturi(
    folder,
    "explain",
    "request.json",
    ...url,
    "--key",
    "key-shop",
  );
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("/v1/chat/completions as shop of default\nIt would be sent.");
  expect(stdout).toContain("needs: tools");
  expect(stdout).toContain("✗ coding: task is not given, and must be code\n  ✓ test");
  expect(stdout).toMatch(/1\s+sim\/echo\s+chat\s+\w+/);
  expect(stdout).toMatch(/–\s+sim\/lorem\s+chat\s+\w+\s+\S+\s+it takes no tools/);
  expect(stdout).toContain("Limit of key shop: 5 of 5 requests left (60 s)");

  const headers = ["--header", "authorization: Bearer key-shop", "-H", "x-venturi-task: code"];
  const json = await venturi(folder, "explain", "request.json", ...url, ...headers, "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ routing: { route: "coding", model: "sim/lorem" } });

  const refused = await venturi(folder, "explain", "request.json", ...url);
  expect([refused.code, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toContain("No API key provided");
});

test("says what is wrong with its flags, and that no gateway answers", async () => {
  expect((await venturi(folder, "explain", "a", "b")).code).toBe(2);
  expect((await venturi(folder, "explain", "--header", "nothing")).code).toBe(2);
  const gone = await venturi(folder, "explain", "request.json", "--url", "http://127.0.0.1:1");
  expect([gone.code, gone.stderr.includes("no gateway answers")]).toEqual([1, true]);
});

test("finds the gateway that runs on the data folder, whatever port it was started with", async () => {
  const gateway = await new Venturi({ config: "listen: { port: 1 }" }).ready();
  const data = join(gateway.folder, "data");
  writeFileSync(join(gateway.folder, "request.json"), JSON.stringify({ model: "sim/echo", messages: [] }));
  const explain = (...args: readonly string[]) => venturi(gateway.folder, "explain", "request.json", ...args);
  const sent = { code: 0, stdout: expect.stringContaining("It would be sent."), stderr: "" };
  try {
    expect(await explain()).toEqual(sent);
    const request = join(gateway.folder, "request.json");
    expect(await venturi(folder, "explain", request, "--data", data)).toEqual(sent);
    const elsewhere = await explain("--url", "http://127.0.0.1:2");
    expect(elsewhere.stderr).toContain("no gateway answers at http://127.0.0.1:2/");
    expect((await explain("--url", gateway.url, "--data", data)).code).toBe(2);
    gateway.kill("SIGTERM");
    await gateway.exited;
    const configured = await explain();
    expect([configured.code, configured.stdout]).toEqual([1, ""]);
    expect(configured.stderr).toContain("no gateway answers at http://127.0.0.1:1/");
    const named = await explain("--data", data);
    expect([named.code, named.stderr]).toEqual([1, `venturi explain: no gateway runs on ${data}\n`]);
    const missing = await explain("--config", "other.yaml");
    expect([missing.code, missing.stderr]).toEqual([1, "venturi explain: there is no file other.yaml\n"]);
  } finally {
    await gateway.end();
  }
});
