// Who is asked beside a target that takes long.

import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import type { ModelPlan } from "../../src/config/plan.ts";
import type { Candidate } from "../../src/routing/order.ts";
import { KeyRotation } from "../../src/routing/rotation.ts";
import { secondOf } from "../../src/routing/second.ts";

const loaded = parseConfig(
  Buffer.from(`
providers:
  one: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [k1, k2] }
  two: { kind: openai, base_url: "http://127.0.0.1:2/v1", api_keys: [k3] }
  three: { kind: openai, base_url: "http://127.0.0.1:3/v1", api_keys: [k4] }
models:
  chat: { targets: [one/a, two/b, three/c], fallbacks: [spare] }
  spare: { targets: [three/d] }
`),
  "test.yaml",
  { env: {} },
);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const chat = loaded.plan.models.get("chat")!;
const spare = loaded.plan.models.get("spare")!;

function candidates(...models: readonly ModelPlan[]): Candidate[] {
  return models.flatMap((model) =>
    model.targets.map((target): Candidate => ({ target, model, is_last: false, reason: "free" })),
  );
}

const order = candidates(chat, spare);
const keyOf = ({ target }: Candidate) => target.provider.keys[0]!;
const ask = (place: number, rotation = new KeyRotation(), among = order) => {
  const candidate = order[place]!;
  const second = secondOf(among, { candidate, key: keyOf(candidate) }, rotation, null, 0);
  return `${second.candidate.target.provider.name}/${second.candidate.target.model} ${second.key.name}`;
};

test("is the next target of the model", () => {
  expect(ask(0)).toBe("two/b two#0");
  expect(ask(1)).toBe("three/c three#0");
});

test("is the one behind it where the next has no key to be asked with", () => {
  const rotation = new KeyRotation();
  rotation.refuse(order[1]!.target.provider, keyOf(order[1]!), 0);
  expect(ask(0, rotation)).toBe("three/c three#0");
});

test("is never a fallback: the last target is asked with another key, or once more with its own", () => {
  expect(ask(2)).toBe("three/c three#0");
  const rotation = new KeyRotation();
  for (const place of [1, 2]) rotation.refuse(order[place]!.target.provider, keyOf(order[place]!), 0);
  expect(ask(0, rotation)).toBe("one/a one#1");
});

test("is found for a target that is asked for another reason than its place is for", () => {
  const candidate: Candidate = { ...order[0]!, reason: "last_resort" };
  const second = secondOf(order, { candidate, key: keyOf(candidate) }, new KeyRotation(), null, 0);
  expect(second.candidate).toBe(order[1]!);
});
