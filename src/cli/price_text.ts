// A price in words: what each kind of token costs, when, and for prompts of which length.
// A kind that costs what the kind costs that it belongs to is left out.

import type { Fact } from "../config/facts.ts";
import { KINDS, type Kinds, type ModelPrice, type Rates, type When } from "../ledger/prices/cost.ts";

/** Which kind each belongs to; searches and requests belong to none, and cost nothing where nothing is said. */
const PARENTS: Readonly<Partial<Record<keyof Kinds, keyof Kinds>>> = {
  cached_input: "input",
  cache_write_5m: "input",
  cache_write_1h: "cache_write_5m",
  input_audio: "input",
  cached_input_audio: "cached_input",
  input_image: "input",
  reasoning: "output",
  output_audio: "output",
  output_image: "output",
};

/** What is known of a model beside its price, in a line. */
export function factText({ reads, makes, context_tokens, output_tokens }: Fact): string {
  const tokens = (count: number | null) => (count === null ? "unknown" : `${count} tokens`);
  return `reads ${reads.join(", ")}, makes ${makes.join(", ")}; context ${tokens(context_tokens)}, answer ${tokens(output_tokens)}`;
}

/** A price, in lines: a time, a length of prompts, plain or batch in each. */
export function priceLines(price: ModelPrice): readonly string[] {
  const lines: string[] = [];
  for (const { when, tiers, audio_hour } of price.periods) {
    const time = when === null ? "" : `, ${timeText(when)}`;
    for (const { above, rates, batch_rates } of tiers) {
      const where = `${time}${above === 0 ? "" : `, prompts over ${above} tokens`}`;
      const plain = ratesText(price, rates);
      if (plain !== "") lines.push(`plain${where}: ${plain}`);
      if (plain !== "" && batch_rates !== null) lines.push(`batch${where}: ${ratesText(price, batch_rates)}`);
    }
    if (audio_hour > 0) lines.push(`audio${time}: ${dollars(audio_hour)} an hour`);
  }
  return lines;
}

function ratesText({ has_input, has_output }: ModelPrice, rates: Rates): string {
  return KINDS.filter((kind) => {
    if (kind === "input") return has_input;
    if (kind === "output") return has_output;
    const parent = PARENTS[kind];
    return rates[kind] !== (parent === undefined ? 0 : rates[parent]);
  })
    .map((kind) => {
      const name = kind.replaceAll("_", " ");
      const is_by_piece = kind === "searches" || kind === "requests";
      return is_by_piece
        ? `${name} ${dollars(rates[kind] / 1_000)} a thousand`
        : `${name} ${dollars(rates[kind])}`;
    })
    .join(", ");
}

function timeText(when: When): string {
  if ("from_ms" in when) return `from ${new Date(when.from_ms).toISOString().slice(0, 10)}`;
  const hour = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  return `${hour(when.from_day_ms)} to ${hour(when.to_day_ms)} UTC`;
}

/** Nano-dollars as dollars, without zeros that say nothing. */
function dollars(nano_usd: number): string {
  return (nano_usd / 1e9).toFixed(9).replace(/\.?0+$/, "");
}
