import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { CHAT, type OpenAIRequest, readPrefix, readRequest } from "../../src/dialects/openai/request.ts";
import { inAffinityOrder } from "../../src/routing/affinity.ts";
import { orderTargets } from "../../src/routing/order.ts";
import { KeyRotation } from "../../src/routing/rotation.ts";
import { ownHealth, sightOf } from "./health_room.ts";

const PREFIXES = Array.from({ length: 10_000 }, (_, index) => `prefix ${index}`);

function firsts(candidates: readonly string[], weightOf: (name: string) => number): string[] {
  return PREFIXES.map((prefix) => inAffinityOrder(candidates, prefix, (name) => name, weightOf)[0]!);
}

function share(of: readonly string[], name: string): number {
  return of.filter((one) => one === name).length / of.length;
}

describe("rendezvous", () => {
  test("gives a prefix the same order every time, and each candidate its share by weight", () => {
    const first = firsts(["a", "b", "c"], (name) => (name === "a" ? 2 : 1));
    expect(firsts(["c", "b", "a"], (name) => (name === "a" ? 2 : 1))).toEqual(first);
    expect(share(first, "a")).toBeCloseTo(0.5, 1);
    expect(share(first, "b")).toBeCloseTo(0.25, 1);
  });

  test("moves only those whose place is gone", () => {
    const before = firsts(["a", "b", "c"], () => 1);
    const after = firsts(["a", "b"], () => 1);
    for (const [index, name] of before.entries()) if (name !== "c") expect(after[index]).toBe(name);
    expect(share(after, "a")).toBeCloseTo(0.5, 1);
  });

  test("puts what has no weight last", () => {
    expect(
      share(
        firsts(["a", "b"], (name) => (name === "a" ? 0 : 1)),
        "a",
      ),
    ).toBe(0);
  });
});

const YAML = `
providers: { p: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [a, b, c] } }
models:
  chat: { strategy: weighted, targets: [p/one, p/two], cache: { prompt: auto } }
`;

test("targets and keys keep to a prefix while they can be used", () => {
  const loaded = parseConfig(Buffer.from(YAML), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const model = loaded.plan.models.get("chat")!;
  expect(model.has_prompt_cache).toBe(true);
  const sight = sightOf(ownHealth(), { affinity: "x" });
  const targets = () => orderTargets(model, sight).map(({ target }) => target.model);
  expect(new Set(Array.from({ length: 50 }, () => targets().join()))).toEqual(new Set([targets().join()]));
  const provider = loaded.plan.providers.get("p")!;
  const rotation = new KeyRotation();
  const choose = () => rotation.choose(provider, "one", 0, undefined, "x").key!;
  const key = choose();
  expect(choose()).toBe(key);
  rotation.refuse(provider, key, 0);
  const other = choose();
  expect(other).not.toBe(key);
  expect(choose()).toBe(other);
  expect(rotation.choose(provider, "one", 60_001, undefined, "x").key).toBe(key);
});

describe("what a request begins with", () => {
  const read = (request: object) =>
    readPrefix(readRequest(Buffer.from(JSON.stringify({ model: "m", ...request })), CHAT) as OpenAIRequest);
  const system = { role: "system", content: "Be careful. ".repeat(500) };
  const chat = (...said: string[]) => ({
    messages: [system, ...said.map((content) => ({ role: "user", content }))],
  });

  test("is the same in all turns of a chat", () => {
    expect(read(chat("a"))).not.toBe(null);
    expect(read(chat("a", "b", "c"))).toBe(read(chat("a")));
    expect(read({ messages: [{ ...system, content: `Other. ${system.content}` }] })).not.toBe(
      read(chat("a")),
    );
  });

  test("has the tools in it, which may be enough", () => {
    const tools = [{ type: "function", function: { name: "f", description: "x".repeat(5_000) } }];
    const short = (content: string) => ({ tools, messages: [{ role: "user", content }] });
    expect(read(short("a"))).toBe(read(short("b")));
    expect(read(short("a"))).not.toBe(null);
    expect(read({ ...chat("a"), tools })).not.toBe(read(chat("a")));
  });

  test("is what the client calls it, and nothing where it is short", () => {
    expect(read({ prompt_cache_key: "mine", messages: [] })).toBe("mine");
    expect(read({ messages: [{ role: "user", content: "Hello" }] })).toBe(null);
  });
});
