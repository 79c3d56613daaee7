// From dollars as they are published to the integers that calls are priced with.
// A kind that has no price of its own costs what the kind costs that it belongs to, as the source has it.

import { type BatchShare, batchShareOf } from "./batch.ts";
import type { Kinds, ModelPrice, Period, Rates, Tier, When } from "./cost.ts";
import type { DatedRates, DollarRates, ModelData } from "./data.ts";

/** From dollars for a million to nano-dollars for a million, or from dollars to nano-dollars. */
const NANO = 1_000_000_000;
/** From dollars for a thousand. */
const NANO_OF_THOUSAND = NANO * 1_000;

const AUDIO_HOUR: readonly string[] = ["input_audio_hours", "audio_hours"];

/** Groq bills shorter audio as ten seconds: https://groq.com/pricing. */
const LEAST_AUDIO_MS: Readonly<Record<string, number>> = { groq: 10_000 };

/** Compiles an entry; null where it prices nothing that a usage tells (pages, characters). */
export function compilePrice(provider: string, { prices }: ModelData, version: string): ModelPrice | null {
  const has = (...keys: readonly string[]) =>
    prices.every((dated) => keys.some((key) => dated.prices[key] !== undefined));
  const price: ModelPrice = {
    version,
    periods: prices.map((dated) => compilePeriod(dated, batchShareOf(provider))),
    has_input: has("input_mtok", "input_text_mtok"),
    has_output: has("output_mtok", "output_text_mtok"),
    least_audio_ms: LEAST_AUDIO_MS[provider] ?? 0,
  };
  const is_by_piece = has("web_searches_kcount", "rerank_searches_kcount", "requests_kcount");
  return price.has_input || price.has_output || has(...AUDIO_HOUR) || is_by_piece ? price : null;
}

function compilePeriod({ constraint, prices }: DatedRates, share: BatchShare | null): Period {
  const starts = Object.values(prices).flatMap((rate) =>
    typeof rate === "number" ? [] : rate.tiers.map((tier) => tier.start),
  );
  return {
    when: constraint === null ? null : compileWhen(constraint),
    tiers: [...new Set([0, ...starts])]
      .sort((a, b) => a - b)
      .map((above): Tier => {
        const rates = compileRates(prices, above);
        return { above, rates, batch_rates: share === null ? null : inBatch(rates, share) };
      }),
    audio_hour: nano(dollarsOf(prices, AUDIO_HOUR, 0)),
  };
}

function compileWhen(constraint: NonNullable<DatedRates["constraint"]>): When {
  if ("start_date" in constraint) return { from_ms: Date.parse(constraint.start_date) };
  const ofDay = (time: string) => Date.parse(`1970-01-01T${time}`);
  return { from_day_ms: ofDay(constraint.start_time), to_day_ms: ofDay(constraint.end_time) };
}

function compileRates(prices: DollarRates, above: number): Rates {
  const rate = (...keys: readonly string[]) => nano(dollarsOf(prices, keys, above));
  const pieces = (...keys: readonly string[]) =>
    Math.round((dollarsOf(prices, keys, above) ?? 0) * NANO_OF_THOUSAND);
  const input = ["input_mtok", "input_text_mtok"];
  const output = ["output_mtok", "output_text_mtok"];
  return {
    input: rate(...input),
    cached_input: rate("cache_read_mtok", ...input),
    cache_write_5m: rate("cache_write_5m_mtok", "cache_write_mtok", ...input),
    cache_write_1h: rate("cache_write_1h_mtok", "cache_write_mtok", ...input),
    input_audio: rate("input_audio_mtok", ...input),
    cached_input_audio: rate("cache_audio_read_mtok", "cache_read_mtok", "input_audio_mtok", ...input),
    input_image: rate("input_image_mtok", ...input),
    output: rate(...output),
    reasoning: rate("output_reasoning_mtok", ...output),
    output_audio: rate("output_audio_mtok", ...output),
    output_image: rate("output_image_mtok", ...output),
    searches: pieces("web_searches_kcount", "rerank_searches_kcount"),
    requests: pieces("requests_kcount"),
  };
}

/** The first of the keys that has a price, for prompts of more tokens than `above`. */
function dollarsOf(prices: DollarRates, keys: readonly string[], above: number): number | null {
  const key = keys.find((one) => prices[one] !== undefined);
  const rate = key === undefined ? undefined : prices[key];
  if (rate === undefined) return null;
  if (typeof rate === "number") return rate;
  return rate.tiers
    .toSorted((a, b) => a.start - b.start)
    .reduce((price, tier) => (above >= tier.start ? tier.price : price), rate.base);
}

function nano(dollars: number | null): number {
  return Math.round((dollars ?? 0) * NANO);
}

/** Tokens for less; searches and requests are not. */
function inBatch(rates: Rates, { percent, cached_percent }: BatchShare): Rates {
  const share = (kind: keyof Kinds) => Math.round((rates[kind] * percent) / 100);
  return {
    ...rates,
    input: share("input"),
    cached_input: Math.round((rates.cached_input * cached_percent) / 100),
    cache_write_5m: share("cache_write_5m"),
    cache_write_1h: share("cache_write_1h"),
    input_audio: share("input_audio"),
    cached_input_audio: Math.round((rates.cached_input_audio * cached_percent) / 100),
    input_image: share("input_image"),
    output: share("output"),
    reasoning: share("reasoning"),
    output_audio: share("output_audio"),
    output_image: share("output_image"),
  };
}
