import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import type { ProviderPlan } from "../../src/config/plan.ts";
import { KeyRotation } from "../../src/routing/rotation.ts";

function provider(keys: string): ProviderPlan {
  const yaml = `providers: { p: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [${keys}] } }`;
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan.providers.get("p")!;
}

describe("a provider's keys", () => {
  test("are used in turn", () => {
    const three = provider("a, b, c");
    const rotation = new KeyRotation();
    const used = Array.from({ length: 6 }, () => rotation.choose(three, "m", 0).key?.name);
    expect(used).toEqual(["p#0", "p#1", "p#2", "p#0", "p#1", "p#2"]);
  });

  test("that are refused leave rotation for a minute, for every model", () => {
    const two = provider("a, b");
    const rotation = new KeyRotation();
    rotation.refuse(two, two.keys[0]!, 0);
    expect(rotation.choose(two, "m", 1).key?.name).toBe("p#1");
    expect(rotation.choose(two, "other", 1).key?.name).toBe("p#1");
    rotation.refuse(two, two.keys[1]!, 0);
    expect(rotation.choose(two, "m", 1)).toMatchObject({ key: null, reason: "refused" });
    expect(rotation.choose(two, "m", 60_001).key).not.toBeNull();
  });

  test("that are over their rate rest as long as they were told to, for that model", () => {
    const one = provider("a");
    const rotation = new KeyRotation();
    rotation.rest(one, one.keys[0]!, "m", 2_000, 100);
    expect(rotation.choose(one, "m", 600)).toEqual({ key: null, reason: "rate", wait_ms: 1_500 });
    expect(rotation.choose(one, "other", 600).key?.name).toBe("p#0");
    expect(rotation.choose(one, "m", 2_101).key?.name).toBe("p#0");
  });

  test("that are only over their rate are not exhausted, though the others are refused", () => {
    const two = provider("a, b");
    const rotation = new KeyRotation();
    rotation.refuse(two, two.keys[0]!, 0);
    rotation.rest(two, two.keys[1]!, "m", 50, 0);
    expect(rotation.choose(two, "m", 10)).toEqual({ key: null, reason: "rate", wait_ms: 40 });
  });

  test("keep their state over a reload, and lose it with their value", () => {
    const rotation = new KeyRotation();
    const before = provider("a");
    rotation.refuse(before, before.keys[0]!, 0);
    expect(rotation.choose(provider("a"), "m", 1).key).toBeNull();
    expect(rotation.choose(provider("renewed"), "m", 1).key).not.toBeNull();
  });

  test("are as good as new once they have served", () => {
    const one = provider("a");
    const rotation = new KeyRotation();
    rotation.refuse(one, one.keys[0]!, 0);
    rotation.served(one, one.keys[0]!, "m", 1);
    expect(rotation.choose(one, "m", 1).key).not.toBeNull();
  });

  test("can rest for any number of models without memory growing", () => {
    const one = provider("a");
    const rotation = new KeyRotation();
    for (let index = 0; index < 30_000; index++) rotation.rest(one, one.keys[0]!, `m${index}`, 1_000, 0);
    expect(rotation.choose(one, "m29999", 1)).toMatchObject({ key: null, reason: "rate" });
  });
});
