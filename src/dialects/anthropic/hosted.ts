// Messages as clouds take them that serve Claude: the model is in the path, and the version in the body. They refuse betas and fields that they do
// not know, which clients such as Claude Code send to everybody.
// Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html;
// https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai; .../api/beta-headers.

import { parseExact } from "../../wire/exact_json.ts";
import { isFields, list } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";

/** A cloud that serves Claude. */
export type Host = "bedrock" | "vertex";

const VERSIONS: Readonly<Record<Host, string>> = {
  bedrock: "bedrock-2023-05-31",
  vertex: "vertex-2023-10-16",
};

/** Betas that both take, without their dates. */
const SHARED = [
  ...[
    "computer-use",
    "context-1m",
    "context-management",
    "compact",
    "interleaved-thinking",
    "tool-search-tool",
  ],
  ...["thinking-binding-controls", "thinking-display-updates"],
];
const BETAS: Readonly<Record<Host, ReadonlySet<string>>> = {
  bedrock: new Set([
    ...SHARED,
    ...["effort", "fine-grained-tool-streaming", "token-efficient-tools", "output-128k", "dev-full-thinking"],
    ...["tool-examples", "mid-conversation-output-config", "mid-conversation-tool-changes"],
  ]),
  vertex: new Set([...SHARED, "web-search", "per-turn-control"]),
};
/** What goes by another name there. */
const RENAMED: Readonly<Record<string, string>> = {
  "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
};
const DATE = /-\d{4}-\d{2}-\d{2}$/;

/** Hints that are not taken. */
const FIELDS: Readonly<Record<Host, readonly string[]>> = {
  bedrock: ["service_tier", "inference_geo", "metadata"],
  vertex: ["service_tier", "inference_geo"],
};

/** Of the betas in a client's header those that the cloud takes. */
export function hostedBetas(given: string | null, host: Host, losses: Losses): readonly string[] {
  const taken = new Set<string>();
  for (const written of (given ?? "").split(",")) {
    const name = written.trim();
    const beta = RENAMED[name] ?? name;
    if (BETAS[host].has(beta.replace(DATE, ""))) taken.add(beta);
    else if (name !== "") losses.lose(`anthropic-beta.${name.slice(0, 64)}`, "hint");
  }
  return [...taken];
}

/**
 * The body of a request as the cloud takes it.
 * @param betas for the body: Bedrock looks at no header
 */
export function hostedBody(
  body: Uint8Array,
  host: Host,
  betas: readonly string[],
  losses: Losses,
): Uint8Array {
  const asked = parseExact(body);
  if (!isFields(asked)) return body;
  const { model: _, anthropic_beta, ...rest } = asked;
  // The path says it.
  if (host === "bedrock") delete rest["stream"];
  for (const field of FIELDS[host]) {
    if (!(field in rest)) continue;
    losses.lose(field, "hint");
    delete rest[field];
  }
  const told = [...new Set([...list(anthropic_beta), ...betas])];
  return Buffer.from(
    JSON.stringify({
      ...rest,
      anthropic_version: VERSIONS[host],
      ...(told.length === 0 ? {} : { anthropic_beta: told }),
    }),
  );
}
