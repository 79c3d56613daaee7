// What providers charge for calls in batches, in hundredths of the plain price: no price table has it.
// Our own facts, each with where it stands and when it was read; a provider that is not here is charged in full.

/** A provider's share. */
export interface BatchShare {
  readonly percent: number;
  /** Of what was read from its prompt cache. */
  readonly cached_percent: number;
  readonly source: string;
  readonly date: string;
}

const SHARES: Readonly<Record<string, BatchShare>> = {
  // All of its models have `*_batches` prices there, each the half.
  openai: half("https://github.com/BerriAI/litellm model_prices_and_context_window.json", "2026-07-24"),
  // "at 50% less cost than global standard"
  azure: half("https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/batch", "2026-11-26"),
  // "cutting costs by 50%", of all usage
  anthropic: half("https://platform.claude.com/docs/en/build-with-claude/batch-processing", "2026-11-26"),
  // The rebate of the cache and that of the batch do not add up.
  google: { ...half("https://ai.google.dev/gemini-api/docs/pricing", "2026-08-21"), cached_percent: 100 },
  together: half("https://www.together.ai/blog/batch-api", "2025-06-11"),
  // "20% less than real-time pricing"
  deepinfra: {
    percent: 80,
    cached_percent: 80,
    source: "https://deepinfra.com/blog/batch-api",
    date: "2026-06-19",
  },
  // Not published in a table; 76 + 128 cached + 64 tokens of Grok 4.3 in a batch were billed $0.00022448.
  "x-ai": {
    percent: 80,
    cached_percent: 80,
    source: "its own bills (cost_in_usd_ticks)",
    date: "2026-08-19",
  },
};

function half(source: string, date: string): BatchShare {
  return { percent: 50, cached_percent: 50, source, date };
}

/** The share of a provider, by its id in the price data, or null. */
export function batchShareOf(provider: string): BatchShare | null {
  return Object.hasOwn(SHARES, provider) ? SHARES[provider]! : null;
}
