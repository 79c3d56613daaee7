// The price book: finds what a provider's model costs. Entries are compiled when they are first asked for, and kept.
// Published prices come first; what they lack is looked up among our own facts.

import type { Fact } from "../../config/facts.ts";
import { namesOf } from "../../config/model_names.ts";
import { compilePrice } from "./compile.ts";
import { flatPrice, KINDS, type ModelPrice, type Rates } from "./cost.ts";
import type { ModelData, ProviderData } from "./data.ts";
import { matches } from "./match.ts";

/** Prices of one version. */
export interface PriceBook {
  /** Of the published prices: `genai-prices@0.1.8`. */
  readonly version: string;
  readonly providers: readonly ProviderData[];
  readonly facts: readonly Fact[];
  /** What was found before, by kind, host and model; null is a price that nobody knows. */
  readonly found: Map<string, ModelPrice | null>;
}

/** As many lookups are remembered; clients choose the names that are looked up. */
const MAX_FOUND = 4_096;

/** Kinds of providers that are priced alike at any address: a company's own proxy before Anthropic bills as Anthropic does. */
const PROVIDER_OF_KIND: Readonly<Record<string, string>> = {
  azure: "azure",
  anthropic: "anthropic",
  gemini: "google",
  vertex: "google",
  bedrock: "aws",
  cohere: "cohere",
};

/** Hosts that the published prices do not name: our facts have their models, or Hugging Face's, which passes prices on. */
const PROVIDER_OF_HOST: Readonly<Record<string, string>> = {
  "dashscope-intl.aliyuncs.com": "alibaba",
  "dashscope.aliyuncs.com": "alibaba",
  "api.deepinfra.com": "deepinfra",
  "api.hyperbolic.xyz": "huggingface_hyperbolic",
  "api.sambanova.ai": "huggingface_sambanova",
};

const FREE = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as unknown as Rates;
const SIM_PRICE: ModelPrice = flatPrice("sim", FREE);

/**
 * What a model costs at a provider (`ProviderPlan.kind` and its origin's host), or null where nobody knows. An Azure deployment
 * is found where it is named after its model.
 */
export function findPrice(
  book: PriceBook,
  kind: string,
  base_host: string,
  model: string,
): ModelPrice | null {
  if (kind === "sim") return SIM_PRICE;
  const key = `${kind}\n${base_host}\n${model}`;
  const known = book.found.get(key);
  if (known !== undefined) return known;
  const price = lookUp(book, kind, base_host, model);
  if (book.found.size >= MAX_FOUND) book.found.clear();
  book.found.set(key, price);
  return price;
}

function lookUp(book: PriceBook, kind: string, base_host: string, model: string): ModelPrice | null {
  const id = providerIdOf(book, kind, base_host);
  if (id === null) return null;
  for (const name of namesOf(id, model)) {
    const price = publishedPrice(book, id, name) ?? factPrice(book, id, name);
    if (price !== null) return price;
  }
  return null;
}

/** The provider's id in the price data: by its address, else by its kind. Servers of one's own have none. */
export function providerIdOf(book: PriceBook, kind: string, base_host: string): string | null {
  const url = `https://${base_host}`;
  const by_address = book.providers.find((provider) => provider.api_pattern.test(url))?.id;
  const by_host = Object.hasOwn(PROVIDER_OF_HOST, base_host) ? PROVIDER_OF_HOST[base_host] : undefined;
  const by_kind = Object.hasOwn(PROVIDER_OF_KIND, kind) ? PROVIDER_OF_KIND[kind] : undefined;
  return by_address ?? by_host ?? by_kind ?? null;
}

function publishedPrice(book: PriceBook, id: string, name: string): ModelPrice | null {
  const own = book.providers.find((provider) => provider.id === id);
  if (own === undefined) return null;
  const others = own.fallbacks.map((other) => book.providers.find((provider) => provider.id === other));
  for (const provider of [own, ...others]) {
    const model = provider?.models().find((entry) => matches(entry.match, name));
    // It is the provider that was asked whose batches count, whoever's price it takes over.
    if (model !== undefined) return compilePrice(id, model, `${book.version}/${provider!.id}:${model.id}`);
  }
  return null;
}

function factPrice(book: PriceBook, id: string, name: string): ModelPrice | null {
  const fact = factOf(book, id, name);
  if (fact === null || fact.prices === null) return null;
  const model: ModelData = {
    id: fact.model,
    match: { equals: fact.model },
    context_tokens: fact.context_tokens,
    prices: [{ constraint: null, prices: fact.prices }],
  };
  return compilePrice(id, model, `${fact.source}@${fact.date}/${id}:${fact.model}`);
}

function factOf(book: PriceBook, id: string, name: string): Fact | null {
  const lower = name.toLowerCase();
  return book.facts.find((fact) => fact.provider === id && fact.model.toLowerCase() === lower) ?? null;
}

/** What is known of a model beside its price: how long its prompts may be, what it reads and makes. */
export function findFact(book: PriceBook, kind: string, base_host: string, model: string): Fact | null {
  const id = providerIdOf(book, kind, base_host);
  if (id === null) return null;
  const facts = namesOf(id, model).map((name) => factOf(book, id, name));
  return facts.find((fact) => fact !== null) ?? null;
}
