// Log probabilities of an answer's tokens. Source: https://docs.cohere.com/reference/chat, `logprobs`.

import { list, numberOf, record } from "../fields.ts";
import type { TokenLogprob } from "../neutral/answer.ts";

/** Reads a list of pieces of text, each of one token mostly; the text of several is told with the first of them. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  // In streams it is one piece, not a list.
  const pieces = Array.isArray(value) ? value : [value];
  return pieces.flatMap((piece) => {
    const { text, logprobs } = record(piece);
    const numbers = list(logprobs).flatMap((logprob) => numberOf(logprob) ?? []);
    const said = typeof text === "string" ? text : "";
    return numbers.map((logprob, index) => ({ token: index === 0 ? said : "", logprob, top: [] }));
  });
}
