// Embeddings of OpenAI's format at a provider that has none of its endpoints. Loaded when the first such call comes.

import type { TargetPlan } from "../config/plan.ts";
import * as bedrock from "../dialects/bedrock/embeddings.ts";
import { isFields, list, record } from "../dialects/fields.ts";
import * as gemini from "../dialects/gemini/embeddings.ts";
import { readUsage } from "../dialects/openai/usage.ts";
import type { TranslatedAnswer } from "../dialects/translate.ts";
import { GatewayError } from "../errors.ts";
import { parseExact } from "../wire/exact_json.ts";

/** A request as the provider takes it, and what makes its answer OpenAI's. */
export interface TranslatedEmbeddings {
  /** The end of the path. */
  readonly action: string;
  /** One for each call that it takes, at least one. */
  readonly bodies: readonly Uint8Array[];
  /** The calls' answers, as one list, in OpenAI's format; null where they are none. */
  translateAnswer(body: Uint8Array): TranslatedAnswer | null;
}

/** Translates a request for embeddings, or says why it cannot be said to the target (400). */
export function translateEmbeddings(
  bytes: Uint8Array,
  { provider, model }: TargetPlan,
  context: { readonly model: string; readonly estimated_tokens: number },
): TranslatedEmbeddings | GatewayError {
  const body = parseExact(bytes);
  if (!isFields(body)) return new GatewayError("invalid_json", "The body nests too deeply to be translated.");
  const is_bedrock = provider.kind === "bedrock";
  const calls = is_bedrock
    ? onBedrock(body, model)
    : gemini.writeEmbeddings(body, { model, provider_kind: provider.kind });
  if (calls instanceof GatewayError) return calls;
  const { readEmbeddings } = is_bedrock ? bedrock : gemini;
  const encoding = body["encoding_format"] === "base64" ? "base64" : "float";
  return {
    action: calls.action,
    bodies: calls.bodies.map((one) => Buffer.from(JSON.stringify(one))),
    translateAnswer: (answers) => {
      const read = readEmbeddings(list(parseExact(answers)).map(record), { ...context, encoding });
      if (read === null) return null;
      return { body: Buffer.from(JSON.stringify(read)), usage: readUsage(read["usage"]) };
    },
  };
}

function onBedrock(
  body: Readonly<Record<string, unknown>>,
  model: string,
): (Pick<gemini.EmbedCalls, "bodies"> & { readonly action: string }) | GatewayError {
  const bodies = bedrock.writeEmbeddings(body, model);
  return bodies instanceof GatewayError ? bodies : { action: "invoke", bodies };
}
