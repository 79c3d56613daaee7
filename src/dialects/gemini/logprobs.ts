// Log probabilities of an answer's tokens, as Gemini tells them.
// Source: https://ai.google.dev/api/generate-content#LogprobsResult

import { list, record } from "../fields.ts";
import type { TokenLogprob } from "../neutral/answer.ts";
import { numberOf } from "./names.ts";

type Json = Readonly<Record<string, unknown>>;

/** Reads a `logprobsResult`; undefined where it tells nothing. */
export function readLogprobs(result: unknown): TokenLogprob[] | undefined {
  const chosen = list(record(result)["chosenCandidates"]);
  if (chosen.length === 0) return undefined;
  const top = list(record(result)["topCandidates"]);
  return chosen.map((candidate, index) => ({
    ...tokenOf(candidate),
    top: list(record(top[index])["candidates"]).map(tokenOf),
  }));
}

function tokenOf(candidate: unknown): { token: string; logprob: number } {
  const { token, logProbability } = record(candidate);
  return {
    token: typeof token === "string" ? token : "",
    logprob: numberOf(logProbability) ?? 0,
  };
}

/** The `logprobsResult` of tokens. */
export function writeLogprobs(tokens: readonly TokenLogprob[]): Json {
  return {
    chosenCandidates: tokens.map(candidateOf),
    topCandidates: tokens.map(({ top }) => ({ candidates: top.map(candidateOf) })),
  };
}

function candidateOf({ token, logprob }: { readonly token: string; readonly logprob: number }): Json {
  return { token, logProbability: logprob };
}
