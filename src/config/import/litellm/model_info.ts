// What a deployment of LiteLLM's says of its model: prices and abilities, in `model_info` or beside the model's name.
// https://docs.litellm.ai/docs/proxy/custom_pricing

import type { TargetInput } from "../draft.ts";
import type { Source } from "../source.ts";

/** A price of a million tokens. */
export interface Price {
  input_per_mtok: number;
  output_per_mtok: number;
  cached_input_per_mtok?: number;
}

/** What its tokens cost, by LiteLLM's price of one; null where it says nothing. */
export function priceOf(params: Source, info: Source): Price | null {
  const costs = ["input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"].map(
    (key) => params.at(key).number() ?? info.at(key).number(),
  );
  const [input, output, cached] = costs.map((one) => (one === null ? null : round(one * 1e6)));
  if (input == null && output == null) return null;
  return {
    ...{ input_per_mtok: input ?? 0, output_per_mtok: output ?? 0 },
    ...(cached == null ? {} : { cached_input_per_mtok: cached }),
  };
}

/** Without the noise of binary fractions. */
function round(number: number): number {
  return Number(number.toPrecision(12));
}

const ABILITIES = [
  ["supports_vision", "vision"],
  ["supports_audio_input", "audio"],
  ["supports_pdf_input", "pdf"],
  ["supports_video_input", "video"],
  ["supports_function_calling", "tools"],
  ["supports_response_schema", "json_schema"],
  ["supports_reasoning", "reasoning"],
] as const;

/** What a deployment can do. */
export function capabilitiesOf(info: Source): NonNullable<TargetInput["capabilities"]> {
  const found: NonNullable<TargetInput["capabilities"]> = {};
  for (const [from, to] of ABILITIES) {
    const able = info.at(from).flag();
    if (able !== null) found[to] = able;
  }
  const tokens = info.first("max_input_tokens").number();
  if (tokens !== null && Number.isInteger(tokens) && tokens > 0) found.context_tokens = tokens;
  return found;
}
