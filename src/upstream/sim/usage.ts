// What an answer used, as OpenAI reports it. A token is a word of `words`: text, arguments and schemas alike.
// A message costs three tokens beside its text, as in OpenAI's own chat format; images and sound cost nothing.

import type { ChatRequest, Content } from "./request.ts";
import { countTokens } from "./text.ts";

/** Tokens of a message beside its text. */
const MESSAGE_TOKENS = 3;

/** The `usage` of chat and legacy completions. */
export interface CompletionUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number; readonly audio_tokens: number };
  readonly completion_tokens_details: {
    readonly reasoning_tokens: number;
    readonly audio_tokens: number;
    readonly accepted_prediction_tokens: number;
    readonly rejected_prediction_tokens: number;
  };
}

/** Usage from its two counts. */
export function completionUsage(prompt_tokens: number, completion_tokens: number): CompletionUsage {
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** Input tokens of a chat request: its messages, the calls in them, and its tools. */
export function chatPromptTokens(request: ChatRequest): number {
  let tokens = 0;
  for (const message of request.messages) {
    tokens += MESSAGE_TOKENS + countTokens(contentText(message.content));
    if (message.role !== "assistant") continue;
    for (const call of message.tool_calls ?? []) {
      if (call.function !== undefined)
        tokens += countTokens(call.function.name) + countTokens(call.function.arguments);
    }
  }
  for (const tool of request.tools ?? []) tokens += countTokens(JSON.stringify(tool));
  return tokens;
}

/** The text of a message's content: its text parts joined; images, sound and files have none. */
export function contentText(content: Content | null | undefined): string {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  let text = "";
  for (const part of content) if (part.type === "text") text += part.text;
  return text;
}
