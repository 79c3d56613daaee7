// What a request asks for that a provider's format has no word for: each format names what it lacks, and what the request has of that
// is lost, all formats alike.

import type { Losses, Weight } from "./losses.ts";
import type { ChatRequest } from "./request.ts";

interface Parameter {
  readonly weight: Weight;
  /** Whether a request asks for something by it. */
  isSaid(request: ChatRequest): boolean;
}

const meaning = (isSaid: Parameter["isSaid"]): Parameter => ({ weight: "meaning", isSaid });
const hint = (isSaid: Parameter["isSaid"]): Parameter => ({ weight: "hint", isSaid });

const PARAMETERS = {
  n: meaning(({ choices }) => (choices ?? 1) > 1),
  logprobs: meaning(({ logprobs }) => logprobs !== null),
  top_logprobs: meaning(({ logprobs }) => (logprobs?.top ?? 0) > 0),
  logit_bias: meaning(({ logit_bias }) => Object.keys(logit_bias ?? {}).length > 0),
  modalities: meaning(({ modalities }) => modalities.some((modality) => modality !== "text")),
  frequency_penalty: hint(({ frequency_penalty }) => (frequency_penalty ?? 0) !== 0),
  presence_penalty: hint(({ presence_penalty }) => (presence_penalty ?? 0) !== 0),
  min_p: hint(({ min_p }) => min_p !== null),
  seed: hint(({ seed }) => seed !== null),
  verbosity: hint(({ verbosity }) => verbosity !== null),
  user: hint(({ user }) => user !== null),
  metadata: hint(({ metadata }) => metadata !== null),
  prompt_cache_key: hint(({ prompt_cache_key }) => prompt_cache_key !== null),
  service_tier: hint(({ service_tier }) => service_tier !== null && service_tier !== "auto"),
  parallel_tool_calls: hint(
    ({ parallel_tool_calls, tools }) => parallel_tool_calls === false && tools.length > 0,
  ),
} satisfies Record<string, Parameter>;

/** A parameter, by its name in chat completions. */
export type ParameterName = keyof typeof PARAMETERS;

/** Loses what a request says by parameters that a format lacks. */
export function loseUnsaid(request: ChatRequest, lacking: readonly ParameterName[], losses: Losses): void {
  for (const name of lacking) {
    const { isSaid, weight } = PARAMETERS[name];
    if (isSaid(request)) losses.lose(name, weight);
  }
}
