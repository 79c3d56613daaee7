// The price data as genai-prices publishes it, read field by field: what is wrong is named by its place.
// Of what it says only what prices a call is kept, so that the rest can be collected as garbage.

/** Which names of models an entry is for. Names are asked for in lower case. */
export type Match =
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: RegExp }
  | { readonly or: readonly Match[] }
  | { readonly and: readonly Match[] };

/** Dollars for a unit, by the unit's key (`input_mtok`: for a million tokens); by steps where long prompts cost more. */
export type DollarRates = Readonly<
  Record<
    string,
    number | { readonly base: number; readonly tiers: readonly { start: number; price: number }[] }
  >
>;

/** Rates and when they apply. */
export interface DatedRates {
  readonly constraint: { start_date: string } | { start_time: string; end_time: string } | null;
  readonly prices: DollarRates;
}

/** A model, or several that cost the same. */
export interface ModelData {
  readonly id: string;
  readonly match: Match;
  readonly context_tokens: number | null;
  readonly prices: readonly DatedRates[];
}

/** A provider. */
export interface ProviderData {
  readonly id: string;
  /** Of the addresses that it is reached at. */
  readonly api_pattern: RegExp;
  /** Providers whose models it serves too, at their prices. */
  readonly fallbacks: readonly string[];
  /** Its entries in order: the first that matches a name is the name's. Of stored prices they are read when first asked for. */
  models(): readonly ModelData[];
}

/** What reading gives. */
export type ReadResult =
  | { readonly ok: true; readonly providers: readonly ProviderData[] }
  | { readonly ok: false; readonly fault: string };

const MAX_PROVIDERS = 1_000;
const MAX_MODELS = 20_000;
const MAX_LIST = 1_000;
const MAX_DEPTH = 8;
const MAX_TEXT = 1_000;

class Fault extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** Reads a list of providers with all of their models. */
export function readProviders(value: unknown): ReadResult {
  try {
    return { ok: true, providers: list(value, "providers", MAX_PROVIDERS, provider) };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, fault: error.message };
    throw error;
  }
}

/** Reads a provider whose models are kept as JSON, and were read whole once before they were stored. */
export function readStoredProvider(
  id: string,
  api_pattern: string,
  fallbacks: readonly string[],
  models: string,
): ProviderData {
  let read: readonly ModelData[] | null = null;
  return {
    ...{ id, fallbacks },
    api_pattern: addresses(api_pattern, id),
    models: () => (read ??= list(JSON.parse(models), `${id}.models`, MAX_MODELS, model)),
  };
}

function provider(value: unknown, place: string): ProviderData {
  const { id, api_pattern, fallback_model_providers, models } = fields(value, place);
  const read = list(models, `${place}.models`, MAX_MODELS, model);
  return {
    id: text(id, `${place}.id`),
    api_pattern: addresses(api_pattern, `${place}.api_pattern`),
    fallbacks: list(fallback_model_providers ?? [], `${place}.fallback_model_providers`, MAX_LIST, text),
    models: () => read,
  };
}

function addresses(value: unknown, place: string): RegExp {
  return regex(`^(?:${text(value, place)})`, place);
}

function model(value: unknown, place: string): ModelData {
  const { id, match: rule, context_window, prices } = fields(value, place);
  const at = `${place}.prices`;
  return {
    id: text(id, `${place}.id`),
    match: match(rule, `${place}.match`, 0),
    context_tokens: context_window === undefined ? null : amount(context_window, `${place}.context_window`),
    prices: Array.isArray(prices)
      ? list(prices, at, MAX_LIST, dated)
      : [{ constraint: null, prices: rates(prices, at) }],
  };
}

function match(value: unknown, place: string, depth: number): Match {
  const [entry, ...more] = Object.entries(fields(value, place));
  if (entry === undefined || more.length > 0 || depth > MAX_DEPTH) throw wrong(place, "one rule");
  const [rule, operand] = entry;
  const at = `${place}.${rule}`;
  const inner = () => list(operand, at, MAX_LIST, (one, where) => match(one, where, depth + 1));
  if (rule === "or") return { or: inner() };
  if (rule === "and") return { and: inner() };
  if (rule === "regex") return { regex: regex(text(operand, at), at) };
  const lower = text(operand, at).toLowerCase();
  if (rule === "equals") return { equals: lower };
  if (rule === "starts_with") return { starts_with: lower };
  if (rule === "ends_with") return { ends_with: lower };
  if (rule === "contains") return { contains: lower };
  throw wrong(at, "equals, starts_with, ends_with, contains, regex, or, and");
}

function dated(value: unknown, place: string): DatedRates {
  const { constraint, prices } = fields(value, place);
  return {
    constraint:
      constraint === undefined || constraint === null ? null : when(constraint, `${place}.constraint`),
    prices: rates(prices, `${place}.prices`),
  };
}

function when(value: unknown, place: string): DatedRates["constraint"] {
  const { start_date, start_time, end_time } = fields(value, place);
  if (start_date !== undefined) {
    const date = text(start_date, `${place}.start_date`);
    if (!/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(Date.parse(date))) {
      throw wrong(`${place}.start_date`, "a date, as 2026-08-21");
    }
    return { start_date: date };
  }
  return {
    start_time: time(start_time, `${place}.start_time`),
    end_time: time(end_time, `${place}.end_time`),
  };
}

function time(value: unknown, place: string): string {
  const written = text(value, place);
  if (!/^([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.test(written)) throw wrong(place, "a time in UTC, as 16:30:00Z");
  return written;
}

function rates(value: unknown, place: string): DollarRates {
  const read: Record<string, DollarRates[string]> = {};
  for (const [key, rate] of Object.entries(fields(value, place))) {
    const at = `${place}.${key}`;
    if (rate === undefined || rate === null) continue;
    if (typeof rate === "number") {
      read[key] = amount(rate, at);
      continue;
    }
    const { base, tiers } = fields(rate, at);
    read[key] = { base: amount(base, `${at}.base`), tiers: list(tiers, `${at}.tiers`, MAX_LIST, step) };
  }
  return read;
}

function step(value: unknown, place: string): { start: number; price: number } {
  const { start, price } = fields(value, place);
  return { start: amount(start, `${place}.start`), price: amount(price, `${place}.price`) };
}

function fields(value: unknown, place: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(place, "an object");
  return value as Fields;
}

function list<T>(value: unknown, place: string, most: number, item: (one: unknown, at: string) => T): T[] {
  if (!Array.isArray(value)) throw wrong(place, "a list");
  if (value.length > most) throw wrong(place, `a list of at most ${most}`);
  return value.map((one, index) => item(one, `${place}[${index}]`));
}

function text(value: unknown, place: string): string {
  if (typeof value === "string" && value !== "" && value.length <= MAX_TEXT) return value;
  throw wrong(place, `a text of 1 to ${MAX_TEXT} characters`);
}

function amount(value: unknown, place: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw wrong(place, "a number from zero up");
}

function regex(source: string, place: string): RegExp {
  try {
    return new RegExp(source);
  } catch {
    throw wrong(place, "a regular expression");
  }
}

function wrong(place: string, right: string): Fault {
  return new Fault(`${place} must be ${right}`);
}
