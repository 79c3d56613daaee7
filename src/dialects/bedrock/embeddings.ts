// Embeddings by InvokeModel, in the words of each maker.
// Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html; .../model-parameters-embed-v3.html, and -v4;
// https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html.

import { GatewayError } from "../../errors.ts";
import { count, isFields, list, numberOf, record } from "../fields.ts";
import { type EmbedContext, embeddingList, inPieces, textsOf } from "../openai/embeddings.ts";
import type { Fields } from "./own.ts";

/** Texts of one call to Cohere's models. */
const COHERE_TEXTS_MAX = 96;

/** The bodies of the calls that embed what a request of OpenAI's format asks for; most models take one text at a time. */
export function writeEmbeddings(body: Fields, model: string): readonly Fields[] | GatewayError {
  const texts = textsOf(body["input"]);
  if (texts instanceof GatewayError) return texts;
  const size = typeof body["dimensions"] === "number" ? body["dimensions"] : null;
  if (model.includes("cohere.")) {
    return inPieces(texts, COHERE_TEXTS_MAX).map((some) => ({
      ...{ texts: some, input_type: "search_document", embedding_types: ["float"] },
      ...(size === null ? {} : { output_dimension: size }),
    }));
  }
  if (model.includes("amazon.nova")) {
    return texts.map((value) => ({
      taskType: "SINGLE_EMBEDDING",
      singleEmbeddingParams: {
        embeddingPurpose: "GENERIC_INDEX",
        ...(size === null ? {} : { embeddingDimension: size }),
        text: { truncationMode: "END", value },
      },
    }));
  }
  if (model.includes("amazon.titan-embed"))
    return texts.map((inputText) => ({ inputText, ...(size === null ? {} : { dimensions: size }) }));
  return new GatewayError("invalid_value", `How '${model}' embeds texts is not known here.`, {
    param: "model",
  });
}

/** The answer in OpenAI's format of the calls' answers, in their order; null where one of them has no vectors. */
export function readEmbeddings(answers: readonly Fields[], context: EmbedContext): Fields | null {
  const vectors: number[][] = [];
  let tokens: number | null = null;
  for (const answer of answers) {
    const found = vectorsOf(answer);
    if (found.length === 0) return null;
    vectors.push(...found.map((vector) => list(vector).map((value) => numberOf(value) ?? 0)));
    if (answer["inputTextTokenCount"] !== undefined)
      tokens = (tokens ?? 0) + count(numberOf(answer["inputTextTokenCount"]));
  }
  return embeddingList(vectors, tokens, context);
}

/** Titan has one; Cohere a list, or lists by type; Nova a list with the types. */
function vectorsOf({ embedding, embeddings }: Fields): readonly unknown[] {
  if (Array.isArray(embedding)) return [embedding];
  if (isFields(embeddings)) return list(embeddings["float"]);
  return list(embeddings).map((one) => (Array.isArray(one) ? one : record(one)["embedding"]));
}
