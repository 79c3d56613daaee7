// What `/openapi.json` says of the endpoints of calls. Their bodies are those of the APIs that they are named after: those are described by
// who made them, so that here is only what the gateway itself looks at.

/** What is said of an endpoint of calls. */
export interface PublicEndpoint {
  readonly method: "get" | "post" | "delete";
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Members that its body must have; null: it has none, or any. */
  readonly needs: readonly string[] | null;
  /** Whether `stream: true` is answered by an event stream. */
  readonly streams?: boolean;
  /** Whether anybody may ask. */
  readonly is_open?: boolean;
}

const chat = (path: string, summary: string, needs: readonly string[]): PublicEndpoint => ({
  ...{ method: "post", path, summary, tag: "Calls", needs, streams: true },
});
const call = (path: string, summary: string, needs: readonly string[] | null): PublicEndpoint => ({
  ...{ method: "post", path, summary, tag: "Calls", needs },
});

/** All of them. */
export const PUBLIC_ENDPOINTS: readonly PublicEndpoint[] = [
  chat("/v1/chat/completions", "A chat completion, as OpenAI's, by any provider.", ["model", "messages"]),
  chat("/v1/completions", "A completion, as OpenAI's.", ["model", "prompt"]),
  chat("/v1/responses", "A response, as OpenAI's, by any provider.", ["model", "input"]),
  {
    method: "get",
    path: "/v1/responses/{id}",
    summary: "A response that is kept.",
    tag: "Calls",
    needs: null,
  },
  {
    method: "delete",
    path: "/v1/responses/{id}",
    summary: "Deletes a response that is kept.",
    tag: "Calls",
    needs: null,
  },
  chat("/v1/messages", "A message, as Anthropic's, by any provider.", ["model", "messages", "max_tokens"]),
  call("/v1/messages/count_tokens", "Counts the tokens of a message.", ["model", "messages"]),
  call("/v1beta/models/{model}:generateContent", "An answer, as Gemini's, by any provider.", ["contents"]),
  call("/v1beta/models/{model}:streamGenerateContent", "The same as a stream.", ["contents"]),
  call("/v1beta/models/{model}:countTokens", "Counts the tokens of a request.", null),
  call("/v1/embeddings", "Embeddings, as OpenAI's.", ["model", "input"]),
  call("/v1/moderations", "A moderation, as OpenAI's.", ["input"]),
  call("/v1/rerank", "A reranking, as Cohere's.", ["model", "query", "documents"]),
  call("/v1/explain", "What would happen to this request; nothing is sent.", null),
  {
    method: "get",
    path: "/v1/models",
    summary: "The models that a key may call.",
    tag: "Models",
    needs: null,
  },
  { method: "get", path: "/v1/models/{id}", summary: "One of them.", tag: "Models", needs: null },
  ...(
    [
      ["/health/live", "Whether the gateway runs."],
      ["/health/ready", "Whether it takes calls."],
      [
        "/metrics",
        "Metrics, as Prometheus reads them; with the admin token where one is configured and others can reach it.",
      ],
      ["/openapi.json", "This document."],
    ] as const
  ).map(
    ([path, summary]): PublicEndpoint => ({
      method: "get",
      path,
      summary,
      tag: "Gateway",
      needs: null,
      is_open: true,
    }),
  ),
];
