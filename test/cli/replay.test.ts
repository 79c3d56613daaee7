// `venturi replay` as a user runs it: what another configuration would have made of the calls that were.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NO_USAGE } from "../../src/dialects/usage.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { ledgerRow } from "../ledger/store/rows.ts";
import { LedgerFolder } from "./ledger_commands.ts";

const folder = new LedgerFolder();
const now = Date.now();
const usage = { ...NO_USAGE, input_tokens: 1_000_000, output_tokens: 1_000_000 };

/** A call that cost 3 dollars at up/small. */
const row = (changes: Partial<LedgerRow>): LedgerRow =>
  ledgerRow({
    ...{
      time: now - 60_000,
      model: "auto",
      provider: "up",
      served_model: "small",
      usage,
      cost_nano_usd: 3e9,
    },
    ...{ key: "shop", user: null, cache: "bypass", routing: { route: "rest", model: "chat", needs: [] } },
    ...changes,
  });

beforeAll(async () => {
  const routing = { route: "rest", model: "chat" };
  await folder.write([
    row({}),
    row({ routing: { ...routing, task: "code", needs: [] } }),
    row({ routing: { ...routing, needs: ["vision"] } }),
    row({ routing: { ...routing, needs: [] }, cache: "hit", cost_nano_usd: 0 }),
    row({ routing: null, model: "chat" }),
    row({ model: "gone", routing: null }),
    row({ model: null, status: 400 }),
    // Of another day.
    row({ time: now - 3 * 86_400_000, routing: { ...routing, task: "code" } }),
  ]);
  writeFileSync(
    join(folder.path, "new.yaml"),
    `
providers: { up: { kind: openai, base_url: "http://127.0.0.1:9/v1", api_keys: [none] } }
models:
  chat: { targets: [up/small], price: { input_per_mtok: 1, output_per_mtok: 2 } }
  big: { targets: [up/big], price: { input_per_mtok: 10, output_per_mtok: 20 } }
keys: [{ name: shop, key: a-clients-key }]
routes:
  - { name: coding, when: { model: auto, task: code }, use: big }
  - { name: eyes, when: { model: auto, needs: [vision] }, use: big }
  - { name: special, when: { model: auto, header: { x-special: "yes" } }, use: big }
  - { name: rest, when: { model: auto }, use: chat }
`,
  );
});
afterAll(() => folder.remove());

test("tells what would change in rule, target and cost", async () => {
  const { code, out, err } = await folder.run(["replay", "--since", "1d", "--config", "new.yaml", "--json"]);
  expect([code, err]).toEqual([0, ""]);
  const told = JSON.parse(out);
  expect(told).toMatchObject({
    ...{ calls: 6, changed: 3, changed_route: 2, changed_target: 3 },
    // Four were paid for that went on: two of them at ten times the price.
    ...{ cost_usd_before: 15, cost_usd_after: 3 + 30 + 30 + 3 },
    ...{ undecided: 2, unknown: { "header x-special": 2 } },
  });
  const line = (route: string | null, target: string | null) => ({ route, target });
  expect(
    told.lines.map(({ before, after, calls }: Record<string, unknown>) => [before, after, calls]),
  ).toEqual(
    expect.arrayContaining([
      [line("rest", "up/small"), line("coding", "up/big"), 1],
      [line("rest", "up/small"), line("eyes", "up/big"), 1],
      [line("rest", "up/small"), line("rest", "up/small"), 2],
      [line(null, "up/small"), line(null, "up/small"), 1],
      [line(null, "up/small"), line(null, null), 1],
    ]),
  );
});

test("tells it as a table, and what it had to take as it is not known", async () => {
  const { code, out } = await folder.run(["replay", "-c", "new.yaml"]);
  expect(code).toBe(0);
  expect(out).toContain("6, of which 3 would go another way");
  expect(out).toMatch(/auto\s+≠\s+up\/small \(rest\)\s+up\/big \(coding\)\s+1\s+\$3\.00\s+\$30\.00/);
  expect(out).toMatch(/total\s+6\s+\$15\.00\s+\$66\.00/);
  expect(out).toContain("header x-special (2)");
});

test("says what is wrong with its flags and its files", async () => {
  expect((await folder.run(["replay"])).code).toBe(2);
  expect((await folder.run(["replay", "-c", "new.yaml", "--since", "soon"])).code).toBe(2);
  const missing = await folder.run(["replay", "-c", "none.yaml"]);
  expect([missing.code, missing.err !== ""]).toEqual([1, true]);
  const elsewhere = await folder.run(["replay", "-c", "new.yaml", "--data", "nowhere"]);
  expect(elsewhere.code).toBe(1);
});
