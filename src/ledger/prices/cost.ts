// What a usage costs: whole nano-dollars, exactly, rounded once. Rates are integers, so no decimal is ever added up.
// A model's price is compiled for this once; the kinds of a usage are taken apart so that each token is paid for once.

import type { PricePlan } from "../../config/plan.ts";
import { NO_USAGE, type Usage } from "../../dialects/usage.ts";

/** A number for each kind that is paid for apart. No kind here includes another. */
export interface Kinds {
  readonly input: number;
  readonly cached_input: number;
  readonly cache_write_5m: number;
  readonly cache_write_1h: number;
  readonly input_audio: number;
  readonly cached_input_audio: number;
  readonly input_image: number;
  readonly output: number;
  readonly reasoning: number;
  readonly output_audio: number;
  readonly output_image: number;
  readonly searches: number;
  readonly requests: number;
}

/** What each kind costs, in whole nano-dollars for a million. A kind without a price of its own has that of its total. */
export type Rates = Kinds;

/** The names of the kinds, in the order in which they are told. */
export const KINDS: readonly (keyof Kinds)[] = [
  ...(["input", "cached_input", "cache_write_5m", "cache_write_1h"] as const),
  ...(["input_audio", "cached_input_audio", "input_image"] as const),
  ...(["output", "reasoning", "output_audio", "output_image", "searches", "requests"] as const),
];

/** Rates from a prompt's length on. */
export interface Tier {
  /** For prompts of more tokens than this; the whole call is then charged at these rates. */
  readonly above: number;
  readonly rates: Rates;
  /** In a batch; null where no rebate is known. */
  readonly batch_rates: Rates | null;
}

/** When rates apply: from a date on, or at hours of the UTC day (which may go over midnight). */
export type When =
  | { readonly from_ms: number }
  | { readonly from_day_ms: number; readonly to_day_ms: number };

/** Rates of a time. */
export interface Period {
  /** Null: when no other period applies. */
  readonly when: When | null;
  /** By `above`, the lowest first, which is 0. */
  readonly tiers: readonly Tier[];
  /** Transcription, in nano-dollars for an hour of audio; 0 where it is not billed by length. */
  readonly audio_hour: number;
}

/** What one model's tokens cost: compiled, integers only. */
export interface ModelPrice {
  /** Which table, of which date or version, and which of its entries. */
  readonly version: string;
  /** The last one that applies does. At least one. */
  readonly periods: readonly Period[];
  /** Whether the rates of prompts and of answers are known: where not, calls that use them have an unknown cost. */
  readonly has_input: boolean;
  readonly has_output: boolean;
  /** Shorter audio is billed as if it had this length, in milliseconds. */
  readonly least_audio_ms: number;
}

const MILLION = 1_000_000;
const DAY_MS = 86_400_000;
/** A million tokens (18 times) and an hour's milliseconds (5 times) both go into this. */
const PARTS = 18_000_000n;
const PARTS_PER_TOKEN_RATE = 18n;
const PARTS_PER_HOUR_RATE = 5n;

/**
 * What a usage costs at a time (milliseconds since 1970), in whole nano-dollars: summed up exactly, then rounded once, half up.
 * More than `Number.MAX_SAFE_INTEGER` (nine million dollars) is told as that.
 */
export function costOf(price: ModelPrice, usage: Usage, time_ms: number, is_batch = false): number {
  const period = periodOf(price, time_ms);
  if (usage.input_audio_ms > 0 && period.audio_hour > 0) {
    // Its tokens are told beside the length, and cost nothing more.
    const billed_ms = Math.max(usage.input_audio_ms, price.least_audio_ms);
    return rounded(BigInt(billed_ms) * BigInt(period.audio_hour) * PARTS_PER_HOUR_RATE);
  }
  const tier = tierOf(period, usage.input_tokens);
  const rates = is_batch ? (tier.batch_rates ?? tier.rates) : tier.rates;
  const kinds = kindsOf(usage);
  const sum = sumOf(kinds, rates);
  // A sum of whole numbers that stays below 2^53 was exact all the way.
  if (sum > Number.MAX_SAFE_INTEGER) return rounded(exactSum(kinds, rates) * PARTS_PER_TOKEN_RATE);
  const rest = sum % MILLION;
  return (sum - rest) / MILLION + (rest >= MILLION / 2 ? 1 : 0);
}

/**
 * What so many tokens will cost now: for reservations, before anything is known of their kinds.
 * @param is_spoken whether they may all be audio
 */
export function expectedCost(
  price: ModelPrice,
  input_tokens: number,
  output_tokens: number,
  time_ms = Date.now(),
  is_spoken = false,
): number {
  const usage = { ...NO_USAGE, input_tokens, output_tokens };
  if (!is_spoken) return costOf(price, usage, time_ms);
  return costOf(
    price,
    { ...usage, input_audio_tokens: input_tokens, output_audio_tokens: output_tokens },
    time_ms,
  );
}

/** What a call costs, and what says so. */
export interface Charge {
  /** Null: nobody knows. */
  readonly cost_nano_usd: number | null;
  readonly version: string | null;
}

/** The version of a price that the configuration gives: it stands above what a provider says. */
const CONFIG_VERSION = "config";
const UNKNOWN: Charge = { cost_nano_usd: null, version: null };

/**
 * What a call costs, by who knows best: the configuration, then the provider itself where its answer says it (a router may
 * have served another model than was asked for), then the table. A price that lacks the rate of what was used is none:
 * an unknown cost is never told as $0.
 */
export function chargeOf(price: ModelPrice | null, usage: Usage, time_ms: number, is_batch = false): Charge {
  if (price?.version !== CONFIG_VERSION && usage.told_nano_usd > 0) {
    return { cost_nano_usd: usage.told_nano_usd, version: "provider" };
  }
  if (price === null || !covers(price, usage)) return UNKNOWN;
  return { cost_nano_usd: costOf(price, usage, time_ms, is_batch), version: price.version };
}

/** A price from the configuration. */
export function priceOfPlan(plan: PricePlan): ModelPrice {
  const rates: Rates = {
    ...plan,
    cached_input_audio: Math.min(plan.cached_input, plan.input_audio),
    input_image: plan.input,
    output_image: plan.output,
    searches: 0,
    requests: 0,
  };
  return flatPrice(CONFIG_VERSION, rates);
}

/** A price that is the same at all times and for prompts of all lengths, in batches too. */
export function flatPrice(version: string, rates: Rates): ModelPrice {
  const tiers = [{ above: 0, rates, batch_rates: null }];
  return {
    ...{ version, has_input: true, has_output: true, least_audio_ms: 0 },
    periods: [{ when: null, tiers, audio_hour: 0 }],
  };
}

function covers(price: ModelPrice, usage: Usage): boolean {
  if (usage.input_audio_ms > 0) {
    if (price.periods[0]!.audio_hour > 0) return true;
    if (usage.input_tokens === 0) return false;
  }
  return (price.has_input || usage.input_tokens === 0) && (price.has_output || usage.output_tokens === 0);
}

/** The period that applies; the first where none does. */
export function periodOf({ periods }: ModelPrice, time_ms: number): Period {
  if (periods.length === 1) return periods[0]!;
  return periods.findLast(({ when }) => when === null || applies(when, time_ms)) ?? periods[0]!;
}

function applies(when: When, time_ms: number): boolean {
  if ("from_ms" in when) return time_ms >= when.from_ms;
  const { from_day_ms: from, to_day_ms: to } = when;
  const now = time_ms % DAY_MS;
  return to < from ? now >= from || now < to : now >= from && now < to;
}

function tierOf({ tiers }: Period, input_tokens: number): Tier {
  let tier = tiers[0]!;
  for (const next of tiers) if (input_tokens > next.above) tier = next;
  return tier;
}

/** The kinds taken out of their totals. */
function kindsOf(usage: Usage): Kinds {
  const { cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens } = usage;
  const cached_audio = usage.cached_input_audio_tokens;
  const fresh = usage.input_tokens - cached_input_tokens - cache_write_5m_tokens - cache_write_1h_tokens;
  // What was cached and is an image is paid for as cached.
  const input_audio = Math.min(usage.input_audio_tokens - cached_audio, fresh);
  const input_image = Math.min(usage.input_image_tokens, fresh - input_audio);
  const { reasoning_tokens, output_audio_tokens, output_image_tokens } = usage;
  return {
    input: fresh - input_audio - input_image,
    cached_input: cached_input_tokens - cached_audio,
    cache_write_5m: cache_write_5m_tokens,
    cache_write_1h: cache_write_1h_tokens,
    input_audio,
    cached_input_audio: cached_audio,
    input_image,
    output: usage.output_tokens - reasoning_tokens - output_audio_tokens - output_image_tokens,
    reasoning: reasoning_tokens,
    output_audio: output_audio_tokens,
    output_image: output_image_tokens,
    searches: usage.searches,
    // Tokens of an answer that are reserved later on are no other request.
    requests: usage.input_tokens > 0 ? 1 : 0,
  };
}

/** Written out, because it is done for every call: a loop over the names takes more than twice as long. */
function sumOf(kinds: Kinds, rates: Rates): number {
  return (
    kinds.input * rates.input +
    kinds.cached_input * rates.cached_input +
    kinds.cache_write_5m * rates.cache_write_5m +
    kinds.cache_write_1h * rates.cache_write_1h +
    kinds.input_audio * rates.input_audio +
    kinds.cached_input_audio * rates.cached_input_audio +
    kinds.input_image * rates.input_image +
    kinds.output * rates.output +
    kinds.reasoning * rates.reasoning +
    kinds.output_audio * rates.output_audio +
    kinds.output_image * rates.output_image +
    kinds.searches * rates.searches +
    kinds.requests * rates.requests
  );
}

function exactSum(kinds: Kinds, rates: Rates): bigint {
  return KINDS.reduce((sum, kind) => sum + BigInt(kinds[kind]) * BigInt(rates[kind]), 0n);
}

/** Eighteen-millionths of a nano-dollar as whole ones, half up. */
function rounded(parts: bigint): number {
  const nano_usd = (parts + PARTS / 2n) / PARTS;
  return nano_usd > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(nano_usd);
}
