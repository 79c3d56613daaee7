// Messages as clouds take them that serve Claude: the model is in the path, and the version in the body.
// Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html;
// https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai.

import { parseExact } from "../../wire/exact_json.ts";
import { isFields, list } from "../fields.ts";

/** A cloud that serves Claude. */
export type Host = "bedrock" | "vertex";

const VERSIONS: Readonly<Record<Host, string>> = {
  bedrock: "bedrock-2023-05-31",
  vertex: "vertex-2023-10-16",
};

/**
 * The body of a request as the cloud takes it.
 * @param betas what the header `anthropic-beta` says: Bedrock takes it in the body
 */
export function hostedBody(body: Uint8Array, host: Host, betas: readonly string[]): Uint8Array {
  const asked = parseExact(body);
  if (!isFields(asked)) return body;
  const { model: _, ...rest } = asked;
  // The path says it.
  if (host === "bedrock") delete rest["stream"];
  const told = [...list(rest["anthropic_beta"]), ...(host === "bedrock" ? betas : [])];
  return Buffer.from(
    JSON.stringify({
      ...rest,
      anthropic_version: VERSIONS[host],
      ...(told.length === 0 ? {} : { anthropic_beta: [...new Set(told)] }),
    }),
  );
}
