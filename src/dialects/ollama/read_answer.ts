// A whole answer of Ollama's chat. Source: https://docs.ollama.com/api/chat, the response.

import { isFields } from "../fields.ts";
import type { ChatAnswer } from "../neutral/answer.ts";
import type { Part } from "../neutral/parts.ts";
import { readFinish } from "./finish.ts";
import { readLogprobs, readMessage, readTime } from "./read_message.ts";
import { readOllamaUsage } from "./usage.ts";

/** Reads an answer; null where the value is none. */
export function readOllamaAnswer(answer: Readonly<Record<string, unknown>>): ChatAnswer | null {
  const { message, model, created_at, done, done_reason } = answer;
  if (!isFields(message)) return null;
  const { thinking, content, images, calls } = readMessage(message, new Set());
  const parts: readonly Part[] = [
    ...(thinking === "" ? [] : [{ kind: "thinking", text: thinking } as const]),
    ...(content === "" ? [] : [{ kind: "text", text: content } as const]),
    ...images,
    ...calls,
  ];
  const logprobs = readLogprobs(answer["logprobs"]);
  return {
    ...{ id: "", model: typeof model === "string" ? model : "", created_s: readTime(created_at) },
    choices: [
      {
        ...{ index: 0, parts },
        finish: done === false ? null : readFinish(done_reason, calls.length > 0),
        ...(logprobs.length === 0 ? {} : { logprobs }),
      },
    ],
    usage: readOllamaUsage(answer),
  };
}
