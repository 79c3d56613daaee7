// Log probabilities of a legacy completion (OpenAI API reference, "The completion object", `logprobs`): lists side by side.

import { isFields, list } from "../../fields.ts";
import type { TokenLogprob } from "../../neutral/answer.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The tokens of a choice's `logprobs`. The first of an echoed prompt has no probability, which is no number. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  if (!isFields(value)) return [];
  const logprobs = list(value["token_logprobs"]);
  const tops = list(value["top_logprobs"]);
  return list(value["tokens"]).flatMap((token, index): readonly TokenLogprob[] => {
    if (typeof token !== "string") return [];
    const logprob = logprobs[index];
    return [
      { token, logprob: typeof logprob === "number" ? logprob : Number.NaN, top: readTop(tops[index]) },
    ];
  });
}

function readTop(value: unknown): TokenLogprob["top"] {
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([token, logprob]) =>
    typeof logprob === "number" ? [{ token, logprob }] : [],
  );
}

/**
 * The `logprobs` of a choice.
 * @param offset where the first token begins in the choice's text
 */
export function writeLogprobs(tokens: readonly TokenLogprob[], offset: number): Fields {
  let at = offset;
  const text_offset = tokens.map(({ token }) => {
    const begins = at;
    at += token.length;
    return begins;
  });
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => (Number.isNaN(logprob) ? null : logprob)),
    top_logprobs: tokens.map(({ top }) =>
      top.length === 0 ? null : Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset,
  };
}
