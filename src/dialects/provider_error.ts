// What a provider's error says, whichever format it is told in: told by its shape, since servers of one format answer in another's
// when something before them refuses.

import { readMessagesError } from "./anthropic/error.ts";
import { isFields, record } from "./fields.ts";
import { readGeminiError, refusesKey, retryDelayMs, statusOfGeminiError } from "./gemini/error.ts";
import { parseValue } from "./members.ts";
import { bodilessError, readError, type WireError } from "./openai/error.ts";

/** An error, and what else its body says. */
export interface ProviderError {
  readonly error: WireError;
  /** When the provider wants to be asked again; null where the body does not say. */
  readonly retry_after_ms: number | null;
  /** Whether it is the gateway's own key that is refused, under a status that speaks of the request. */
  readonly refuses_key: boolean;
}

/**
 * What a failed answer says.
 * @param body what came of the body, at most a few KB
 * @param provider the provider's configured name, for answers that say nothing
 */
export function readProviderError(
  body: Uint8Array,
  status: number,
  content_type: string | null,
  provider: string,
): ProviderError {
  const value: unknown = parseValue(body) ?? undefined;
  const error = readAny(value, status) ?? bodilessError(body, status, content_type, provider);
  return { error, retry_after_ms: retryDelayMs(value), refuses_key: refusesKey(value) };
}

function readAny(value: unknown, status: number): WireError | null {
  const outer = Array.isArray(value) ? value[0] : value;
  if (isFields(outer) && outer["type"] === "error") return readMessagesError(outer, status);
  const { status: canonical, code } = record(record(outer)["error"]);
  if (typeof canonical === "string" && typeof code === "number") return readGeminiError(value);
  return readError(value, status);
}

/** The status that an error inside of an answer of success stands for. */
export const statusInBand: (error: WireError) => number = statusOfGeminiError;
