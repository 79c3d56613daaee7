// Reranks as clients ask for them: a query, documents, and how many of the best are wanted. Cohere's format, which Jina and compatible servers
// took over: https://docs.cohere.com/reference/rerank, https://jina.ai/reranker,
// https://docs.vllm.ai/en/latest/serving/openai_compatible_server (Re-rank API).

import type { ClientFormat } from "../client_format.ts";
import { readCohereUsage } from "../cohere/usage.ts";
import { readMembers } from "../members.ts";
import { errorBody, passError } from "../openai/error.ts";
import type { RequestShape } from "../openai/request.ts";
import { errorInAnswer } from "../openai/response.ts";
import { ChatWatch } from "../openai/stream.ts";
import { readUsage } from "../openai/usage.ts";

/** A rerank. */
export const RERANK: RequestShape = {
  needs_model: true,
  input: { name: "documents", kinds: ["array"], required: true },
  streams: false,
};

/** Reranks. */
export const RERANK_CLIENT: ClientFormat = {
  name: "rerank",
  framing: "events",
  header_style: "openai",
  usageOf: (body) => {
    const [meta, usage] = readMembers(body, ["meta", "usage"]);
    return readCohereUsage(meta) ?? readUsage(usage);
  },
  finishReasonOf: () => null,
  // Scores, and at most what was sent.
  estimateAnswer: () => 0,
  errorInAnswer,
  watch: (hide_usage, choices) => new ChatWatch(hide_usage, choices),
  passError,
  errorBody: (error) => errorBody(error),
};
