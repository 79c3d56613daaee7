// In which other words of providers something can be asked for that is no chat; how is known to `body_translation.ts`, which is loaded when needed.

import type { ApiName } from "../config/providers.ts";
import type { ClientFormatName } from "./client_format.ts";

/** What else a provider may speak, for clients of a format that is no chat. */
export const OTHER_WORDS: Readonly<Partial<Record<ClientFormatName, readonly ApiName[]>>> = {
  embeddings: ["cohere_embed"],
  rerank: ["cohere_rerank", "voyage_rerank"],
};
