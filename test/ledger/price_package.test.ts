// Our prices beside those that the package works out itself, in floating point, for every entry that it has.

import { calcPrice, waitForUpdate } from "@pydantic/genai-prices";
import { describe, expect, test } from "vitest";
import { usageOf } from "../../src/dialects/usage.ts";
import { compilePrice } from "../../src/ledger/prices/compile.ts";
import { costOf } from "../../src/ledger/prices/cost.ts";
import { readProviders } from "../../src/ledger/prices/data.ts";
import { matches } from "../../src/ledger/prices/match.ts";

const theirs = (await waitForUpdate()) ?? [];
const read = readProviders(theirs);
const ours = read.ok ? read.providers : [];

const TIMES = [
  "2025-01-01T02:00:00Z",
  "2026-08-20T12:00:00Z",
  "2026-11-26T23:59:59Z",
  "2027-06-01T07:30:00Z",
];
/** Short and long prompts: input, cached, written, output, reasoning. */
const USAGES = [
  [1, 0, 0, 1, 0],
  [1_234, 567, 89, 1_011, 500],
  [250_001, 200_000, 1_000, 64_000, 0],
  [600_000, 0, 0, 0, 0],
] as const;

describe("every entry of the package", () => {
  test("is read", () => {
    expect(read).toMatchObject({ ok: true });
    expect(ours.reduce((sum, provider) => sum + provider.models().length, 0)).toBeGreaterThan(1_600);
  });

  test("costs what the package says", () => {
    let compared = 0;
    for (const [p, provider] of ours.entries()) {
      for (const [m, model] of provider.models().entries()) {
        const price = compilePrice(provider.id, model, "test");
        const entry = theirs[p]!.models[m]!;
        const alone = { ...theirs[p]!, models: [{ ...entry, match: { equals: "it" } }] };
        // Citations and pages are no kinds of ours; what costs nothing but them is told as unknown.
        if (price === null) continue;
        for (const time of TIMES) {
          for (const [input_tokens, cached, written, output_tokens, reasoning] of USAGES) {
            const told = {
              ...{ input_tokens, cache_read_tokens: cached, cache_write_tokens: written },
              ...{ output_tokens, output_reasoning_tokens: reasoning },
            };
            const result = calcPrice(told, "it", { provider: alone, timestamp: new Date(time) })!;
            const usage = usageOf({
              ...{ input_tokens, cached_input_tokens: cached, cache_write_5m_tokens: written },
              ...{ output_tokens, reasoning_tokens: reasoning },
            });
            const nano_usd = costOf(price, usage, Date.parse(time));
            // Half a nano-dollar of rounding, and what floating point loses.
            const difference = Math.abs(nano_usd - result.total_price * 1e9);
            if (difference > 0.5 + nano_usd * 1e-12) {
              expect(`${provider.id}/${model.id} ${time}: ${nano_usd}`).toBe(`${result.total_price * 1e9}`);
            }
            compared++;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(24_000);
  });

  test("is found by the names that the package finds it by", () => {
    for (const [p, provider] of ours.entries()) {
      for (const { id } of provider.models()) {
        const found = calcPrice({}, id, { provider: { ...theirs[p]!, fallback_model_providers: [] } });
        const mine = provider.models().find((model) => matches(model.match, id));
        // The package reads dates without dashes as with them where nothing else is found; so does `namesOf`.
        if (mine !== undefined) expect(`${provider.id}/${mine.id}`).toBe(`${provider.id}/${found?.model.id}`);
      }
    }
  });
});
