// Embeddings at Cohere, asked for and given as OpenAI's. Source: https://docs.cohere.com/reference/embed.

import { GatewayError } from "../../errors.ts";
import type { BodyTranslation } from "../body_translation.ts";
import { list, numberOf, record } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import { vectorAsBase64 } from "../vectors.ts";
import { readCohereUsage } from "./usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a client may say in Cohere's own words. */
const TAKEN = ["truncate", "max_tokens", "priority"];
const KNOWN: ReadonlySet<string> = new Set([
  ...TAKEN,
  ...["model", "input", "input_type", "dimensions", "encoding_format"],
]);

function writeRequest(asked: Fields, model: string, losses: Losses): Fields | GatewayError {
  const { input, input_type, dimensions } = asked;
  const texts = typeof input === "string" ? [input] : input;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string"))
    return new GatewayError("invalid_value", "'input' must be a text or a list of texts for this model.", {
      param: "input",
    });
  for (const name of Object.keys(asked)) if (!KNOWN.has(name)) losses.lose(name, "hint");
  const taken = TAKEN.filter((name) => asked[name] !== undefined && asked[name] !== null);
  return {
    ...{ model, texts, embedding_types: ["float"] },
    // It must be said; OpenAI has no word for it. Queries want `search_query`.
    input_type: typeof input_type === "string" ? input_type : "search_document",
    ...(typeof dimensions === "number" ? { output_dimension: dimensions } : {}),
    ...Object.fromEntries(taken.map((name) => [name, asked[name]])),
  };
}

/** Between OpenAI's format and Cohere's. */
export const COHERE_EMBED: BodyTranslation = {
  writeRequest,
  readAnswer: ({ embeddings, meta }, asked) => {
    const vectors = record(embeddings)["float"];
    if (!Array.isArray(vectors)) return null;
    const in_base64 = asked["encoding_format"] === "base64";
    const usage = readCohereUsage(meta);
    const tokens = usage?.input_tokens ?? 0;
    const data = vectors.map((vector: unknown, index) => ({
      ...{ object: "embedding", index },
      embedding: in_base64 ? vectorAsBase64(list(vector).map((value) => numberOf(value) ?? 0)) : vector,
    }));
    const told = { prompt_tokens: tokens, total_tokens: tokens };
    return { body: { object: "list", data, model: asked["model"], usage: told }, usage };
  },
};
