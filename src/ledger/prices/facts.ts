// Our own facts of models: prices that the published ones lack, how long a prompt may be, what is read and made.
// `facts.json` has them row by row, each with its source and date; `tools/price_facts.ts` writes it.

import type { DollarRates } from "./data.ts";

/** A row. */
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
  /** Null: the published prices have it. */
  readonly prices: DollarRates | null;
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
  prices: DollarRates | null,
];

/** Loads them. */
export async function loadFacts(): Promise<readonly Fact[]> {
  const { default: rows } = await import("./facts.json", { with: { type: "json" } });
  return (rows as unknown as readonly Row[]).map(
    ([provider, model, source, date, context_tokens, output_tokens, reads, makes, prices]) => ({
      ...{ provider, model, source, date, context_tokens, output_tokens, prices },
      reads: reads.split(","),
      makes: makes.split(","),
    }),
  );
}
