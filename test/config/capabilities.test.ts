// What targets can do: what is known of models by every name that providers give them, and what a configuration says in its place.

import { describe, expect, test } from "vitest";
import { compileCapabilities } from "../../src/config/capabilities.ts";
import { factOfModel, knownFacts } from "../../src/config/facts.ts";
import { needBits, needNames } from "../../src/config/needs.ts";
import { plan } from "./loading.ts";

describe("what is known of a model", () => {
  test.each<[kind: string, host: string, model: string, known: string | null]>([
    ["openai", "api.openai.com", "gpt-4o-mini", "openai/gpt-4o-mini"],
    ["openai", "api.groq.com", "llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"],
    ["openai", "api.x.ai", "no-such-model", null],
    ["openai", "127.0.0.1", "gpt-4o-mini", null],
    ["azure", "acme.openai.azure.com", "gpt-4o-mini", null],
    ["anthropic", "proxy.internal", "claude-haiku-4-5", "anthropic/claude-haiku-4-5"],
    ["vertex", "europe-west4-aiplatform.googleapis.com", "gemini-2.5-pro", "google/gemini-2.5-pro"],
    [
      "vertex",
      "europe-west4-aiplatform.googleapis.com",
      "claude-haiku-4-5@20251001",
      "anthropic/claude-haiku-4-5-20251001",
    ],
    ["gemini", "generativelanguage.googleapis.com", "models/gemini-2.5-flash", "google/gemini-2.5-flash"],
    ["bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "amazon.nova-pro-v1:0", null],
  ])("%s at %s: %s", (kind, host, model, known) => {
    const fact = factOfModel(kind, host, model);
    expect(fact === null ? null : `${fact.provider}/${fact.model}`).toBe(known);
  });

  test("every row says who it is of, from where and when, and has words that are known", () => {
    const facts = knownFacts();
    expect(facts.length).toBeGreaterThan(300);
    const words = new Set(["text", "image", "audio", "video", "pdf"]);
    for (const { provider, model, source, date, reads, makes, abilities } of facts) {
      expect(provider !== "" && model !== "" && source !== "" && /^\d{4}-\d\d-\d\d$/.test(date)).toBe(true);
      expect([...reads, ...makes].every((word) => words.has(word))).toBe(true);
      expect(abilities.every((word) => /^(!?(tools|json_schema|reasoning)|deprecated)$/.test(word))).toBe(
        true,
      );
    }
  });
});

describe("capabilities", () => {
  const openai = { kind: "openai", origin: { host: "api.openai.com" } };

  test("are those of what is known, and a wish for reasoning is no need", () => {
    const { context_tokens, lacks } = compileCapabilities(openai, "gpt-4");
    expect(context_tokens).toBe(8192);
    expect(needNames(lacks)).toEqual(["vision", "audio", "video", "pdf", "json_schema"]);
    expect(compileCapabilities(openai, "no-such-model")).toMatchObject({
      context_tokens: Infinity,
      lacks: 0,
    });
    expect(
      compileCapabilities({ kind: "anthropic", origin: openai.origin }, "claude-3-haiku-20240307")
        .is_deprecated,
    ).toBe(true);
  });

  test("are what is said of the target, else of the model, else what is known", () => {
    const { models } = plan(`
providers: { openai: { kind: openai, api_keys: [k] } }
models:
  chat:
    capabilities: { tools: false, vision: true, reasoning: false }
    targets: [openai/gpt-4, { provider: openai, model: gpt-4, capabilities: { tools: true, context_tokens: 9 } }]
`);
    const [first, second] = models.get("chat")!.targets.map(({ capabilities }) => capabilities);
    expect(first).toMatchObject({
      context_tokens: 8192,
      lacks: needBits(["audio", "video", "pdf", "tools", "json_schema", "reasoning"]),
    });
    expect(second).toMatchObject({
      context_tokens: 9,
      lacks: needBits(["audio", "video", "pdf", "json_schema", "reasoning"]),
    });
  });
});
