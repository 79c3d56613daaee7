// Limits and prices as the Plan has them: windows in one list, money in whole nano-dollars.

import type { LimitsPlan, PricePlan } from "./plan.ts";
import type { LimitsConfig, PriceConfig } from "./schema.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NANO = 1e9;

/** Compiles limits; null where nothing is limited. */
export function compileLimits(config: LimitsConfig | undefined): LimitsPlan | null {
  if (config === undefined) return null;
  const windows: LimitsPlan["windows"][number][] = [];
  const add = (of: "requests" | "tokens", window_ms: number, limit: number | undefined) => {
    if (limit !== undefined) windows.push({ of, window_ms, limit });
  };
  add("requests", MINUTE_MS, config.rpm);
  add("requests", HOUR_MS, config.requests_per_hour);
  add("requests", DAY_MS, config.requests_per_day);
  add("tokens", MINUTE_MS, config.tpm);
  add("tokens", HOUR_MS, config.tokens_per_hour);
  add("tokens", DAY_MS, config.tokens_per_day);
  const { concurrency = null } = config;
  const nano_usd_per_day = nanoOf(config.usd_per_day);
  const nano_usd_per_month = nanoOf(config.usd_per_month);
  const is_none =
    windows.length === 0 && concurrency === null && nano_usd_per_day === null && nano_usd_per_month === null;
  return is_none ? null : { windows, concurrency, nano_usd_per_day, nano_usd_per_month };
}

/** Dollars as nano-dollars: whole ones exactly, parts of one to the nearest. */
export function nanoOf(dollars: number | undefined): bigint | null {
  if (dollars === undefined) return null;
  const whole = Math.floor(dollars);
  return BigInt(whole) * BigInt(NANO) + BigInt(Math.round((dollars - whole) * NANO));
}

/** Compiles a price. What is left out costs what the kind costs that it belongs to. */
export function compilePrice(config: PriceConfig | undefined): PricePlan | null {
  if (config === undefined) return null;
  const nano = (dollars: number) => Math.round(dollars * NANO);
  const input = config.input_per_mtok;
  const output = config.output_per_mtok;
  const write_5m = config.cache_write_5m_per_mtok ?? input;
  return {
    input: nano(input),
    cached_input: nano(config.cached_input_per_mtok ?? input),
    cache_write_5m: nano(write_5m),
    cache_write_1h: nano(config.cache_write_1h_per_mtok ?? write_5m),
    output: nano(output),
    reasoning: nano(config.reasoning_per_mtok ?? output),
    input_audio: nano(config.input_audio_per_mtok ?? input),
    output_audio: nano(config.output_audio_per_mtok ?? output),
  };
}
