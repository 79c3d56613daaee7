// Whose price a model gets: by where it is asked, and by every way in which providers write its name.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findFact, findPrice } from "../../src/ledger/prices/book.ts";
import { loadPriceBook } from "../../src/ledger/prices/load.ts";

const { book } = await loadPriceBook(join(tmpdir(), "venturi-no-such-folder"));

/** The entry that prices a model, without the version: `openai:gpt-4o`. */
function entryOf(kind: string, host: string, model: string): string | null {
  return findPrice(book, kind, host, model)?.version.replace(/^[^/]*\//, "") ?? null;
}

describe("names", () => {
  const OPENAI = ["openai", "api.openai.com"] as const;
  const GEMINI = ["gemini", "generativelanguage.googleapis.com"] as const;
  const BEDROCK = ["bedrock", "bedrock-runtime.us-east-1.amazonaws.com"] as const;
  const VERTEX = ["vertex", "us-central1-aiplatform.googleapis.com"] as const;

  test.each<[string, string, string, string]>([
    [...OPENAI, "gpt-4o-mini", "openai:gpt-4o-mini"],
    [...OPENAI, "GPT-4o-mini-2024-07-18", "openai:gpt-4o-mini"],
    [...OPENAI, "gpt-4o-2024-08-06", "openai:gpt-4o"],
    [...OPENAI, "ft:gpt-4o-mini-2024-07-18:acme::9x", "openai:ft:gpt-4o-mini"],
    ["openai", "openrouter.ai", "openai/gpt-4o-mini", "openrouter:openai/gpt-4o-mini"],
    ["openai", "openrouter.ai", "openai/gpt-4o-mini:nitro", "openrouter:openai/gpt-4o-mini"],
    ["openai", "api.groq.com", "llama-3.3-70b-versatile", "groq:llama-3.3-70b-versatile"],
    ["azure", "acme.openai.azure.com", "gpt-4o-mini", "openai:gpt-4o-mini"],
    ["azure", "llm.acme.internal", "gpt-4o-mini", "openai:gpt-4o-mini"],
    ["anthropic", "api.anthropic.com", "claude-haiku-4-5-20251001", "anthropic:claude-haiku-4-5"],
    ["anthropic", "proxy.acme.internal", "claude-haiku-4-5", "anthropic:claude-haiku-4-5"],
    [...GEMINI, "models/gemini-2.5-pro", "google:gemini-2.5-pro"],
    [...VERTEX, "google/gemini-2.5-pro", "google:gemini-2.5-pro"],
    [...VERTEX, "claude-haiku-4-5@20251001", "anthropic:claude-haiku-4-5"],
    [
      ...BEDROCK,
      "us.anthropic.claude-haiku-4-5-20251001-v1:0",
      "aws:regional.anthropic.claude-haiku-4-5-20251001-v1:0",
    ],
    [
      ...BEDROCK,
      "arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
      "aws:regional.anthropic.claude-haiku-4-5-20251001-v1:0",
    ],
  ])("%s at %s: %s", (kind, host, model, entry) => {
    expect(entryOf(kind, host, model)).toBe(entry);
  });

  test("the version says which release and which entry priced a call", () => {
    expect(findPrice(book, ...OPENAI, "gpt-4o-mini")?.version).toBe("genai-prices@0.1.8/openai:gpt-4o-mini");
  });

  test("what the published prices lack comes from our facts, and says from where and when", () => {
    const price = findPrice(book, "openai", "dashscope-intl.aliyuncs.com", "qwen-plus");
    expect(price?.version).toBe("models.dev@2026-07-02/alibaba:qwen-plus");
  });

  test("a fine-tuned model never goes by its base's price", () => {
    expect(findPrice(book, ...OPENAI, "gpt-4.1-mini-2025-04-14")).not.toBeNull();
    expect(findPrice(book, ...OPENAI, "ft:gpt-4.1-mini-2025-04-14:acme::9x")).toBeNull();
  });

  test.each<[string, string, string]>([
    [...OPENAI, "gpt-of-tomorrow"],
    [...OPENAI, ""],
    [...OPENAI, "gpt-4o".padEnd(300, "-")],
    ["openai", "llm.acme.internal", "gpt-4o-mini"],
    ["openai", "127.0.0.1", "gpt-4o-mini"],
    ["ollama", "127.0.0.1", "llama3"],
  ])("no price is known: %s at %s: %s", (kind, host, model) => {
    expect(findPrice(book, kind, host, model)).toBeNull();
  });

  test("the simulator is free, and that is known", () => {
    expect(findPrice(book, "sim", "sim", "echo")?.version).toBe("sim");
  });

  test("a name is looked up once, and only so many are remembered", () => {
    expect(findPrice(book, ...OPENAI, "gpt-4o")).toBe(findPrice(book, ...OPENAI, "gpt-4o"));
    for (let index = 0; index < 5_000; index++) findPrice(book, "ollama", "127.0.0.1", `m${index}`);
    expect(book.found.size).toBeLessThanOrEqual(4_096);
  });
});

describe("facts", () => {
  test("say how long a prompt may be, and what a model reads and makes", () => {
    expect(findFact(book, "openai", "api.openai.com", "gpt-4o-mini")).toMatchObject({
      ...{ context_tokens: 128_000, output_tokens: 16_384, makes: ["text"] },
    });
    expect(findFact(book, "ollama", "127.0.0.1", "llama3")).toBeNull();
  });

  test("each has its source and its date, each model one row", () => {
    const names = book.facts.map(({ provider, model }) => `${provider}/${model}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { source, date, prices } of book.facts) {
      expect([source, date]).toEqual(["models.dev", expect.stringMatching(/^\d{4}-\d\d-\d\d$/)]);
      if (prices !== null) expect(prices["input_mtok"]).toBeGreaterThan(0);
    }
  });
});
