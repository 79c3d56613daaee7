// The documents of a rerank, for providers that take texts alone, and what an answer says of each.

import { GatewayError } from "../../errors.ts";
import { isFields } from "../fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The texts of a request's documents, or which of them has none. */
export function textsOf({ documents }: Fields): readonly string[] | GatewayError {
  const texts: string[] = [];
  for (const [index, document] of (Array.isArray(documents) ? documents : []).entries()) {
    const text: unknown = isFields(document) ? document["text"] : document;
    if (typeof text !== "string") {
      const param = `documents[${index}]`;
      return new GatewayError("invalid_value", `'${param}' must be a text or have one for this model.`, {
        param,
      });
    }
    texts.push(text);
  }
  return texts;
}

/** A document as an answer gives it back: it has a `text`. */
export function returnedDocument(document: unknown): Fields {
  return isFields(document) ? document : { text: document };
}
