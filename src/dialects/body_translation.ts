// What is no chat, at providers that say it in other words: embeddings and reranks. Both sides are JSON as a whole, and alike but for names.

import type { ApiName } from "../config/providers.ts";
import type { GatewayError } from "../errors.ts";
import { COHERE_EMBED } from "./cohere/embed.ts";
import { COHERE_RERANK } from "./cohere/rerank.ts";
import type { Losses } from "./neutral/losses.ts";
import type { Usage } from "./usage.ts";
import { VOYAGE_RERANK } from "./voyage/rerank.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Translates requests of one client format to one provider's, and answers back. */
export interface BodyTranslation {
  /** The provider's request, or what is wrong with the client's. @param model as the provider calls it */
  writeRequest(asked: Fields, model: string, losses: Losses): Fields | GatewayError;
  /** The answer to what was asked; null where it is none. */
  readAnswer(answer: Fields, asked: Fields): { readonly body: Fields; readonly usage: Usage | null } | null;
}

/** The translations, by what providers speak. */
export const BODY_TRANSLATIONS: Readonly<Partial<Record<ApiName, BodyTranslation>>> = {
  cohere_embed: COHERE_EMBED,
  cohere_rerank: COHERE_RERANK,
  voyage_rerank: VOYAGE_RERANK,
};
