// Reranks at Cohere. Its second version takes texts alone and gives no documents back. Source: https://docs.cohere.com/reference/rerank.

import { GatewayError } from "../../errors.ts";
import type { BodyTranslation } from "../body_translation.ts";
import { isFields, list } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import { returnedDocument, textsOf } from "../rerank/documents.ts";
import { readCohereUsage } from "./usage.ts";

type Fields = Readonly<Record<string, unknown>>;

const TAKEN = ["query", "top_n", "max_tokens_per_doc", "priority"];
/** What is done here, or said otherwise. */
const KNOWN: ReadonlySet<string> = new Set([...TAKEN, "model", "documents", "return_documents"]);

function writeRequest(asked: Fields, model: string, losses: Losses): Fields | GatewayError {
  const documents = textsOf(asked);
  if (documents instanceof GatewayError) return documents;
  for (const name of Object.keys(asked)) if (!KNOWN.has(name)) losses.lose(name, "hint");
  const taken = TAKEN.filter((name) => asked[name] !== undefined && asked[name] !== null);
  return { model, documents, ...Object.fromEntries(taken.map((name) => [name, asked[name]])) };
}

/** From Cohere's second version, whose answers are as a client expects them, but for the documents. */
export const COHERE_RERANK: BodyTranslation = {
  writeRequest,
  readAnswer: (answer, asked) => {
    const { results, meta } = answer;
    if (!Array.isArray(results)) return null;
    const documents = list(asked["documents"]);
    const told =
      asked["return_documents"] === true
        ? results.map((result: unknown) =>
            isFields(result)
              ? { ...result, document: returnedDocument(documents[Number(result["index"])]) }
              : result,
          )
        : results;
    return { body: { ...answer, results: told }, usage: readCohereUsage(meta) };
  },
};
