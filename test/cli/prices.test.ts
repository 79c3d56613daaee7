// `venturi prices` as a person has it: what a model would be charged, who says so, and new prices taken over.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { venturi } from "./command.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-prices-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const model = { id: "gpt-9", match: { equals: "gpt-9" }, prices: { input_mtok: 9.5, output_mtok: 90 } };
const PRICES = [{ id: "openai", api_pattern: "https://api\\.openai\\.com", models: [model] }];

describe("venturi prices show", () => {
  test("says what each kind costs, in batches too, and which entry of which release says so", async () => {
    const { code, stdout } = await venturi(folder, "prices", "show", "anthropic/claude-haiku-4-5");
    expect(code).toBe(0);
    const rates =
      "input 1, cached input 0.1, cache write 5m 1.25, cache write 1h 2, output 5, searches 10 a thousand";
    expect(stdout).toContain("genai-prices@0.1.8/anthropic:claude-haiku-4-5");
    expect(stdout).toContain(`plain: ${rates}\n`);
    expect(stdout).toContain("batch: input 0.5, cached input 0.05, ");
    expect(stdout).toContain("context 200000 tokens");
  });

  test("says from which length of a prompt on more is charged", async () => {
    const { stdout } = await venturi(folder, "prices", "show", "gemini/gemini-2.5-pro");
    expect(stdout).toContain("plain: input 1.25, cached input 0.125, output 10\n");
    expect(stdout).toContain("plain, prompts over 200000 tokens: input 2.5, cached input 0.25, output 15\n");
  });

  test("says at which hours another price is charged, and what an hour of audio costs", async () => {
    const chat = await venturi(folder, "prices", "show", "deepseek/deepseek-chat");
    expect(chat.stdout).toContain("plain, 00:30 to 16:30 UTC: input 0.27, cached input 0.07, output 1.1\n");
    const audio = await venturi(folder, "prices", "show", "openai/whisper-1");
    expect(audio.stdout).toContain("audio: 0.36 an hour\n");
  });

  test("shows every target of a configured model, at the configured price where there is one", async () => {
    const text = `models:
  chat:
    targets: [{ provider: sim, model: echo }, { provider: own, model: gpt-4o-mini }]
  own-price:
    targets: [{ provider: own, model: gpt-4o-mini }]
    price: { input_per_mtok: 0.25, output_per_mtok: 1 }
providers: { own: { kind: openai, base_url: "http://127.0.0.1:9/v1", api_keys: [none] } }
`;
    writeFileSync(join(folder, "venturi.yaml"), text);
    const chat = await venturi(folder, "prices", "show", "chat");
    expect(chat.code).toBe(1);
    expect(chat.stdout).toMatch(
      /^sim\/echo: .*\(sim\)\n {2}plain: input 0, output 0\n\nown\/gpt-4o-mini: no price is known/,
    );
    const own = await venturi(folder, "prices", "show", "own-price");
    expect(own).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("(config)\n  plain: input 0.25, output 1\n"),
    });
  });

  test("does not make a price up", async () => {
    const unknown = await venturi(folder, "prices", "show", "openai/gpt-of-tomorrow");
    expect(unknown).toMatchObject({ code: 1, stdout: expect.stringContaining("no price is known") });
    const nowhere = await venturi(folder, "prices", "show", "somebody/gpt-4o");
    expect(nowhere).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"somebody/gpt-4o" is no model'),
    });
  });
});

describe("venturi prices update", () => {
  test("takes over a file, and shows its prices from then on", async () => {
    writeFileSync(join(folder, "new.json"), JSON.stringify(PRICES));
    const update = await venturi(folder, "prices", "update", "new.json", "--data", "./elsewhere");
    expect(update).toMatchObject({ code: 0, stdout: expect.stringContaining("1 prices of 1 providers") });
    expect(readdirSync(join(folder, "elsewhere"))).toEqual(["prices.json"]);
    const show = await venturi(folder, "prices", "show", "openai/gpt-9", "--data", "./elsewhere");
    expect(show).toMatchObject({ code: 0, stdout: expect.stringContaining("plain: input 9.5, output 90\n") });
  });

  test("says what is wrong with a file, and leaves the prices", async () => {
    writeFileSync(join(folder, "new.json"), JSON.stringify([{ ...PRICES[0], models: [{ id: "" }] }]));
    const { code, stderr } = await venturi(folder, "prices", "update", "new.json");
    expect(code).toBe(1);
    expect(stderr).toContain("providers[0].models[0].id must be a text");
    expect(stderr).toContain("the prices stay as they are");
  });

  test.each([[[]], [["show"]], [["list"]], [["update", "a", "b"]], [["update", "--colour"]]])(
    "misuse is answered with how it is used: %j",
    async (args) => {
      const { code, stderr } = await venturi(folder, "prices", ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining("usage: venturi prices update")]);
    },
  );
});
