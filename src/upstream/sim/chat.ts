// `POST /chat/completions`: what each model says, and the same choices told plain or as a stream.
// What is said never depends on `stream`, so both forms of a request hold the same text.

import { type Answer, type AnswerPart, donePart, eventPart, plainAnswer, streamAnswer } from "./answer.ts";
import { CREATED_S, type SimModel } from "./models.ts";
import { plainWait, untilCut, wordWait } from "./pace.ts";
import { hexHash, seedFrom } from "./random.ts";
import type { ChatRequest } from "./request.ts";
import { type Choice, chatChoices } from "./speech.ts";
import { words } from "./text.ts";
import { chatPromptTokens, completionUsage } from "./usage.ts";

/** Answers a checked request; `id` is what the request's bytes hash to. */
export function answerChat(model: SimModel, request: ChatRequest, id: string): Answer {
  const said = JSON.stringify([request.messages, request.seed ?? null]);
  const choices = chatChoices(model, request, seedFrom(said));
  let tokens = 0;
  for (const choice of choices) tokens += choice.tokens;
  const usage = completionUsage(chatPromptTokens(request), tokens);
  const common = { id: `chatcmpl-${id}`, created: CREATED_S, model, service_tier: "default" };
  const system_fingerprint = `fp_${hexHash(model, 10)}`;
  if (request.stream !== true) {
    const value = {
      ...common,
      object: "chat.completion",
      choices: choices.map(plainChoice),
      usage,
      system_fingerprint,
    };
    return plainAnswer(id, value, { wait_ms: plainWait(model, tokens), cut: model === "cut" });
  }
  const usage_asked = request.stream_options?.include_usage === true;
  const chunk = { ...common, object: "chat.completion.chunk", system_fingerprint };
  const parts = stream(chunk, choices, usage_asked ? usage : null, wordWait(model, tokens));
  if (model === "cut") return streamAnswer(id, untilCut(parts, 1, choices[0]?.tokens ?? 0), "cut");
  return streamAnswer(id, parts, "end");
}

function plainChoice(choice: Choice): unknown {
  const calls = choice.call === null ? {} : { tool_calls: [choice.call] };
  return {
    index: choice.index,
    message: { role: "assistant", content: choice.text, refusal: null, ...calls, annotations: [] },
    logprobs: null,
    finish_reason: choice.finish_reason,
  };
}

/** The events of a stream: each choice in turn, then the usage where it was asked for, then the end. */
function* stream(
  common: Record<string, unknown>,
  choices: readonly Choice[],
  usage: unknown | null,
  wait_ms: number,
): Generator<AnswerPart> {
  const last = usage === null ? {} : { usage: null };
  const event = (index: number, delta: unknown, finish_reason: string | null, wait = 0): AnswerPart =>
    eventPart({ ...common, choices: [{ index, delta, logprobs: null, finish_reason }], ...last }, wait);
  for (const choice of choices) {
    const { index, call } = choice;
    if (call === null) {
      yield event(index, { role: "assistant", content: "", refusal: null }, null);
      for (const content of words(choice.text ?? "")) yield event(index, { content }, null, wait_ms);
    } else {
      const opening = { index: 0, ...call, function: { name: call.function.name, arguments: "" } };
      yield event(index, { role: "assistant", content: null, tool_calls: [opening], refusal: null }, null);
      for (const piece of words(call.function.arguments)) {
        yield event(index, { tool_calls: [{ index: 0, function: { arguments: piece } }] }, null, wait_ms);
      }
    }
    yield event(index, {}, choice.finish_reason);
  }
  if (usage !== null) yield eventPart({ ...common, choices: [], usage });
  yield donePart();
}
