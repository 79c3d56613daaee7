// What usage costs, against sums worked out by hand, to the nano-dollar. Prices here are written down beside the sums.

import { describe, expect, test } from "vitest";
import { NO_USAGE, type Usage, usageOf } from "../../src/dialects/usage.ts";
import { compilePrice } from "../../src/ledger/prices/compile.ts";
import {
  chargeOf,
  costOf,
  expectedCost,
  type ModelPrice,
  priceOfPlan,
} from "../../src/ledger/prices/cost.ts";
import { readProviders } from "../../src/ledger/prices/data.ts";

const NOON = Date.parse("2026-11-26T12:00:00Z");

function priceOf(prices: unknown, provider = "somebody"): ModelPrice {
  const model = { id: "m", match: { equals: "m" }, prices };
  const read = readProviders([{ id: provider, api_pattern: "x", models: [model] }]);
  if (!read.ok) throw new Error(read.fault);
  return compilePrice(provider, read.providers[0]!.models()[0]!, "test")!;
}

const cost = (price: ModelPrice, kinds: Partial<Usage>, time_ms = NOON) =>
  costOf(price, usageOf(kinds), time_ms);

describe("each kind at its rate", () => {
  const price = priceOf({
    ...{ input_mtok: 3, cache_read_mtok: 0.3, cache_write_mtok: 3.75, cache_write_1h_mtok: 6 },
    ...{ output_mtok: 15, output_reasoning_mtok: 20, web_searches_kcount: 10, requests_kcount: 5 },
    ...{ input_audio_mtok: 32, cache_audio_read_mtok: 0.4, output_audio_mtok: 64 },
    ...{ input_image_mtok: 5, output_image_mtok: 40 },
  });
  // Of every call with a prompt: 5 dollars for a thousand requests.
  const REQUEST = 5_000_000;

  test("a token of three dollars a million is three thousand nano-dollars", () => {
    expect(cost(price, { input_tokens: 1 })).toBe(3_000 + REQUEST);
    expect(cost(price, { output_tokens: 1 })).toBe(15_000);
  });

  test.each<[string, Partial<Usage>, number]>([
    ["cached", { input_tokens: 1_000, cached_input_tokens: 400 }, 600 * 3_000 + 400 * 300],
    [
      "written for five minutes",
      { input_tokens: 1_000, cache_write_5m_tokens: 900 },
      100 * 3_000 + 900 * 3_750,
    ],
    ["written for an hour", { input_tokens: 1_000, cache_write_1h_tokens: 900 }, 100 * 3_000 + 900 * 6_000],
    ["heard", { input_tokens: 100, input_audio_tokens: 60 }, 40 * 3_000 + 60 * 32_000],
    [
      "heard before",
      { input_tokens: 100, cached_input_tokens: 50, input_audio_tokens: 60, cached_input_audio_tokens: 20 },
      10 * 3_000 + 30 * 300 + 20 * 400 + 40 * 32_000,
    ],
    ["seen", { input_tokens: 100, input_image_tokens: 30 }, 70 * 3_000 + 30 * 5_000],
    [
      "all of it cached, images too",
      { input_tokens: 100, cached_input_tokens: 100, input_image_tokens: 30 },
      100 * 300,
    ],
  ])("%s", (_, kinds, nano_usd) => {
    expect(cost(price, kinds)).toBe(nano_usd + REQUEST);
  });

  test("reasoning, speech and images are taken out of the answer", () => {
    const kinds = {
      output_tokens: 1_000,
      ...{ reasoning_tokens: 500, output_audio_tokens: 200, output_image_tokens: 100 },
    };
    expect(cost(price, kinds)).toBe(200 * 15_000 + 500 * 20_000 + 200 * 64_000 + 100 * 40_000);
  });

  test("searches cost by the piece", () => {
    expect(cost(price, { searches: 3 })).toBe(3 * 10_000_000);
  });

  test("a kind without a rate costs what the kind costs that it belongs to", () => {
    const plain = priceOf({ input_mtok: 2, output_mtok: 8 });
    const kinds = {
      ...{ input_tokens: 100, cached_input_tokens: 50, cache_write_1h_tokens: 20, input_audio_tokens: 10 },
      ...{ output_tokens: 50, reasoning_tokens: 40 },
    };
    expect(cost(plain, kinds)).toBe(100 * 2_000 + 50 * 8_000);
  });
});

describe("rounding", () => {
  test("it is done once for the sum, half up", () => {
    // 0.0005 dollars a million tokens: half a nano-dollar a token.
    const half = priceOf({ input_mtok: 0.0005, output_mtok: 0.0004 });
    expect(cost(half, { input_tokens: 1 })).toBe(1);
    expect(cost(half, { output_tokens: 1 })).toBe(0);
    expect(cost(half, { input_tokens: 1, output_tokens: 1 })).toBe(1);
    expect(cost(half, { input_tokens: 3 })).toBe(2);
  });

  test("prices that no double can hold add up exactly", () => {
    const price = priceOf({ input_mtok: 0.1, output_mtok: 0.7 });
    expect(cost(price, { input_tokens: 3, output_tokens: 3 })).toBe(2_400);
  });

  test("a sum that a double could not hold is exact all the same", () => {
    const price = priceOf({ input_mtok: 0.000000001, output_mtok: 999.999999999 });
    // 999,999,999,999 × 9,007,199 tokens + 1: in millionths of a nano-dollar more than 2^53.
    const parts = 999_999_999_999n * 9_007_199n + 1n;
    const nano_usd = Number((parts + 500_000n) / 1_000_000n);
    expect(cost(price, { input_tokens: 1, output_tokens: 9_007_199 })).toBe(nano_usd);
  });

  test("more than a safe integer is told as the largest", () => {
    const price = priceOf({ input_mtok: 1_000, output_mtok: 1_000 });
    expect(cost(price, { input_tokens: Number.MAX_SAFE_INTEGER })).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe("tiers, times, batches, lengths", () => {
  test("a prompt over the step is charged at the higher rate as a whole, its answer too", () => {
    const step = (base: number, price: number) => ({ base, tiers: [{ start: 200_000, price }] });
    const price = priceOf({ input_mtok: step(1.25, 2.5), output_mtok: step(10, 15), cache_read_mtok: 0.125 });
    expect(cost(price, { input_tokens: 200_000, output_tokens: 10 })).toBe(200_000 * 1_250 + 10 * 10_000);
    expect(cost(price, { input_tokens: 200_001, output_tokens: 10 })).toBe(200_001 * 2_500 + 10 * 15_000);
    expect(cost(price, { input_tokens: 200_001, cached_input_tokens: 200_000 })).toBe(2_500 + 200_000 * 125);
  });

  test("hours of the day, over midnight too", () => {
    const price = priceOf([
      { prices: { input_mtok: 1, output_mtok: 1 } },
      {
        constraint: { start_time: "16:30:00Z", end_time: "00:30:00Z" },
        prices: { input_mtok: 0.5, output_mtok: 0.5 },
      },
    ]);
    const at = (time: string) => cost(price, { input_tokens: 1 }, Date.parse(`2026-11-26T${time}Z`));
    expect(["16:29:59.999", "16:30:00", "23:59:59", "00:29:59.999", "00:30:00"].map(at)).toEqual([
      ...[1_000, 500, 500, 500, 1_000],
    ]);
  });

  test("hours of the day, within one", () => {
    const price = priceOf([
      { prices: { input_mtok: 1, output_mtok: 1 } },
      {
        constraint: { start_time: "01:00:00Z", end_time: "04:00:00Z" },
        prices: { input_mtok: 2, output_mtok: 2 },
      },
    ]);
    const at = (time: string) => cost(price, { input_tokens: 1 }, Date.parse(`2026-11-26T${time}Z`));
    expect(["00:59:59.999", "01:00:00", "03:59:59.999", "04:00:00"].map(at)).toEqual([
      ...[1_000, 2_000, 2_000, 1_000],
    ]);
  });

  test("from a date on", () => {
    const price = priceOf([
      { prices: { input_mtok: 1, output_mtok: 1 } },
      {
        constraint: { type: "start_date", start_date: "2026-09-01" },
        prices: { input_mtok: 2, output_mtok: 2 },
      },
    ]);
    const at = (time: string) => cost(price, { input_tokens: 1 }, Date.parse(time));
    expect([at("2026-08-31T23:59:59.999Z"), at("2026-09-01T00:00:00Z")]).toEqual([1_000, 2_000]);
  });

  test("a batch of Anthropic's is half of all tokens, one of Google's leaves the cache's rebate", () => {
    const usage = usageOf({ input_tokens: 100, cached_input_tokens: 40, output_tokens: 10, searches: 1 });
    const prices = { input_mtok: 2, cache_read_mtok: 0.2, output_mtok: 8, web_searches_kcount: 10 };
    const batch = (provider: string) => costOf(priceOf(prices, provider), usage, NOON, true);
    expect(batch("anthropic")).toBe(60 * 1_000 + 40 * 100 + 10 * 4_000 + 10_000_000);
    expect(batch("google")).toBe(60 * 1_000 + 40 * 200 + 10 * 4_000 + 10_000_000);
    expect(batch("somebody")).toBe(60 * 2_000 + 40 * 200 + 10 * 8_000 + 10_000_000);
  });

  test("audio that is billed by its length: its tokens cost nothing more, and Groq bills ten seconds at least", () => {
    const prices = { audio_hours: 0.36, input_audio_hours: 0.36 };
    // 0.36 dollars an hour are 100,000 nano-dollars a second.
    const kinds = { input_audio_ms: 4_000, input_tokens: 9, output_tokens: 9 };
    expect(cost(priceOf(prices), kinds)).toBe(400_000);
    expect(cost(priceOf(prices, "groq"), kinds)).toBe(1_000_000);
    expect(cost(priceOf(prices, "groq"), { ...kinds, input_audio_ms: 12_345 })).toBe(1_234_500);
  });
});

describe("the configuration's price", () => {
  const price = priceOfPlan({
    ...{
      input: 150_000_000,
      cached_input: 75_000_000,
      cache_write_5m: 200_000_000,
      cache_write_1h: 300_000_000,
    },
    ...{
      output: 600_000_000,
      reasoning: 700_000_000,
      input_audio: 1_000_000_000,
      output_audio: 2_000_000_000,
    },
  });

  test("it prices each of its kinds", () => {
    const kinds = {
      ...{ input_tokens: 100, cached_input_tokens: 10, cache_write_5m_tokens: 20, cache_write_1h_tokens: 30 },
      ...{ input_audio_tokens: 5, output_tokens: 50, reasoning_tokens: 20, output_audio_tokens: 10 },
    };
    const input = 35 * 150 + 10 * 75 + 20 * 200 + 30 * 300 + 5 * 1_000;
    expect(cost(price, kinds)).toBe(input + 20 * 600 + 20 * 700 + 10 * 2_000);
    expect(price.version).toBe("config");
  });

  test("it stands above what the provider says", () => {
    const usage = usageOf({ input_tokens: 1_000, told_nano_usd: 5 });
    expect(chargeOf(price, usage, NOON)).toEqual({ cost_nano_usd: 150_000, version: "config" });
  });
});

describe("what a call is charged", () => {
  const price = priceOf({ input_mtok: 1, output_mtok: 2 });

  test("by the provider itself, where it says so", () => {
    const usage = usageOf({ input_tokens: 1_000, told_nano_usd: 5 });
    for (const table of [price, null]) {
      expect(chargeOf(table, usage, NOON)).toEqual({ cost_nano_usd: 5, version: "provider" });
    }
  });

  test("an unknown price is null and never zero", () => {
    expect(chargeOf(null, usageOf({ input_tokens: 1 }), NOON)).toEqual({
      cost_nano_usd: null,
      version: null,
    });
  });

  test("a price that lacks the rate of what was used is unknown", () => {
    const embedding = priceOf({ input_mtok: 0.02 });
    expect(chargeOf(embedding, usageOf({ input_tokens: 50 }), NOON).cost_nano_usd).toBe(1_000);
    expect(
      chargeOf(embedding, usageOf({ input_tokens: 50, output_tokens: 1 }), NOON).cost_nano_usd,
    ).toBeNull();
    const whisper = priceOf({ input_audio_hours: 0.36 });
    expect(chargeOf(whisper, usageOf({ input_tokens: 50 }), NOON).cost_nano_usd).toBeNull();
    expect(chargeOf(price, usageOf({ input_audio_ms: 50 }), NOON).cost_nano_usd).toBeNull();
  });

  test("a model that is free costs nothing, and that is known", () => {
    const free = priceOf({ input_mtok: 0, output_mtok: 0 });
    expect(chargeOf(free, usageOf({ input_tokens: 9 }), NOON)).toEqual({ cost_nano_usd: 0, version: "test" });
  });

  test("an entry that prices nothing that a usage tells is no price", () => {
    const model = { id: "ocr", match: { equals: "ocr" }, prices: { input_document_kpages: 1 } };
    const read = readProviders([{ id: "p", api_pattern: "x", models: [model] }]);
    expect(read.ok && compilePrice("p", read.providers[0]!.models()[0]!, "test")).toBeNull();
  });

  test("what is reserved is what the tokens would cost, a request's fee once", () => {
    const by_request = priceOf({ input_mtok: 1, output_mtok: 2, requests_kcount: 5 });
    expect(expectedCost(by_request, 100, 50, NOON)).toBe(100_000 + 100_000 + 5_000_000);
    expect(expectedCost(by_request, 0, 50, NOON)).toBe(100_000);
  });
});

describe("for any usage", () => {
  const flat = priceOf({
    ...{ input_mtok: 0.1234, cache_read_mtok: 0.0123, cache_write_mtok: 0.2, cache_write_1h_mtok: 0.3 },
    ...{ output_mtok: 0.777, output_reasoning_mtok: 0.9, input_audio_mtok: 0.5, output_audio_mtok: 1.1 },
  });

  /** A usage from a seed: the same for all who run it. */
  function usageFrom(seed: number): Usage {
    let state = seed * 2_654_435_761;
    const next = (most: number) => {
      state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e37_79b9) >>> 0;
      return state % (most + 1);
    };
    // Kinds that do not overlap, so that they may be added up: fresh tokens and cached ones, audio in both.
    const fresh = next(300_000);
    const cached = next(300_000);
    const written = next(1_000);
    const heard = next(Math.min(500, fresh));
    const heard_before = next(Math.min(500, cached));
    const output_tokens = next(30_000);
    return usageOf({
      ...{
        input_tokens: fresh + cached + written,
        cached_input_tokens: cached,
        cache_write_5m_tokens: written,
      },
      ...{ input_audio_tokens: heard + heard_before, cached_input_audio_tokens: heard_before },
      ...{ output_tokens, reasoning_tokens: next(output_tokens) },
    });
  }

  function sumOf(a: Usage, b: Usage): Usage {
    const kinds = Object.keys(NO_USAGE) as (keyof Usage)[];
    return Object.fromEntries(kinds.map((kind) => [kind, a[kind] + b[kind]])) as unknown as Usage;
  }

  test("two calls cost what both together do, but for what is rounded", () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const a = usageFrom(seed);
      const b = usageFrom(seed + 7_919);
      const apart = costOf(flat, a, NOON) + costOf(flat, b, NOON);
      expect(Math.abs(apart - costOf(flat, sumOf(a, b), NOON))).toBeLessThanOrEqual(1);
    }
  });

  test("more of any kind never costs less", () => {
    const totals: Partial<Record<keyof Usage, readonly (keyof Usage)[]>> = {
      ...{ cached_input_tokens: ["input_tokens"], cache_write_5m_tokens: ["input_tokens"] },
      ...{ cache_write_1h_tokens: ["input_tokens"], input_audio_tokens: ["input_tokens"] },
      cached_input_audio_tokens: ["input_tokens", "cached_input_tokens", "input_audio_tokens"],
      ...{ reasoning_tokens: ["output_tokens"], output_audio_tokens: ["output_tokens"] },
    };
    for (let seed = 0; seed < 500; seed++) {
      const usage = usageFrom(seed);
      for (const kind of Object.keys(NO_USAGE) as (keyof Usage)[]) {
        const grown = [kind, ...(totals[kind] ?? [])].map((one) => [one, usage[one] + 10]);
        const more = { ...usage, ...Object.fromEntries(grown) };
        expect(costOf(flat, more, NOON)).toBeGreaterThanOrEqual(costOf(flat, usage, NOON));
      }
    }
  });
});
