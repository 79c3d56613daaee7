// What is known of models, provider by provider: how long their prompts may be, what they read, make and can do, and prices that the
// published ones lack. `facts.json` has it row by row, each with its source and date; `tools/price_facts.ts` writes it.

import rows from "./facts.json" with { type: "json" };
import { namesOf } from "./model_names.ts";
import { PROVIDERS } from "./providers.ts";

/** What is known of a model. */
export interface Fact {
  /** The provider's id in the price data, or its own name where it is not there. */
  readonly provider: string;
  readonly model: string;
  readonly source: string;
  /** When the source said so. */
  readonly date: string;
  /** The longest prompt and answer together; null where it is not known. */
  readonly context_tokens: number | null;
  /** The longest answer. */
  readonly output_tokens: number | null;
  /** `text`, `image`, `audio`, `video`, `pdf`. */
  readonly reads: readonly string[];
  readonly makes: readonly string[];
  /** `tools`, `json_schema`, `reasoning`; with a `!` before it what it cannot do. `deprecated`: its provider takes it away. */
  readonly abilities: readonly string[];
  /** In dollars for a million; null: the published prices have it. */
  readonly prices: Readonly<Record<string, number>> | null;
}

/** A row as it is written: short, because there are hundreds. */
type Row = readonly [
  provider: string,
  model: string,
  source: string,
  date: string,
  context_tokens: number | null,
  output_tokens: number | null,
  reads: string,
  makes: string,
  abilities: string,
  prices: Fact["prices"],
];

let known: readonly Fact[] | null = null;
let by_name: ReadonlyMap<string, Fact> | null = null;

/** All that is known. */
export function knownFacts(): readonly Fact[] {
  known ??= (rows as unknown as readonly Row[]).map(
    ([provider, model, source, date, context_tokens, output_tokens, reads, makes, abilities, prices]) => ({
      ...{ provider, model, source, date, context_tokens, output_tokens, prices },
      reads: reads.split(","),
      makes: makes.split(","),
      abilities: abilities === "" ? [] : abilities.split(","),
    }),
  );
  return known;
}

/**
 * Whose models a kind of provider serves, at whatever address: their ids. Azure's names are those of deployments, which may be called
 * after another model than they are of.
 */
const IDS_OF_KIND: Readonly<Record<string, readonly string[]>> = {
  anthropic: ["anthropic"],
  gemini: ["google"],
  vertex: ["google", "anthropic"],
  cohere: ["cohere"],
};

/** Known providers of OpenAI's format whose names here are others than their ids. */
const ID_OF_NAME: Readonly<Record<string, string>> = {
  xai: "x-ai",
  moonshot: "moonshotai",
  zhipu: "zhipuai",
  dashscope: "alibaba",
};

/** Who is behind an address of OpenAI's format. */
const ID_OF_HOST: ReadonlyMap<string, string> = new Map(
  Object.entries(PROVIDERS)
    .filter(([, { kind, base_url }]) => kind === "openai" && base_url !== null)
    .map(([name, { base_url }]) => [new URL(base_url!).hostname, ID_OF_NAME[name] ?? name]),
);

/** What is known of a provider's model; null: nothing, as of servers of one's own. */
export function factOfModel(kind: string, host: string, model: string): Fact | null {
  const by_host = ID_OF_HOST.get(host);
  const ids = IDS_OF_KIND[kind] ?? (kind === "openai" && by_host !== undefined ? [by_host] : []);
  if (ids.length === 0) return null;
  by_name ??= new Map(knownFacts().map((fact) => [`${fact.provider}\n${fact.model.toLowerCase()}`, fact]));
  for (const id of ids)
    for (const name of namesOf(id, model)) {
      const fact = by_name.get(`${id}\n${name.toLowerCase()}`);
      if (fact !== undefined) return fact;
    }
  return null;
}
