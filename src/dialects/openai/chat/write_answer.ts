// A whole chat completion as a client is given it (OpenAI API reference, "The chat completion object"). Thoughts are told as
// `reasoning_content`, and what was signed of them in `reasoning_details`: a client that sends the message back brings both along.

import type { AnswerChoice, ChatAnswer } from "../../neutral/answer.ts";
import type { AnswerContext } from "../../neutral/format.ts";
import type { Part, ToolCallPart } from "../../neutral/parts.ts";
import { urlOfSource } from "../../neutral/source.ts";
import { writeSound } from "./audio.ts";
import { writeCitation } from "./citations.ts";
import { writeFinish } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";
import { usesFunctions } from "./read_tools.ts";
import { isGoogles, writeGoogleSignature, writeReasoning } from "./reasoning.ts";
import { writeUsage } from "./write_usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Writes an answer; see `AnswerFormat.writeAnswer`. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext): Fields {
  const { usage, service_tier, own } = answer;
  return {
    ...writeHead(answer, context),
    object: "chat.completion",
    choices: answer.choices.map((choice) => writeChoice(choice, context)),
    ...(usage === null ? {} : { usage: writeUsage(usage) }),
    ...(service_tier === undefined ? {} : { service_tier }),
    ...(own?.format === "chat" ? own.fields : {}),
  };
}

/** What answers and chunks of streams say of themselves. @param prefix what ids begin with where the answer has none */
export function writeHead(
  { id, created_s, model }: Pick<ChatAnswer, "id" | "created_s" | "model">,
  context: AnswerContext,
  prefix = "chatcmpl",
): Fields {
  return {
    id: id === "" ? `${prefix}-${context.call_id}` : id,
    created: created_s ?? context.now_s,
    model: model === "" ? context.model : model,
  };
}

function writeChoice({ index, parts, finish, logprobs }: AnswerChoice, context: AnswerContext): Fields {
  const refused = parts.some(({ kind }) => kind === "refusal");
  // The old way has room for one call.
  const calls = parts.filter(({ kind }) => kind === "tool_call");
  const legacy = calls.length === 1 && usesFunctions(context.request.tools);
  return {
    index,
    message: writeMessage(parts, legacy, context),
    logprobs: logprobs === undefined ? null : writeLogprobs(logprobs, refused),
    finish_reason: finish === null ? null : writeFinish(finish, refused, legacy),
    ...(finish?.stop_sequence === undefined ? {} : { stop_reason: finish.stop_sequence }),
  };
}

function writeMessage(parts: readonly Part[], legacy: boolean, context: AnswerContext): Fields {
  const refusal = parts.flatMap((part) => (part.kind === "refusal" ? [part.text] : []));
  const calls = parts.filter((part) => part.kind === "tool_call");
  const annotations = writeCitations(parts);
  const images = parts.flatMap((part) => writeImage(part) ?? []);
  const sound = parts.find((part) => part.kind === "audio");
  const audio =
    sound === undefined || sound.kind !== "audio"
      ? null
      : writeSound(sound, `audio_${context.call_id}`, context.now_s);
  const signature = parts.find((part) => part.kind === "text" && part.signature !== undefined);
  return {
    role: "assistant",
    content: writeContent(parts),
    refusal: refusal.length === 0 ? null : refusal.join(""),
    ...writeReasoning(parts, "reasoning_content"),
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(images.length === 0 ? {} : { images }),
    ...(audio === null ? {} : { audio }),
    ...writeCalls(calls, legacy),
    ...(signature?.kind === "text" && isGoogles(signature.signature!)
      ? writeGoogleSignature(signature.signature!)
      : {}),
  };
}

/** The text; parts only where there is one that this format alone knows. */
function writeContent(parts: readonly Part[]): string | null | readonly Fields[] {
  const said = parts.filter(
    (part) => part.kind === "text" || (part.kind === "own" && part.format === "chat"),
  );
  if (said.length === 0) return null;
  if (said.every((part) => part.kind === "text")) return said.map((part) => part.text).join("");
  return said.map((part) => (part.kind === "own" ? part.value : { type: "text", text: textOf(part) }));
}

function textOf(part: Part): string {
  return part.kind === "text" ? part.text : "";
}

function writeCitations(parts: readonly Part[]): readonly Fields[] {
  const annotations: Fields[] = [];
  let offset = 0;
  for (const part of parts) {
    if (part.kind !== "text") continue;
    for (const citation of part.citations ?? []) annotations.push(writeCitation(citation, offset));
    offset += part.text.length;
  }
  return annotations;
}

/** An image as OpenRouter gives it; null for what is none. */
export function writeImage(part: Part): Fields | null {
  const url = part.kind === "image" ? urlOfSource(part.source) : null;
  return url === null ? null : { type: "image_url", image_url: { url } };
}

function writeCalls(calls: readonly ToolCallPart[], legacy: boolean): Fields {
  const [first] = calls;
  if (first === undefined) return {};
  if (legacy) return { function_call: { name: first.name, arguments: first.arguments } };
  return { tool_calls: calls.map(writeCall) };
}

function writeCall({ id, name, arguments: given, is_custom, signature }: ToolCallPart): Fields {
  return {
    id,
    ...(is_custom
      ? { type: "custom", custom: { name, input: given } }
      : { type: "function", function: { name, arguments: given } }),
    ...(signature !== undefined && isGoogles(signature) ? writeGoogleSignature(signature) : {}),
  };
}
