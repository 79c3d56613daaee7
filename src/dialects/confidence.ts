// How sure a model was of what it said: the mean log probability of its answer's tokens, where the answer has them.

import { isFields, list, record } from "./fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The mean log probability of the tokens of a whole answer, of the least sure of its choices; null where it has none. They are there
 * where a request asked for them: `logprobs` of chat completions, `message.output_text.logprobs` included in Responses,
 * `responseLogprobs` of Gemini, which tells the mean itself.
 */
export function meanLogprob(answer: Fields): number | null {
  const means = [...ofChoices(answer), ...ofOutput(answer), ...ofCandidates(answer)];
  return means.length === 0 ? null : Math.min(...means);
}

function ofChoices({ choices }: Fields): number[] {
  return list(choices).flatMap((choice) => meanOf(list(record(record(choice)["logprobs"])["content"])));
}

function ofOutput({ output }: Fields): number[] {
  const parts = list(output).flatMap((item) => list(record(item)["content"]));
  return parts.flatMap((part) => meanOf(list(record(part)["logprobs"])));
}

function ofCandidates({ candidates }: Fields): number[] {
  return list(candidates)
    .map((candidate) => record(candidate)["avgLogprobs"])
    .filter(isNumber);
}

function meanOf(tokens: readonly unknown[]): number[] {
  const logprobs = tokens
    .filter(isFields)
    .map(({ logprob }) => logprob)
    .filter(isNumber);
  return logprobs.length === 0 ? [] : [logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length];
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
