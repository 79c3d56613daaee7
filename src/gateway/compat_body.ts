// Fields of LiteLLM's own that its clients put into bodies: what has an equal becomes headers and settings of the call, and none
// of them goes on to a provider, which would refuse what it does not know.
// https://docs.litellm.ai/docs/proxy/user_keys, https://docs.litellm.ai/docs/proxy/request_headers

import { withoutMembers } from "../dialects/openai/request.ts";
import { type JsonObjectScan, scanMembers, scanObject, spanText } from "../wire/json.ts";
import type { Call } from "./call.ts";
import { RETRIES_MAX, setOwn, tagText } from "./compat.ts";

/** What LiteLLM takes from a body for itself. */
const OWN_FIELDS = [
  ...["num_retries", "timeout", "stream_timeout", "fallbacks", "context_window_fallbacks", "tags", "cache"],
  ...["litellm_session_id", "litellm_trace_id", "litellm_metadata", "guardrails", "no-log", "caching"],
] as const;

/**
 * Reads LiteLLM's fields of a body, and gives the body without them; the same bytes where it has none. What is no JSON object is
 * left to whoever reads it next.
 */
export function withoutLitellmFields(call: Call, body: Uint8Array): Uint8Array {
  const scan = scanObject(body);
  if (scan.fault !== null) return body;
  const gone = new Set<string>(OWN_FIELDS.filter((name) => scan.find(name) !== null));
  const metadata = metadataOf(scan);
  if (metadata?.has_tags) gone.add("metadata");
  if (gone.size === 0) return body;
  understand(call, scan, metadata);
  return withoutMembers(scan, gone);
}

interface Metadata {
  readonly tags: readonly string[];
  readonly session: string | null;
  /** Whether it has what only LiteLLM understands: OpenAI's own metadata are texts. */
  readonly has_tags: boolean;
}

function metadataOf(scan: JsonObjectScan): Metadata | null {
  const member = scan.find("metadata");
  if (member?.kind !== "object") return null;
  const inner = scanMembers(scan.bytes, member.start, member.end);
  if (inner.fault !== null || inner.find("tags")?.kind !== "array") return null;
  const { tags, session_id, trace_id } = memberOf(scan, "metadata") as Readonly<Record<string, unknown>>;
  const session = [session_id, trace_id].find((one) => typeof one === "string");
  return { tags: texts(tags), session: session === undefined ? null : String(session), has_tags: true };
}

function understand(call: Call, scan: JsonObjectScan, metadata: Metadata | null): void {
  const { headers } = call.request;
  const retries = memberOf(scan, "num_retries");
  if (Number.isInteger(retries) && (retries as number) >= 0)
    call.retries ??= Math.min(RETRIES_MAX, retries as number);
  const seconds = Number(memberOf(scan, "timeout") ?? 0);
  if (seconds > 0 && Number.isFinite(seconds))
    setOwn(headers, "x-venturi-deadline-ms", String(Math.ceil(seconds * 1_000)));
  const tags = [...texts(memberOf(scan, "tags")), ...(metadata?.tags ?? [])]
    .map(tagText)
    .filter((tag) => tag !== "");
  if (tags.length > 0) setOwn(headers, "x-venturi-tags", tags.join(","));
  const named = [memberOf(scan, "litellm_session_id"), memberOf(scan, "litellm_trace_id"), metadata?.session];
  const session = named.find((one) => typeof one === "string" && one !== "");
  if (session !== undefined) setOwn(headers, "x-venturi-session", String(session));
  const cache = memberOf(scan, "cache");
  if (typeof cache !== "object" || cache === null) return;
  if ("no-store" in cache && cache["no-store"] === true) setOwn(headers, "x-venturi-cache", "off");
  else if ("no-cache" in cache && cache["no-cache"] === true) setOwn(headers, "x-venturi-cache", "refresh");
}

function memberOf(scan: JsonObjectScan, name: string): unknown {
  const member = scan.find(name);
  return member === null ? null : JSON.parse(spanText(scan.bytes, member));
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
