// Which paths the gateway answers, and how each kind of call is treated. A table, looked up once per request.

import { MESSAGES, MESSAGES_CLIENT } from "../dialects/anthropic/client.ts";
import type { ClientFormat } from "../dialects/client_format.ts";
import type { CountingName } from "../dialects/counting.ts";
import { GEMINI_ARRAY_CLIENT, GEMINI_CLIENT, GENERATE_CONTENT } from "../dialects/gemini/client.ts";
import {
  CHAT_CLIENT,
  COMPLETIONS_CLIENT,
  EMBEDDINGS_CLIENT,
  MODERATIONS_CLIENT,
} from "../dialects/openai/client.ts";
import {
  CHAT,
  COMPLETIONS,
  EMBEDDINGS,
  MEDIA,
  MODERATIONS,
  type PathWords,
  type RequestShape,
} from "../dialects/openai/request.ts";
import { RERANK, RERANK_CLIENT } from "../dialects/rerank/client.ts";
import { RESPONSES, RESPONSES_CLIENT } from "../dialects/responses/client.ts";
import { NO_USAGE } from "../dialects/usage.ts";
import type { RedactedEndpoint } from "../privacy/places/places.ts";
import { type ResponseWish, readWish } from "./response_wish.ts";

/**
 * How a call is treated.
 * `json`: the body is read whole and routed by its model; the answer is JSON or a stream of chunks.
 * `count`: the same, but nothing is made of it: its tokens are counted.
 * `media`: routed by its model where it has one, JSON or an upload; the answer is passed on as it comes.
 * `resource`: no model; passed on both ways as it comes.
 * `response`: asked of one answer to Responses; the gateway's own word where it keeps that, else passed on.
 * `provider`: addressed to a provider by the path, passed on both ways as it comes.
 */
export type Endpoint = JsonEndpoint | PassedEndpoint | ResponseEndpoint | CountEndpoint;

/** An endpoint whose calls are passed on. */
export interface PassedEndpoint {
  readonly kind: "media" | "resource" | "provider";
  readonly shape: RequestShape;
  /** The path at the provider, below its base path, with the query; for `provider` perhaps with a version before it. */
  readonly path: string;
  /** The provider named by the path; only for `provider`. */
  readonly provider?: string;
}

/** What is asked of an answer to Responses, by its id. */
export interface ResponseEndpoint {
  readonly kind: "response";
  /** Null: nothing that the gateway knows of. */
  readonly wish: ResponseWish | null;
  readonly shape: RequestShape;
  /** The path at a provider that keeps answers by itself, with the query. */
  readonly path: string;
}

/** The paths of the endpoints whose calls are read whole. */
export type JsonPath = Exclude<RedactedEndpoint, "/realtime">;

/** The paths of those of them that only count. */
export type CountPath = "/messages/count_tokens" | "/responses/input_tokens" | "/countTokens";

/** One of them. */
export interface JsonEndpoint {
  readonly kind: "json";
  readonly format: ClientFormat;
  readonly shape: RequestShape;
  readonly path: JsonPath;
  /** What the path says of the request; null: its body says all. */
  readonly place: PathWords | null;
}

/** One that counts a request's tokens. */
export interface CountEndpoint {
  readonly kind: "count";
  readonly format: ClientFormat;
  readonly counting: CountingName;
  readonly shape: RequestShape;
  readonly path: CountPath;
  readonly place: PathWords | null;
}

/** Nothing is made, so nothing is used, whatever the answer says. */
function counting(format: ClientFormat): ClientFormat {
  return { ...format, usageOf: () => NO_USAGE, finishReasonOf: () => null, estimateAnswer: () => 0 };
}

const COUNT_ENDPOINTS: ReadonlyMap<string, CountEndpoint> = new Map([
  [
    "/messages/count_tokens",
    {
      ...{ kind: "count", counting: "messages", path: "/messages/count_tokens", place: null },
      format: counting(MESSAGES_CLIENT),
      shape: { ...MESSAGES, streams: false },
    },
  ],
  [
    "/responses/input_tokens",
    {
      ...{ kind: "count", counting: "responses", path: "/responses/input_tokens", place: null },
      format: counting(RESPONSES_CLIENT),
      shape: { ...RESPONSES, streams: false },
    },
  ],
]);

/** Gemini's has the model in its path. */
const COUNT_TOKENS: CountEndpoint = {
  ...{ kind: "count", counting: "gemini", path: "/countTokens", place: null },
  format: counting(GEMINI_CLIENT),
  shape: GENERATE_CONTENT,
};

/** The endpoints whose calls are read whole, by their paths below `/v1`. */
export const JSON_ENDPOINTS: ReadonlyMap<string, JsonEndpoint> = new Map(
  (
    [
      ["/chat/completions", CHAT, CHAT_CLIENT],
      ["/completions", COMPLETIONS, COMPLETIONS_CLIENT],
      ["/responses", RESPONSES, RESPONSES_CLIENT],
      ["/messages", MESSAGES, MESSAGES_CLIENT],
      ["/embeddings", EMBEDDINGS, EMBEDDINGS_CLIENT],
      ["/moderations", MODERATIONS, MODERATIONS_CLIENT],
      ["/rerank", RERANK, RERANK_CLIENT],
    ] as const
  ).map(([path, shape, format]) => [path, { kind: "json", format, shape, path, place: null }]),
);

/** The format of an endpoint's calls, by its path as the ledger has it; null where they are not read. */
export function formatOfPath(path: string): ClientFormat["name"] | null {
  if (path === ("/generateContent" satisfies JsonPath)) return GEMINI_CLIENT.name;
  return JSON_ENDPOINTS.get(path)?.format.name ?? null;
}

const MEDIA_PREFIXES = ["/images/", "/audio/"];
const RESPONSES_PREFIX = "/responses/";
const RESOURCE_PREFIXES = ["/files", "/batches", "/fine_tuning"];

/** The path and query of a request's URL, which Bun gives in absolute form where the client names a host. */
export function pathOf(url: string): { readonly path: string; readonly query: string } {
  // HTTP/1.0 needs no Host, and balancers look at health so.
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return { path: "/", query: "" };
  const question = url.indexOf("?", start);
  return question < 0
    ? { path: url.slice(start), query: "" }
    : { path: url.slice(start, question), query: url.slice(question) };
}

/** Whether `path` is `prefix` or lies below it. */
function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === "/");
}

/** The path without `/v1` or `/v1beta`, which clients may leave out of their base URL. */
export function withoutVersion(path: string): string {
  const version = ["/v1", "/v1beta"].find((prefix) => isBelow(path, prefix));
  return version === undefined ? path : path.slice(version.length) || "/";
}

const GEMINI_ENDS = [":generateContent", ":streamGenerateContent", ":countTokens"] as const;

/** Gemini's endpoints have the model in their path, perhaps with slashes: `/models/{model}:generateContent`. */
function geminiEndpoint(path: string, query: string): JsonEndpoint | CountEndpoint | null {
  const end = path.startsWith("/models/") ? GEMINI_ENDS.find((one) => path.endsWith(one)) : undefined;
  if (end === undefined) return null;
  const model = decodeSegment(path.slice("/models/".length, -end.length));
  if (model === null || model === "") return null;
  if (end === ":countTokens") return { ...COUNT_TOKENS, place: { model, stream: false } };
  const stream = end === ":streamGenerateContent";
  const wants_events = new URLSearchParams(query).get("alt") === "sse";
  return {
    kind: "json",
    format: stream && !wants_events ? GEMINI_ARRAY_CLIENT : GEMINI_CLIENT,
    shape: GENERATE_CONTENT,
    path: "/generateContent",
    place: { model, stream },
  };
}

/**
 * The endpoint that a call is for, or null.
 * @param path without `/v1`
 * @param full_path as the client sent it
 * @param isProvider whether a name is a configured provider's
 */
export function findEndpoint(
  path: string,
  full_path: string,
  query: string,
  method: string,
  isProvider: (name: string) => boolean,
): Endpoint | null {
  // Cohere's clients ask for reranks of the second version.
  const read = JSON_ENDPOINTS.get(path === "/v2/rerank" ? "/rerank" : path) ?? COUNT_ENDPOINTS.get(path);
  if (read !== undefined) return read;
  const gemini = geminiEndpoint(path, query);
  if (gemini !== null) return gemini;
  if (path.startsWith(RESPONSES_PREFIX)) {
    const wish = readWish(method, path.slice(RESPONSES_PREFIX.length), query);
    return { kind: "response", wish, shape: MEDIA, path: path + query };
  }
  if (MEDIA_PREFIXES.some((prefix) => path.startsWith(prefix))) {
    return { kind: "media", shape: MEDIA, path: path + query };
  }
  if (RESOURCE_PREFIXES.some((prefix) => isBelow(path, prefix))) {
    return { kind: "resource", shape: MEDIA, path: path + query };
  }
  const slash = full_path.indexOf("/", 1);
  if (slash > 1) {
    const provider = decodeSegment(full_path.slice(1, slash));
    if (provider !== null && isProvider(provider)) {
      return { kind: "provider", shape: MEDIA, path: full_path.slice(slash) + query, provider };
    }
  }
  return null;
}

/**
 * Whether a path has steps to its own place or upwards behind escaped slashes, which a server may take for slashes; the plain
 * ones are gone before. Such a path must not reach a provider: it could leave the provider's base path.
 */
export function hidesSteps(path: string): boolean {
  if (!path.includes("%")) return false;
  const decoded = path.replace(/%2f|%5c/gi, "/").replace(/%2e/gi, ".");
  return /\/\.\.?(\/|$)/.test(decoded);
}

/** A decoded path segment, or null if its escapes are broken. */
export function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
