// Writes src/config/facts.json: what the published prices lack, from models.dev's table.
// Usage: bun tools/price_facts.ts models-dev.json DATE > src/config/facts.json (DATE: of the table, as 2026-07-02)

import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { findPrice } from "../src/ledger/prices/book.ts";
import { loadPriceBook } from "../src/ledger/prices/load.ts";

/** models.dev's providers as they are asked: our id, kind, and a host that the prices are found by. */
const PROVIDERS: Readonly<Record<string, readonly [id: string, kind: string, host: string]>> = {
  openai: ["openai", "openai", "api.openai.com"],
  azure: ["azure", "azure", "x.openai.azure.com"],
  anthropic: ["anthropic", "anthropic", "api.anthropic.com"],
  google: ["google", "gemini", "generativelanguage.googleapis.com"],
  mistral: ["mistral", "openai", "api.mistral.ai"],
  groq: ["groq", "openai", "api.groq.com"],
  deepseek: ["deepseek", "openai", "api.deepseek.com"],
  xai: ["x-ai", "openai", "api.x.ai"],
  cohere: ["cohere", "cohere", "api.cohere.ai"],
  "fireworks-ai": ["fireworks", "openai", "api.fireworks.ai"],
  togetherai: ["together", "openai", "api.together.xyz"],
  cerebras: ["cerebras", "openai", "api.cerebras.ai"],
  perplexity: ["perplexity", "openai", "api.perplexity.ai"],
  moonshotai: ["moonshotai", "openai", "api.moonshot.ai"],
  zhipuai: ["zhipuai", "openai", "open.bigmodel.cn"],
  alibaba: ["alibaba", "openai", "dashscope-intl.aliyuncs.com"],
  deepinfra: ["deepinfra", "openai", "api.deepinfra.com"],
};

/** models.dev's names of rates and ours. */
const KEYS: Readonly<Record<string, string>> = {
  input: "input_mtok",
  output: "output_mtok",
  cache_read: "cache_read_mtok",
  cache_write: "cache_write_mtok",
  reasoning: "output_reasoning_mtok",
  input_audio: "input_audio_mtok",
  output_audio: "output_audio_mtok",
};

interface Model {
  readonly id: string;
  readonly cost?: Readonly<Record<string, number | readonly unknown[]>>;
  readonly limit?: { readonly context?: number; readonly output?: number };
  readonly modalities?: { readonly input?: readonly string[]; readonly output?: readonly string[] };
  readonly tool_call?: boolean;
  readonly structured_output?: boolean;
  readonly reasoning?: boolean;
  readonly status?: string;
}

interface Table {
  readonly providers: Readonly<Record<string, { readonly models: Readonly<Record<string, Model>> }>>;
}

/**
 * Without a price for either side, or with steps that are not understood, it is no price; neither is an answer for nothing.
 * A name for whatever is newest had another model's price by now.
 */
function pricesOf({ id, cost }: Model): Record<string, number> | null {
  if (id.endsWith("-latest")) return null;
  if (cost === undefined || cost["tiers"] !== undefined || cost["context_over_200k"] !== undefined)
    return null;
  const prices: Record<string, number> = {};
  for (const [key, dollars] of Object.entries(cost)) {
    const ours = KEYS[key];
    if (ours === undefined || typeof dollars !== "number") return null;
    prices[ours] = dollars;
  }
  const { input_mtok = 0, output_mtok = 0 } = prices;
  return input_mtok > 0 && (output_mtok > 0 || id.includes("embed")) ? prices : null;
}

/** What the table has wrong: https://platform.openai.com/docs/guides/function-calling names it since 2023. */
const CALL_TOOLS: ReadonlySet<string> = new Set(["openai/gpt-3.5-turbo"]);

/** What a model can do, and with a `!` what it cannot; what nobody says is left out. */
function abilitiesOf(provider: string, model: Model): string {
  const tools = CALL_TOOLS.has(`${provider}/${model.id}`) || model.tool_call;
  const said = { tools, json_schema: model.structured_output, reasoning: model.reasoning };
  const abilities = Object.entries(said).filter(([, is_so]) => is_so !== undefined);
  const words = abilities.map(([name, is_so]) => (is_so ? name : `!${name}`));
  return [...words, ...(model.status === "deprecated" ? ["deprecated"] : [])].join(",");
}

const [path, date] = process.argv.slice(2);
if (path === undefined || date === undefined) {
  console.error("usage: bun tools/price_facts.ts models-dev.json DATE");
  process.exit(2);
}
const table = JSON.parse(readFileSync(path, "utf8")) as Table;
const { book: published } = await loadPriceBook(`${tmpdir()}/no-updated-prices`);
const book = { ...published, facts: [] };
const rows: string[] = [];
for (const [theirs, [id, kind, host]] of Object.entries(PROVIDERS)) {
  const models = Object.values(table.providers[theirs]?.models ?? {});
  for (const model of models.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const is_published = findPrice(book, kind, host, model.id) !== null;
    const prices = is_published ? null : pricesOf(model);
    // Azure serves what OpenAI does: only what its price is missing of is worth a row.
    if (theirs === "azure" && prices === null) continue;
    const { limit, modalities } = model;
    rows.push(
      JSON.stringify([
        ...[id, model.id, "models.dev", date, limit?.context || null, limit?.output || null],
        ...[(modalities?.input ?? ["text"]).join(","), (modalities?.output ?? ["text"]).join(",")],
        ...[abilitiesOf(id, model), prices],
      ]),
    );
  }
}
console.log(`[\n${rows.join(",\n")}\n]`);
