import { describe, expect, test } from "vitest";
import { type FingerprintSubject, Fingerprints, type SimilarityRules } from "../../src/cache/fingerprint.ts";
import { CacheKey } from "../../src/cache/key.ts";
import { makeStripper } from "../../src/config/patterns.ts";

const prints = new Fingerprints(Buffer.alloc(32, 1));
const subject: FingerprintSubject = {
  endpoint: "/chat/completions",
  identity: "chat",
  counts_user: false,
};

function hashOf(request: unknown, options: Partial<FingerprintSubject> = {}, by = prints): string {
  const text = typeof request === "string" ? request : JSON.stringify(request);
  const print = by.of(Buffer.from(text), { ...subject, ...options });
  return Buffer.from(print!.hash).toString("hex");
}

const base = {
  model: "chat",
  temperature: 0.5,
  seed: 7,
  messages: [
    { role: "system", content: "You are brief." },
    { role: "user", content: "What is the capital of France?" },
  ],
};
const image = (data: string) => ({
  ...base,
  messages: [
    { role: "user", content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }] },
  ],
});
const tool = (name: string) => ({
  ...base,
  tools: [{ type: "function", function: { name, parameters: { type: "object", properties: {} } } }],
});
const last = (content: unknown) => ({ ...base, messages: [base.messages[0], { role: "user", content }] });

describe("requests that share a key", () => {
  test.each([
    ["in another order", { messages: base.messages, seed: 7, model: "chat", temperature: 0.5 }],
    [
      "with members of messages in another order",
      {
        ...base,
        messages: base.messages.map(({ role, content }) => ({ content, role })),
      },
    ],
    ["spaced", JSON.stringify(base, null, 2)],
    ["with escapes", JSON.stringify(base).replaceAll("a", "\\u0061")],
    ["with a number written otherwise", JSON.stringify(base).replace("0.5", "5e-1").replace(":7", ":7.0")],
    ["of another user", { ...base, user: "jo" }],
    ["with metadata", { ...base, metadata: { run: "17" } }],
    ["to be stored", { ...base, store: true }],
    ["streamed", { ...base, stream: true }],
    ["streamed with usage", { ...base, stream: true, stream_options: { include_usage: true } }],
    ["with a hint for the provider's cache", { ...base, prompt_cache_key: "k" }],
  ])("%s", (_name, request) => {
    expect(hashOf(request)).toBe(hashOf(base));
  });

  test("the same picture", () => {
    expect(hashOf(image("AAAA"))).toBe(hashOf(image("AAAA")));
  });
});

describe("requests that do not", () => {
  test.each([
    ["another question", last("What is the capital of Spain?")],
    ["another case", last("what is the capital of France?")],
    [
      "another system prompt",
      { ...base, messages: [{ role: "system", content: "Be long." }, base.messages[1]] },
    ],
    ["no system prompt", { ...base, messages: [base.messages[1]] }],
    ["a turn more", { ...base, messages: [...base.messages, { role: "assistant", content: "Paris" }] }],
    ["turns in another order", { ...base, messages: base.messages.toReversed() }],
    [
      "another role",
      { ...base, messages: [{ role: "developer", content: "You are brief." }, base.messages[1]] },
    ],
    ["a name", { ...base, messages: [base.messages[0], { ...base.messages[1], name: "jo" }] }],
    ["a temperature", { ...base, temperature: 0.6 }],
    ["no temperature", { ...base, temperature: undefined }],
    ["top_p", { ...base, top_p: 0.1 }],
    ["another seed", { ...base, seed: 8 }],
    ["another seed beyond doubles", JSON.stringify(base).replace(":7", ":9007199254740993")],
    ["n", { ...base, n: 2 }],
    ["max_tokens", { ...base, max_tokens: 10 }],
    ["stop", { ...base, stop: ["\n"] }],
    ["reasoning_effort", { ...base, reasoning_effort: "high" }],
    ["response_format", { ...base, response_format: { type: "json_object" } }],
    ["logit_bias", { ...base, logit_bias: { "50256": -100 } }],
    ["logprobs", { ...base, logprobs: true }],
    ["a tool", tool("a")],
    ["tool_choice", { ...base, tool_choice: "none" }],
    ["a member that nobody knows", { ...base, top_k: 3 }],
    ["a picture", image("AAAA")],
    ["a member twice", JSON.stringify(base).replace("{", '{"seed":9,')],
  ])("%s", (_name, request) => {
    expect(hashOf(request)).not.toBe(hashOf(base));
  });

  test("all of these differ from each other too", () => {
    const seeds = ["9007199254740993", "9007199254740992", "9007199254740994"];
    const hashes = seeds.map((seed) => hashOf(JSON.stringify(base).replace(":7", `:${seed}`)));
    expect(new Set(hashes).size).toBe(3);
    expect(hashOf(image("AAAA"))).not.toBe(hashOf(image("AAAB")));
    expect(hashOf(tool("a"))).not.toBe(hashOf(tool("b")));
  });

  test("the endpoint, the model's targets, and the user where it counts", () => {
    expect(hashOf(base, { endpoint: "/completions" })).not.toBe(hashOf(base));
    expect(hashOf(base, { identity: "other" })).not.toBe(hashOf(base));
    const options = { counts_user: true };
    expect(hashOf({ ...base, user: "a" }, options)).not.toBe(hashOf({ ...base, user: "b" }, options));
  });

  test("nor do those of another secret", () => {
    const other = new Fingerprints(Buffer.alloc(32, 2)).of(Buffer.from(JSON.stringify(base)), subject);
    expect(Buffer.from(other!.hash).toString("hex")).not.toBe(hashOf(base));
  });
});

describe("volatile text", () => {
  const without = new Fingerprints(
    Buffer.alloc(32, 1),
    makeStripper(["\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "request [0-9a-f]{8}"]),
  );

  test("makes no difference, wherever it stands in a prompt", () => {
    const at = (time: string, id: string) =>
      last([{ type: "text", text: `It is ${time}, request ${id}. What is the capital of France?` }]);
    const [a, b] = [at("2026-01-01T00:00:00Z", "deadbeef"), at("2026-11-26T08:00:01.5Z", "01234567")];
    expect(hashOf(a)).not.toBe(hashOf(b));
    expect(hashOf(a, {}, without)).toBe(hashOf(b, {}, without));
  });

  test("elsewhere it does", () => {
    const at = (stop: string) => hashOf({ ...base, stop }, {}, without);
    expect(at("2026-01-01T00:00:00Z")).not.toBe(at("2026-01-02T00:00:00Z"));
  });

  test("a pattern that would take other engines for ever is done at once", () => {
    const evil = makeStripper(["(a+)+$"])!;
    const text = `${"a".repeat(5_000)}b`;
    expect(evil(text)).toBe(text);
  });
});

describe("the last turn", () => {
  const strict: SimilarityRules = { multi_turn: false, tools: false, images: false };
  const lastOf = (request: unknown, rules: Partial<SimilarityRules> = {}) =>
    prints.lastTurn(Buffer.from(JSON.stringify(request)), subject, { ...strict, ...rules });
  const restOf = (request: unknown, rules = {}) => Buffer.from(lastOf(request, rules)!.rest).toString("hex");

  test("is what the user said, and all the rest is the same for any of it", () => {
    expect(lastOf(base)!.text).toBe("What is the capital of France?");
    expect(restOf(last("Where is France?"))).toBe(restOf(base));
    expect(restOf(last([{ type: "text", text: "Where?" }]))).toBe(restOf(base));
    expect(restOf({ ...base, seed: 8 })).not.toBe(restOf(base));
    expect(restOf({ ...base, messages: [base.messages[1]] })).not.toBe(restOf(base));
  });

  test("is none where the model or a tool spoke last, or nothing was said", () => {
    expect(lastOf({ ...base, messages: [...base.messages, { role: "assistant", content: "Paris" }] })).toBe(
      null,
    );
    expect(lastOf(last("  "))).toBe(null);
    expect(lastOf({ ...base, messages: [] })).toBe(null);
    expect(lastOf({ ...base, messages: "x" })).toBe(null);
  });

  test("of several turns, with tools or with pictures only where the rules say so", () => {
    const turns = {
      ...base,
      messages: [base.messages[1], { role: "assistant", content: "P" }, base.messages[1]],
    };
    expect(lastOf(turns)).toBe(null);
    expect(lastOf(turns, { multi_turn: true })).not.toBe(null);
    expect(lastOf(tool("a"))).toBe(null);
    expect(lastOf(tool("a"), { tools: true })).not.toBe(null);
    const seen = (data: string) =>
      last([{ type: "text", text: "What is this?" }, ...image(data).messages[0]!.content]);
    expect(lastOf(seen("AAAA"))).toBe(null);
    expect(restOf(seen("AAAA"), { images: true })).toBe(restOf(seen("AAAA"), { images: true }));
    expect(restOf(seen("AAAA"), { images: true })).not.toBe(restOf(seen("AAAB"), { images: true }));
  });
});

test("whatever the names, no two scopes have a key in common", () => {
  const hash = new Uint8Array(32);
  const scopes = [
    ["a", "bc"],
    ["ab", "c"],
    ["abc", ""],
    ["", "abc"],
    ["a\0", "bc"],
    ["a", "\0bc"],
    ["\u0000\u0001a", ""],
    ["default", "key:a"],
    ["default", "user:a"],
    ["default", ""],
  ];
  const keys = scopes.map(([tenant, within]) => new CacheKey({ tenant: tenant!, within: within! }, hash).hex);
  expect(new Set(keys).size).toBe(scopes.length);
});

test("a request that comes again has the fingerprint that it had, and another under another subject", () => {
  const first = hashOf(base);
  expect(hashOf(base)).toBe(first);
  const others = [{ endpoint: "/responses" }, { identity: "other" }, { counts_user: true }];
  for (const other of others) {
    const asked = { ...base, user: "jo" };
    const under = hashOf(asked, other);
    // The bytes are known from before.
    expect(hashOf(asked)).toBe(first);
    expect(hashOf(asked, other)).toBe(under);
    expect(under).not.toBe(first);
  }
  const bytes = Buffer.from(JSON.stringify(base));
  const before = prints.of(bytes, subject)!;
  // What is remembered is not the caller's memory.
  bytes.write("0.9", bytes.indexOf("0.5"));
  expect(prints.of(bytes, subject)!.temperature).toBe(0.9);
  expect(prints.of(Buffer.from(JSON.stringify(base)), subject)).toEqual(before);
});
