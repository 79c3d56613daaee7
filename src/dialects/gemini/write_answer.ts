// A neutral answer as `generateContent` gives one.
// Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse

import { list, record } from "../fields.ts";
import type { AnswerChoice, ChatAnswer } from "../neutral/answer.ts";
import type { AnswerContext } from "../neutral/format.ts";
import { Losses } from "../neutral/losses.ts";
import type { Part } from "../neutral/parts.ts";
import { type CitingText, writeCitations } from "./citations.ts";
import { writeFinish } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";
import { writeSignature } from "./signature.ts";
import { ownFields, writeFunctionCall, writeMedia, writeText, writeThought } from "./write_parts.ts";
import { writeGeminiUsage } from "./write_usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** Writes an answer. What of it came from Gemini is told as it came. */
export function writeGeminiAnswer(answer: ChatAnswer, context: AnswerContext): Json {
  const { candidates: own_candidates, ...own } = ownFields(answer.own);
  const is_blocked = typeof record(own["promptFeedback"])["blockReason"] === "string";
  const candidates = answer.choices
    .filter(({ parts }) => !is_blocked || parts.some(({ kind }) => kind !== "refusal"))
    .map((choice, position) => writeCandidate(choice, record(list(own_candidates)[position])));
  return {
    ...(candidates.length === 0 ? {} : { candidates }),
    ...(answer.usage === null ? {} : { usageMetadata: writeGeminiUsage(answer.usage) }),
    modelVersion: answer.model === "" ? context.model : answer.model,
    responseId: answer.id === "" ? context.call_id : answer.id,
    ...own,
  };
}

function writeCandidate({ index, parts, finish, logprobs }: AnswerChoice, own: Json): Json {
  const written: Json[] = [];
  const texts: CitingText[] = [];
  for (const part of parts) {
    const said = writeAnswerPart(part);
    if (said === null) continue;
    if (part.kind === "text")
      texts.push({ text: part.text, citations: part.citations ?? [], part_index: written.length });
    written.push(said);
  }
  return {
    content: { ...(written.length === 0 ? {} : { parts: written }), role: "model" },
    ...(finish === null ? {} : { finishReason: writeFinish(finish) }),
    index,
    ...(logprobs === undefined ? {} : { logprobsResult: writeLogprobs(logprobs) }),
    ...writeCitations(texts),
    ...own,
  };
}

/** A part of an answer; null where there is nothing to tell, or only another format could. */
export function writeAnswerPart(part: Part): Json | null {
  switch (part.kind) {
    case "text":
    case "refusal": {
      const written = writeText(part.text, part);
      return part.text === "" && written["thoughtSignature"] === undefined ? null : written;
    }
    case "thinking": {
      const written = writeThought(part);
      return part.text === "" && written["thoughtSignature"] === undefined ? null : written;
    }
    case "tool_call":
      return writeFunctionCall(part, true, writeSignature(part));
    case "tool_result":
      return null;
    case "own":
      return part.format === "gemini" ? part.value : null;
    default:
      return writeMedia(part, ANYTHING);
  }
}

/** Media of an answer are written where they can be; there is no request to refuse any more. */
const ANYTHING = new Losses("drop", "");
