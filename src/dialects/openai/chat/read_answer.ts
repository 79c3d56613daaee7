// A whole chat completion, read (OpenAI API reference, "The chat completion object"), as OpenAI and compatible servers answer it.

import { Checked, Faults } from "../../checked.ts";
import { count, isFields } from "../../fields.ts";
import type { AnswerChoice, ChatAnswer, Finish } from "../../neutral/answer.ts";
import type { Citation, OwnFields, Part } from "../../neutral/parts.ts";
import { readUsage } from "../usage.ts";
import { readSound } from "./audio.ts";
import { readSearchResults } from "./citations.ts";
import { readFinish } from "./finish.ts";
import { withoutJsonTool } from "./json_tool.ts";
import { readLogprobs } from "./logprobs.ts";
import { readAnswerCalls } from "./read_calls.ts";
import { messageParts } from "./read_messages.ts";

type Fields = Readonly<Record<string, unknown>>;

const KNOWN: ReadonlySet<string> = new Set([
  ...["id", "object", "created", "model", "choices", "usage", "service_tier"],
  // Padding, OpenAI's and Mistral's.
  ...["obfuscation", "p"],
]);

/** Reads an answer; see `AnswerFormat.readAnswer`. What is wrong in one costs no more than itself. */
export function readAnswer(answer: Fields): ChatAnswer | null {
  const { choices } = answer;
  if (!Array.isArray(choices)) return null;
  const found = readSearchResults(answer);
  const read: AnswerChoice[] = [];
  for (const [position, choice] of choices.entries()) {
    if (!isFields(choice) || !isFields(choice["message"])) return null;
    read.push(withoutJsonTool(readChoice(choice, choice["message"], position, found)));
  }
  return { ...readHead(answer), choices: read, usage: readUsage(answer["usage"]), ...readOwn(answer) };
}

/** What answers and chunks of streams say of themselves. */
export function readHead({
  id,
  model,
  created,
  service_tier,
}: Fields): Pick<ChatAnswer, "id" | "model" | "created_s" | "service_tier"> {
  return {
    id: typeof id === "string" ? id : "",
    model: typeof model === "string" ? model : "",
    created_s: count(created) || null,
    ...(typeof service_tier === "string" && service_tier !== "" ? { service_tier } : {}),
  };
}

/** What answers and chunks say that no other format knows. */
export function readOwn(answer: Fields): { readonly own?: OwnFields } {
  const fields = new Checked(answer, "", new Faults()).others(KNOWN);
  return fields === null ? {} : { own: { format: "chat", fields } };
}

function readChoice(
  choice: Fields,
  message: Fields,
  position: number,
  found: readonly Citation[],
): AnswerChoice {
  const calls = readAnswerCalls(message);
  const checked = new Checked(message, "message", new Faults());
  const sound = readSound(message["audio"]);
  const parts = withFound(messageParts(checked, calls), found);
  const whole = sound === null ? parts : [...parts, sound];
  const logprobs = readLogprobs(choice["logprobs"]);
  const { index } = choice;
  return {
    index: typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : position,
    parts: whole,
    finish: readChoiceFinish(
      choice,
      whole.some(({ kind }) => kind === "refusal"),
      calls.length > 0,
    ),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  };
}

/** How a choice finished. With a call it finished for the call's sake, whatever it says: OpenAI says `stop` of a call that was forced. */
export function readChoiceFinish(choice: Fields, refused: boolean, calls: boolean): Finish | null {
  const { finish_reason, stop_reason, matched_stop } = choice;
  const finish = readFinish(finish_reason, stop_reason ?? matched_stop, refused);
  return finish?.reason === "stop" && calls ? { ...finish, reason: "tool_calls" } : finish;
}

/** Gives the last text what a search found, where it cites nothing by itself. */
function withFound(parts: readonly Part[], found: readonly Citation[]): readonly Part[] {
  const at = parts.findLastIndex(({ kind }) => kind === "text");
  const text = parts[at];
  if (found.length === 0 || text?.kind !== "text" || text.citations !== undefined) return parts;
  return parts.with(at, { ...text, citations: found });
}
