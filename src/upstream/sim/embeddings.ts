// `POST /embeddings`: unit vectors that depend on the text alone, as numbers or as base64 of 32-bit floats.
// A text's words and their trigrams are hashed into the vector, so texts that share words lie near each other.

import { type Answer, plainAnswer } from "./answer.ts";
import type { SimModel } from "./models.ts";
import { plainWait } from "./pace.ts";
import type { EmbeddingsRequest } from "./request.ts";
import { countTokens } from "./text.ts";

/** Dimensions where the request names none. */
export const DEFAULT_DIMENSIONS = 64;
/** A word weighs as much as this many of its trigrams. */
const WORD_WEIGHT = 3;
/** Weight of the text's own hash, by which no vector is zero and no two texts are quite equal. */
const TEXT_WEIGHT = 0.1;

/** The inputs of a request as texts. One given as token numbers has these numbers for its words. */
export function inputTexts(input: EmbeddingsRequest["input"]): string[] {
  if (typeof input === "string") return [input];
  if (typeof input[0] === "number") return [input.join(" ")];
  return (input as readonly (string | readonly number[])[]).map((item) =>
    typeof item === "string" ? item : item.join(" "),
  );
}

/** Answers a checked request; `id` is what the request's bytes hash to. */
export function answerEmbeddings(model: SimModel, request: EmbeddingsRequest, id: string): Answer {
  const dimensions = request.dimensions ?? DEFAULT_DIMENSIONS;
  const texts = inputTexts(request.input);
  let tokens = 0;
  const data = texts.map((text, index) => {
    tokens += countTokens(text);
    const vector = textVector(text, dimensions);
    const embedding =
      request.encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
    return { object: "embedding", index, embedding };
  });
  const value = { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
  return plainAnswer(id, value, { wait_ms: plainWait(model, 1), cut: model === "cut" });
}

/** The vector of a text, of length 1. */
export function textVector(text: string, dimensions: number): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(dimensions);
  const add = (feature: string, weight: number): void => {
    const hash = Bun.hash.wyhash(feature);
    const index = Number((hash >> 1n) % BigInt(dimensions));
    sums[index] = (sums[index] ?? 0) + (hash & 1n ? weight : -weight);
  };
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(word, WORD_WEIGHT);
    for (let start = 0; start + 3 <= word.length; start++) add(`~${word.slice(start, start + 3)}`, 1);
  }
  add(`=${text}`, TEXT_WEIGHT);
  let squares = 0;
  for (const sum of sums) squares += sum * sum;
  const length = Math.sqrt(squares);
  return Float32Array.from(sums, (sum) => sum / length);
}
