import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { resolveModel } from "../../src/config/models.ts";
import { orderTargets } from "../../src/routing/order.ts";
import { ownHealth, sightOf } from "./health_room.ts";

const YAML = `
providers: { a: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [none] } }
models:
  listed: { targets: [a/one, a/two], fallbacks: [drawn] }
  drawn:
    strategy: weighted
    targets: [{ provider: a, model: nine, weight: 9 }, { provider: a, model: ten, weight: 1 }]
`;

const health = ownHealth();

function model(name: string) {
  const loaded = parseConfig(Buffer.from(YAML), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return resolveModel(loaded.plan, name)!;
}

describe("the order of targets", () => {
  test("is as listed, then that of the fallbacks, and the last is known as the last", () => {
    const order = [...orderTargets(model("listed"), sightOf(health, { random: () => 0 }))];
    expect(order.map(({ target }) => target.model)).toEqual(["one", "two", "nine", "ten"]);
    expect(order.map(({ is_last }) => is_last)).toEqual([false, false, false, true]);
    expect(order.at(-1)?.model.name).toBe("drawn");
  });

  test("is drawn by weight, and each target comes once", () => {
    const drawn = model("drawn");
    let nines = 0;
    for (let index = 0; index < 1_000; index++) {
      const sight = sightOf(health, { random: () => (index + 0.5) / 1_000 });
      const order = orderTargets(drawn, sight).map(({ target }) => target.model);
      expect([...order].sort()).toEqual(["nine", "ten"]);
      if (order[0] === "nine") nines += 1;
    }
    expect(nines).toBe(900);
  });
});
