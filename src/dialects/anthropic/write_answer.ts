// The neutral answer into a whole message.
// Source: https://platform.claude.com/docs/en/api/messages/create, "Message".

import type { ChatAnswer, Finish } from "../neutral/answer.ts";
import type { AnswerContext } from "../neutral/format.ts";
import type { Part } from "../neutral/parts.ts";
import { NO_USAGE } from "../usage.ts";
import { CallIds } from "./call_ids.ts";
import { carry } from "./carried.ts";
import { writeCitation } from "./citations.ts";
import { stopReason } from "./finish.ts";
import { type Fields, FORMAT, keptOf, listed } from "./own.ts";
import { writeGivenTier } from "./service_tier.ts";
import { callBlock, textBlock, thinkingBlock } from "./write_blocks.ts";
import { writeUsage } from "./write_usage.ts";

/** Writes a message. The format has one answer to a request: the first. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext): Fields {
  const { parts, finish } = answer.choices[0] ?? { parts: [], finish: null };
  const usage = answer.usage ?? NO_USAGE;
  const ids = new CallIds(`toolu_${context.call_id}`);
  const tier = answer.service_tier === undefined ? undefined : writeGivenTier(answer.service_tier);
  const refusal = parts.flatMap((part) => (part.kind === "refusal" ? [part.text] : []));
  const has_calls = parts.some((part) => part.kind === "tool_call");
  return {
    ...messageHead(answer, context),
    content: parts.flatMap((part) => answerBlocks(part, (call) => ids.call(call))),
    ...ending(finish, has_calls, refusal[0]),
    usage: writeUsage(usage, tier),
    ...keptOf(answer.own),
  };
}

/** What a message begins with. */
export function messageHead(
  { id, model }: Pick<ChatAnswer, "id" | "model">,
  { call_id, model: asked }: AnswerContext,
): Fields {
  return {
    id: id === "" ? `msg_${call_id}` : id,
    type: "message",
    role: "assistant",
    model: model === "" ? asked : model,
  };
}

/** How a message ended. */
export function ending(finish: Finish | null, has_calls: boolean, refusal?: string): Fields {
  if (finish === null) return { stop_reason: null, stop_sequence: null };
  const is_refused = refusal !== undefined && finish.reason !== "length";
  const details = { type: "refusal", category: null, explanation: refusal };
  return {
    stop_reason: is_refused ? "refusal" : stopReason(finish, has_calls),
    stop_sequence: finish.reason === "stop_sequence" ? (finish.stop_sequence ?? null) : null,
    ...(is_refused ? { stop_details: details } : {}),
  };
}

/**
 * The blocks of a part of an answer; none where the format has no word for it.
 * @param idOf a call's id as the client is to see it
 */
export function answerBlocks(part: Part, idOf: (id: string) => string): readonly Fields[] {
  switch (part.kind) {
    case "text": {
      const citations = (part.citations ?? []).flatMap((citation) => listed(writeCitation(citation)));
      const block = { ...textBlock(part), ...(citations.length === 0 ? {} : { citations }) };
      if (part.signature === undefined) return part.text === "" ? [] : [block];
      return [block, { type: "redacted_thinking", data: carry("previous", part.signature) }];
    }
    case "thinking":
      return [thinkingBlock(part)];
    case "tool_call": {
      const block = callBlock(part, idOf(part.id));
      if (part.signature === undefined) return [block];
      return [{ type: "redacted_thinking", data: carry("next", part.signature) }, block];
    }
    case "own":
      return part.format === FORMAT ? [part.value] : [];
    default:
      // The words of a refusal stand beside its reason; media that a model makes have no block.
      return [];
  }
}
