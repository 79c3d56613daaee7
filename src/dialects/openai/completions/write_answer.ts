// A whole legacy completion as a client is given it (OpenAI API reference, "The completion object"): text, and nothing else of what a
// model can say.

import type { AnswerChoice, ChatAnswer } from "../../neutral/answer.ts";
import type { AnswerContext } from "../../neutral/format.ts";
import { writeHead } from "../chat/write_answer.ts";
import { writeUsage } from "../chat/write_usage.ts";
import { writeFinish } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Writes an answer; see `AnswerFormat.writeAnswer`. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext): Fields {
  const { usage, own, service_tier } = answer;
  return {
    ...writeHead(answer, context, "cmpl"),
    object: "text_completion",
    choices: answer.choices.map(writeChoice),
    ...(usage === null ? {} : { usage: writeUsage(usage) }),
    ...(service_tier === undefined ? {} : { service_tier }),
    ...(own?.format === "completions" ? own.fields : {}),
  };
}

function writeChoice({ index, parts, logprobs, finish }: AnswerChoice): Fields {
  const texts = parts.map((part) => (part.kind === "text" || part.kind === "refusal" ? part.text : ""));
  return {
    text: texts.join(""),
    index,
    logprobs: logprobs === undefined ? null : writeLogprobs(logprobs, 0),
    finish_reason: finish === null ? null : writeFinish(finish),
    ...(finish?.stop_sequence === undefined ? {} : { stop_reason: finish.stop_sequence }),
  };
}
