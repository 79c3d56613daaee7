// `POST /completions`, the legacy form: prompts in, their continuations out, plain or as a stream.
// `echo` repeats the prompt; the other models say what they say to a chat.

import { type Answer, type AnswerPart, donePart, eventPart, plainAnswer, streamAnswer } from "./answer.ts";
import { CREATED_S, type SimModel } from "./models.ts";
import { plainWait, untilCut, wordWait } from "./pace.ts";
import { hexHash, seedFrom } from "./random.ts";
import type { CompletionRequest } from "./request.ts";
import { modelText } from "./speech.ts";
import { countTokens, type LimitedText, limitText, words } from "./text.ts";
import { completionUsage } from "./usage.ts";

/** The prompts of a request. One given as token numbers has these numbers for its words. */
export function promptTexts(prompt: CompletionRequest["prompt"]): string[] {
  if (typeof prompt === "string") return [prompt];
  const texts: string[] = [];
  const numbers: number[] = [];
  for (const item of prompt) {
    if (typeof item === "number") numbers.push(item);
    else texts.push(typeof item === "string" ? item : item.join(" "));
  }
  return numbers.length > 0 ? [numbers.join(" ")] : texts;
}

/** Answers a checked request; `id` is what the request's bytes hash to. */
export function answerCompletion(model: SimModel, request: CompletionRequest, id: string): Answer {
  const stop = request.stop ?? [];
  const stops = typeof stop === "string" ? [stop] : stop;
  const max_tokens = request.max_tokens ?? null;
  const seed = seedFrom(JSON.stringify([request.prompt, request.seed ?? null]));
  const choices: LimitedText[] = [];
  let prompt_tokens = 0;
  let completion_tokens = 0;
  for (const prompt of promptTexts(request.prompt)) {
    prompt_tokens += countTokens(prompt);
    for (let index = 0; index < (request.n ?? 1); index++) {
      const said = limitText(modelText(model, prompt, seed + choices.length, max_tokens), max_tokens, stops);
      completion_tokens += said.tokens;
      choices.push(request.echo === true ? { ...said, text: prompt + said.text } : said);
    }
  }
  const usage = completionUsage(prompt_tokens, completion_tokens);
  const common = { id: `cmpl-${id}`, object: "text_completion", created: CREATED_S, model };
  const system_fingerprint = `fp_${hexHash(model, 10)}`;
  if (request.stream !== true) {
    const told = choices.map(({ text, finish_reason }, index) => ({
      text,
      index,
      logprobs: null,
      finish_reason,
    }));
    const options = { wait_ms: plainWait(model, completion_tokens), cut: model === "cut" };
    return plainAnswer(id, { ...common, system_fingerprint, choices: told, usage }, options);
  }
  const usage_asked = request.stream_options?.include_usage === true;
  const wait_ms = wordWait(model, completion_tokens);
  const parts = stream({ ...common, system_fingerprint }, choices, usage_asked ? usage : null, wait_ms);
  if (model === "cut") return streamAnswer(id, untilCut(parts, 0, choices[0]?.tokens ?? 0), "cut");
  return streamAnswer(id, parts, "end");
}

function* stream(
  common: Record<string, unknown>,
  choices: readonly LimitedText[],
  usage: unknown | null,
  wait_ms: number,
): Generator<AnswerPart> {
  const last = usage === null ? {} : { usage: null };
  const event = (index: number, text: string, finish_reason: string | null, wait = 0): AnswerPart =>
    eventPart({ ...common, choices: [{ text, index, logprobs: null, finish_reason }], ...last }, wait);
  for (const [index, choice] of choices.entries()) {
    for (const word of words(choice.text)) yield event(index, word, null, wait_ms);
    yield event(index, "", choice.finish_reason);
  }
  if (usage !== null) yield eventPart({ ...common, choices: [], usage });
  yield donePart();
}
