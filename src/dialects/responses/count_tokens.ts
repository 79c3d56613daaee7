// Counting a request's tokens before it is sent: what concerns the answer alone is left out, and a number comes back.
// Source: OpenAI API reference, "Get input token counts".

import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest } from "../neutral/request.ts";
import type { Fields } from "./own.ts";
import { writeRequest } from "./write_request.ts";

const COUNTED: ReadonlySet<string> = new Set([
  ...["model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning"],
  ...["truncation", "conversation", "previous_response_id", "personality"],
]);

/** Writes the body of a request to count. */
export function writeCountRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Fields {
  const body = Object.entries(writeRequest(request, target, losses));
  return Object.fromEntries(body.filter(([name]) => COUNTED.has(name)));
}

/** Reads how many tokens were counted; null where the value does not say. */
export function readTokenCount({ input_tokens }: Fields): number | null {
  return typeof input_tokens === "number" && input_tokens >= 0 ? input_tokens : null;
}

/** Writes how many tokens were counted. */
export function writeTokenCount(input_tokens: number): Fields {
  return { object: "response.input_tokens", input_tokens };
}
