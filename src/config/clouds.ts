// Clouds that serve models of many makers: where an account's endpoint is, and what each of its models speaks.

import type { ApiName } from "./providers.ts";
import type { ProviderConfig } from "./schema.ts";

/** Regions and locations. */
export const REGION = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** What is said of others. */
export const REGION_FAULT = "must be of lower-case letters, digits and dashes, such as eu or eu-west-1";
/** Ids of Google's projects. */
export const PROJECT = /^[A-Za-z0-9:.-]{1,100}$/;
/** What is said of others. */
export const PROJECT_FAULT = "must be a project's id, such as my-project-123";

/**
 * Where a cloud's API begins for an account; null for providers that are none, or where nobody says which region it is.
 * Sources: https://docs.aws.amazon.com/general/latest/gr/bedrock.html;
 * https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations, "Endpoints".
 */
export function cloudUrl(
  kind: string,
  { aws, google }: Pick<ProviderConfig, "aws" | "google">,
): string | null {
  if (kind === "bedrock" && aws?.region !== undefined) {
    const domain = aws.region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    return `https://bedrock-runtime.${aws.region}.${domain}`;
  }
  if (kind === "vertex" && google?.location !== undefined) return `https://${vertexHost(google.location)}/v1`;
  return null;
}

function vertexHost(location: string): string {
  if (location === "global") return "aiplatform.googleapis.com";
  // Several regions of one jurisdiction.
  if (location === "us" || location === "eu") return `aiplatform.${location}.rep.googleapis.com`;
  return `${location}-aiplatform.googleapis.com`;
}

/** What a provider speaks with one of its models: of all that it speaks, what its maker's models are asked in there. */
export function spokenFor(kind: string, speaks: readonly ApiName[], model: string): readonly ApiName[] {
  const apis = apisOf(kind, model);
  return apis === null ? speaks : speaks.filter((api) => apis.includes(api));
}

function apisOf(kind: string, model: string): readonly ApiName[] | null {
  const is_claude = model.toLowerCase().includes("claude");
  // Claude's own words for clients that speak them, and Converse for all others.
  if (kind === "bedrock") return is_claude ? ["bedrock", "messages"] : ["bedrock", "embeddings"];
  if (kind !== "vertex") return null;
  if (is_claude) return ["messages"];
  const slash = model.indexOf("/");
  const maker = slash < 0 ? "google" : model.slice(0, slash);
  return maker === "google" || maker === "endpoints" ? ["gemini", "embeddings"] : ["chat"];
}
