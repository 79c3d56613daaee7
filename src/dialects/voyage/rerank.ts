// Reranks at Voyage: other words for the same. Source: https://docs.voyageai.com/reference/reranker-api.

import { GatewayError } from "../../errors.ts";
import type { BodyTranslation } from "../body_translation.ts";
import { record } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import { readUsage } from "../openai/usage.ts";
import { returnedDocument, textsOf } from "../rerank/documents.ts";

type Fields = Readonly<Record<string, unknown>>;

const TAKEN = ["query", "return_documents", "truncation"];
const KNOWN: ReadonlySet<string> = new Set([...TAKEN, "model", "documents", "top_n", "top_k"]);

function writeRequest(asked: Fields, model: string, losses: Losses): Fields | GatewayError {
  const documents = textsOf(asked);
  if (documents instanceof GatewayError) return documents;
  for (const name of Object.keys(asked)) if (!KNOWN.has(name)) losses.lose(name, "hint");
  const top_k = asked["top_n"] ?? asked["top_k"];
  const taken = TAKEN.filter((name) => asked[name] !== undefined && asked[name] !== null);
  return {
    ...{ model, documents, ...Object.fromEntries(taken.map((name) => [name, asked[name]])) },
    ...(top_k === undefined || top_k === null ? {} : { top_k }),
  };
}

/** Between Cohere's words, which clients speak, and Voyage's. */
export const VOYAGE_RERANK: BodyTranslation = {
  writeRequest,
  readAnswer: ({ data, usage, model }) => {
    if (!Array.isArray(data)) return null;
    const results = data.map(record).map(({ index, relevance_score, document }) => ({
      ...{ index, relevance_score },
      ...(document === undefined || document === null ? {} : { document: returnedDocument(document) }),
    }));
    return { body: { model, results, usage }, usage: readUsage(usage) };
  },
};
