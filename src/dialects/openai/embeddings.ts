// Embeddings of OpenAI's format, for providers that have another: the texts that are asked for, and the list that is answered.
// Source: https://platform.openai.com/docs/api-reference/embeddings

import { GatewayError } from "../../errors.ts";
import { vectorAsBase64 } from "../vectors.ts";

type Json = Readonly<Record<string, unknown>>;

/** How the client wants its vectors, and what is not told by every provider. */
export interface EmbedContext {
  /** As the client asked for it. */
  readonly model: string;
  /** As numbers, or as base64 of little-endian floats. */
  readonly encoding: "float" | "base64";
  /** Tokens of the prompt, for answers that tell none. */
  readonly estimated_tokens: number;
}

/** The texts of an `input`. Tokens instead of texts are no one's but OpenAI's. */
export function textsOf(input: unknown): readonly string[] | GatewayError {
  const texts = typeof input === "string" ? [input] : input;
  if (texts === undefined || texts === null)
    return new GatewayError("missing_required_parameter", "'input' is missing.", { param: "input" });
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((text) => typeof text === "string"))
    return new GatewayError("invalid_value", "'input' must be a text or a list of texts for this model.", {
      param: "input",
    });
  return texts;
}

/** A list in pieces of at most so many. */
export function inPieces<T>(items: readonly T[], length_max: number): T[][] {
  const pieces: T[][] = [];
  for (let at = 0; at < items.length; at += length_max) pieces.push(items.slice(at, at + length_max));
  return pieces;
}

/**
 * The answer.
 * @param tokens null: the provider did not tell
 */
export function embeddingList(
  vectors: readonly (readonly number[])[],
  tokens: number | null,
  { model, encoding, estimated_tokens }: EmbedContext,
): Json {
  const prompt_tokens = tokens ?? estimated_tokens;
  return {
    object: "list",
    data: vectors.map((values, index) => ({
      ...{ object: "embedding", index },
      embedding: encoding === "base64" ? vectorAsBase64(values) : values,
    })),
    model,
    usage: { prompt_tokens, total_tokens: prompt_tokens },
  };
}
