// The formats in which tokens are counted without an answer being made.

import type { GatewayError } from "../errors.ts";
import * as anthropic from "./anthropic/count_tokens.ts";
import { MESSAGES } from "./anthropic/format.ts";
import * as gemini from "./gemini/count_tokens.ts";
import type { RequestPlace, RequestTarget } from "./neutral/format.ts";
import type { Losses } from "./neutral/losses.ts";
import type { ChatRequest } from "./neutral/request.ts";
import * as responses from "./responses/count_tokens.ts";
import { RESPONSES } from "./responses/format.ts";

type Json = Readonly<Record<string, unknown>>;

/** How a format asks for a count, and tells it. */
export interface TokenCounting {
  readRequest(body: Json, place: RequestPlace): ChatRequest | GatewayError;
  writeRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Json;
  /** Null: the value tells no count. */
  readCount(answer: Json): gemini.TokenCount | null;
  writeCount(count: gemini.TokenCount): Json;
}

/** The formats that have this. */
export type CountingName = "messages" | "gemini" | "responses";

/** Each of them. */
export const COUNTING: Readonly<Record<CountingName, TokenCounting>> = {
  messages: {
    readRequest: MESSAGES.readRequest,
    writeRequest: anthropic.writeCountRequest,
    readCount: (answer) => plain(anthropic.readTokenCount(answer)),
    writeCount: ({ total_tokens }) => anthropic.writeTokenCount(total_tokens),
  },
  gemini: {
    readRequest: gemini.readCountTokensRequest,
    writeRequest: gemini.writeCountTokensRequest,
    readCount: gemini.readTokenCount,
    writeCount: gemini.writeTokenCount,
  },
  responses: {
    readRequest: RESPONSES.readRequest,
    writeRequest: responses.writeCountRequest,
    readCount: (answer) => plain(responses.readTokenCount(answer)),
    writeCount: ({ total_tokens }) => responses.writeTokenCount(total_tokens),
  },
};

function plain(total_tokens: number | null): gemini.TokenCount | null {
  return total_tokens === null ? null : { total_tokens, cached_tokens: 0 };
}
