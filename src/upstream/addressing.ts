// Where a request for a provider's endpoint goes: base path, Azure's deployment, query.

import type { HeaderFields, ProviderPlan, TargetPlan } from "../config/plan.ts";
import type { ApiName } from "../config/providers.ts";

/** Azure addresses these by the deployment in the path; everything else lies beside the deployments. */
const BY_DEPLOYMENT = ["/chat/completions", "/completions", "/embeddings", "/images/", "/audio/"];

/**
 * The path and query of a request.
 * @param model as the provider calls it; empty for requests without one
 * @param path below the base path, perhaps with a query of the client's own
 * @param is_compatible whether the path is one of OpenAI's format, which some providers have in a place of its own
 * Source for Azure: Azure OpenAI REST API reference, "API endpoints".
 */
export function requestPath(
  provider: ProviderPlan,
  model: string,
  path: string,
  is_compatible: boolean,
): string {
  const known = last_paths.get(provider);
  if (known !== undefined && known.path === path && known.model === model) return known.full;
  const full = makePath(provider, model, is_compatible ? provider.compatible_path + path : path);
  last_paths.set(provider, { model, path, full });
  return full;
}

/** The last path made for each provider: putting it together again for every call costs more than to compare. */
const last_paths = new WeakMap<
  ProviderPlan,
  { readonly model: string; readonly path: string; readonly full: string }
>();

function makePath(provider: ProviderPlan, model: string, path: string): string {
  const by_deployment =
    provider.url_style === "azure_deployments" &&
    model !== "" &&
    BY_DEPLOYMENT.some((prefix) => path.startsWith(prefix));
  const place = by_deployment ? `/deployments/${encodeURIComponent(model)}` : "";
  const full = provider.base_path + place + path;
  if (provider.query === "") return full;
  return `${full}${path.includes("?") ? "&" : "?"}${provider.query}`;
}

/** Where a provider is asked for what: a path below its base path. */
export interface ApiPlace {
  readonly path: string;
  /** Whether it is one of OpenAI's format. */
  readonly is_compatible: boolean;
  readonly headers: HeaderFields;
}

const NO_FIELDS: HeaderFields = [];
/** https://platform.claude.com/docs/en/api/versioning */
const ANTHROPIC_VERSION: HeaderFields = [["anthropic-version", "2023-06-01"]];

const COMPATIBLE_PLACES: Readonly<Partial<Record<ApiName, ApiPlace>>> = Object.fromEntries(
  (
    [
      ["chat", "/chat/completions"],
      ["completions", "/completions"],
      ["responses", "/responses"],
      ["embeddings", "/embeddings"],
      ["moderations", "/moderations"],
      ["rerank", "/rerank"],
    ] as const
  ).map(([api, path]) => [api, { path, is_compatible: true, headers: NO_FIELDS }]),
);
const MESSAGES_PLACE: ApiPlace = { path: "/messages", is_compatible: false, headers: ANTHROPIC_VERSION };

/** The formats of one provider each, whose places depend on nothing. */
const OWN_PLACES: Readonly<Partial<Record<ApiName, ApiPlace>>> = {
  messages: MESSAGES_PLACE,
  cohere: { path: "/v2/chat", is_compatible: false, headers: NO_FIELDS },
  cohere_embed: { path: "/v2/embed", is_compatible: false, headers: NO_FIELDS },
  cohere_rerank: { path: "/v2/rerank", is_compatible: false, headers: NO_FIELDS },
  voyage_rerank: { path: "/rerank", is_compatible: false, headers: NO_FIELDS },
  ollama: { path: "/api/chat", is_compatible: false, headers: NO_FIELDS },
};

/**
 * Where a provider takes requests of a format.
 * @param kind the provider's: clouds have the model in the path whatever the format
 * Sources: Anthropic API, "Messages"; Gemini API, "Generating content" (streams as events by `alt=sse`); Amazon Bedrock Runtime API;
 * Vertex AI REST API, "projects.locations.publishers.models"; https://docs.cohere.com/reference; https://docs.ollama.com/api;
 * https://docs.voyageai.com/reference/reranker-api.
 */
export function apiPlace(kind: string, api: ApiName, model: string, is_stream: boolean): ApiPlace {
  if (kind === "bedrock") return ownPlace(bedrockPath(api, model, is_stream));
  if (kind === "vertex" && api !== "chat") return ownPlace(vertexPath(api, model, is_stream));
  const fixed = COMPATIBLE_PLACES[api] ?? OWN_PLACES[api];
  if (fixed !== undefined) return fixed;
  return ownPlace(`/models/${encodeURIComponent(model)}:${generation(is_stream)}`);
}

function ownPlace(path: string): ApiPlace {
  return { path, is_compatible: false, headers: NO_FIELDS };
}

function generation(is_stream: boolean): string {
  return is_stream ? "streamGenerateContent?alt=sse" : "generateContent";
}

/** Messages go to the model as they are, by `invoke`; all else is said in Converse. */
function bedrockPath(api: ApiName, model: string, is_stream: boolean): string {
  const place = `/model/${encodeURIComponent(model)}`;
  if (api === "messages") return `${place}/${is_stream ? "invoke-with-response-stream" : "invoke"}`;
  return `${place}/${is_stream ? "converse-stream" : "converse"}`;
}

function vertexPath(api: ApiName, model: string, is_stream: boolean): string {
  if (api !== "messages") return `${vertexModel(model, "google")}:${generation(is_stream)}`;
  return `${vertexModel(model, "anthropic")}:${is_stream ? "streamRawPredict" : "rawPredict"}`;
}

/** Models may be named with their publisher (`google/gemini-2.5-flash`), or by an endpoint of the project's own (`endpoints/123`). */
function vertexModel(model: string, publisher: string): string {
  const slash = model.indexOf("/");
  const maker = slash < 0 ? publisher : model.slice(0, slash);
  const name = encodeURIComponent(model.slice(slash + 1));
  return maker === "endpoints"
    ? `/endpoints/${name}`
    : `/publishers/${encodeURIComponent(maker)}/models/${name}`;
}

/**
 * Where a cloud embeds texts.
 * @param action the end of the path: `predict`, or `embedContent` for newer models of Google's; `invoke` at Bedrock
 */
export function embedPath({ provider, model }: TargetPlan, action: string): string {
  if (provider.kind === "bedrock") return `/model/${encodeURIComponent(model)}/${action}`;
  return `${vertexModel(model, "google")}:${action}`;
}

/** Where a provider counts tokens, and in which format. */
export interface CountPlace extends ApiPlace {
  readonly api: "messages" | "gemini" | "responses";
}

/**
 * Where a provider counts a model's tokens; null: nowhere that is known.
 * Sources: Anthropic API, "Count tokens in a Message"; Gemini API, "models.countTokens"; OpenAI API, "Get input token counts";
 * https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens.
 */
export function countPlace({ provider: { kind }, speaks, model }: TargetPlan): CountPlace | null {
  const [api] = speaks;
  if (kind === "vertex" && api === "gemini")
    return { ...ownPlace(`${vertexModel(model, "google")}:countTokens`), api };
  // Which model it is stands in the body there.
  if (kind === "vertex" && api === "messages")
    return { ...ownPlace(vertexPath(api, "count-tokens", false)), api };
  if (kind === "anthropic" && api === "messages")
    return { ...MESSAGES_PLACE, api, path: "/messages/count_tokens" };
  if (kind === "gemini" && api === "gemini") {
    const path = `/models/${encodeURIComponent(model)}:countTokens`;
    return { api, path, is_compatible: false, headers: NO_FIELDS };
  }
  if (kind === "openai" && speaks.includes("responses"))
    return { api: "responses", path: "/responses/input_tokens", is_compatible: true, headers: NO_FIELDS };
  return null;
}

/** A date with it is a version in which things are tried out, Realtime among them; the others have none of it. */
const PREVIEW = /-preview$/;

/**
 * Where a provider takes Realtime sessions of a model.
 * @param passed what else is asked for
 * Sources: OpenAI API reference, "Realtime"; Azure OpenAI, "How to use the GPT Realtime API": by deployment in the previews that have a
 * date, by model at `/openai/v1` since then.
 */
export function realtimePath(
  provider: ProviderPlan,
  model: string,
  passed: Readonly<Record<string, string>>,
): string {
  const { base_path, compatible_path, query, url_style } = provider;
  const is_azure = url_style === "azure_deployments";
  const is_preview = is_azure && PREVIEW.test(query);
  const place = `${base_path}${is_azure && !is_preview ? "/v1" : compatible_path}/realtime`;
  const asked = new URLSearchParams(passed);
  if (model !== "") asked.set(is_preview ? "deployment" : "model", model);
  const parts = [asked.toString(), is_azure && !is_preview ? "" : query].filter((part) => part !== "");
  return parts.length === 0 ? place : `${place}?${parts.join("&")}`;
}
