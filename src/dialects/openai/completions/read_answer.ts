// A whole legacy completion, read (OpenAI API reference, "The completion object").

import { Checked, Faults } from "../../checked.ts";
import { isFields } from "../../fields.ts";
import type { AnswerChoice, ChatAnswer } from "../../neutral/answer.ts";
import { readChoiceFinish, readHead } from "../chat/read_answer.ts";
import { readUsage } from "../usage.ts";
import { readLogprobs } from "./logprobs.ts";

type Fields = Readonly<Record<string, unknown>>;

const KNOWN: ReadonlySet<string> = new Set([
  ...["id", "object", "created", "model", "choices", "usage", "service_tier"],
]);

/** Reads an answer; see `AnswerFormat.readAnswer`. */
export function readAnswer(answer: Fields): ChatAnswer | null {
  const { choices } = answer;
  if (!Array.isArray(choices)) return null;
  const read: AnswerChoice[] = [];
  for (const [position, choice] of choices.entries()) {
    if (!isFields(choice) || typeof choice["text"] !== "string") return null;
    const { text, index } = choice;
    const logprobs = readLogprobs(choice["logprobs"]);
    read.push({
      index: typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : position,
      parts: text === "" ? [] : [{ kind: "text", text }],
      finish: readChoiceFinish(choice, false, false),
      ...(logprobs.length === 0 ? {} : { logprobs }),
    });
  }
  const fields = new Checked(answer, "", new Faults()).others(KNOWN);
  return {
    ...readHead(answer),
    choices: read,
    usage: readUsage(answer["usage"]),
    ...(fields === null ? {} : { own: { format: "completions", fields } }),
  };
}
