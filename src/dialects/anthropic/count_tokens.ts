// Counting a request's tokens: the same body without what concerns the answer alone, and a number back.
// Source: https://platform.claude.com/docs/en/api/messages/count_tokens; the SDK's `MessageCountTokensParams`.

import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest } from "../neutral/request.ts";
import type { Fields } from "./own.ts";
import { writeRequest } from "./write_request.ts";

const COUNTED: ReadonlySet<string> = new Set([
  ...["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"],
  ...["speed", "mcp_servers", "context_management"],
]);

/** Writes the body of a request to count. */
export function writeCountRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Fields {
  const body = Object.entries(writeRequest(request, target, losses));
  return Object.fromEntries(body.filter(([name]) => COUNTED.has(name)));
}

/** Reads how many tokens were counted; null where the value does not say. */
export function readTokenCount(answer: Fields): number | null {
  const { input_tokens } = answer;
  return typeof input_tokens === "number" && input_tokens >= 0 ? input_tokens : null;
}

/** Writes how many tokens were counted. */
export function writeTokenCount(input_tokens: number): Fields {
  return { input_tokens };
}
