// Log probabilities of an answer's tokens (API reference, "The chat completion object", `logprobs`).

import { isFields, list } from "../../fields.ts";
import type { TokenLogprob } from "../../neutral/answer.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The tokens of a choice's `logprobs`: those of its content, or of its refusal. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  if (!isFields(value)) return [];
  const content = list(value["content"]);
  return (content.length > 0 ? content : list(value["refusal"])).flatMap(readToken);
}

function readToken(value: unknown): readonly TokenLogprob[] {
  const read = readAlternative(value);
  if (read === null || !isFields(value)) return [];
  const top = list(value["top_logprobs"]).flatMap((other) => readAlternative(other) ?? []);
  return [{ ...read, top }];
}

function readAlternative(value: unknown): Omit<TokenLogprob, "top"> | null {
  if (!isFields(value)) return null;
  const { token, logprob, bytes } = value;
  if (typeof token !== "string" || typeof logprob !== "number") return null;
  return { token, logprob, ...(Array.isArray(bytes) ? { bytes: bytes.map(Number) } : {}) };
}

/** The `logprobs` of a choice. @param refused whether they are of its refusal */
export function writeLogprobs(tokens: readonly TokenLogprob[], refused: boolean): Fields {
  const written = tokens.map(({ top, ...token }) => ({
    ...writeAlternative(token),
    top_logprobs: top.map(writeAlternative),
  }));
  return refused ? { content: null, refusal: written } : { content: written, refusal: null };
}

function writeAlternative({ token, logprob, bytes }: Omit<TokenLogprob, "top">): Fields {
  return { token, logprob, bytes: bytes ?? null };
}
