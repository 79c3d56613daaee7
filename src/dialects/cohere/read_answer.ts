// A whole answer of Cohere's chat. Source: https://docs.cohere.com/reference/chat, the response.

import { isFields, list, record } from "../fields.ts";
import type { ChatAnswer } from "../neutral/answer.ts";
import { newCallId } from "../neutral/call_id.ts";
import type { Part, TextPart, ToolCallPart } from "../neutral/parts.ts";
import { citedContent, readCitations } from "./citations.ts";
import { readFinish } from "./finish.ts";
import { readLogprobs } from "./logprobs.ts";
import { readCohereUsage } from "./usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reads an answer; null where the value is none. */
export function readCohereAnswer(answer: Fields): ChatAnswer | null {
  const { id, message, finish_reason } = answer;
  if (!isFields(message)) return null;
  const parts = readMessage(message);
  const logprobs = readLogprobs(answer["logprobs"] ?? []);
  const has_calls = parts.some(({ kind }) => kind === "tool_call");
  return {
    ...{ id: typeof id === "string" ? id : "", model: "", created_s: null },
    choices: [
      {
        ...{ index: 0, parts, finish: readFinish(finish_reason, has_calls) },
        ...(logprobs.length === 0 ? {} : { logprobs }),
      },
    ],
    usage: readCohereUsage(answer["usage"]),
  };
}

/** What a model thought and planned comes before what it says and calls. */
function readMessage(message: Fields): readonly Part[] {
  const { content, tool_plan } = message;
  const given = typeof content === "string" ? [{ type: "text", text: content }] : list(content);
  const contents = given.map((part) => readContent(record(part)));
  cite(contents, list(message["citations"]).filter(isFields));
  const told = contents.filter((part) => part !== null && (part.kind !== "text" || part.text !== ""));
  const plan: readonly Part[] =
    typeof tool_plan === "string" && tool_plan !== "" ? [{ kind: "thinking", text: tool_plan }] : [];
  return [...plan, ...told.filter((part) => part !== null), ...readCalls(message["tool_calls"])];
}

function readContent({ type, text, thinking }: Fields): Part | null {
  if (type === "thinking" || (type === undefined && typeof thinking === "string"))
    return typeof thinking === "string" && thinking !== "" ? { kind: "thinking", text: thinking } : null;
  return typeof text === "string" ? { kind: "text", text } : null;
}

/** Gives each citation to the content that it is of. */
function cite(contents: (Part | null)[], citations: readonly Fields[]): void {
  for (const citation of citations) {
    const cited = citedContent(citation);
    const at = cited === "text" ? contents.findIndex((part) => part?.kind === "text") : (cited ?? -1);
    const part = contents[at];
    if (part?.kind !== "text") continue;
    const whole: TextPart = {
      ...part,
      citations: [...(part.citations ?? []), ...readCitations(citation, part.text)],
    };
    contents[at] = whole;
  }
}

/** Results are told to calls by their ids: there have to be some, and no two alike. */
function readCalls(calls: unknown): readonly ToolCallPart[] {
  const ids = new Set<string>();
  return list(calls).flatMap((value) => {
    const { id: said_id, function: called } = record(value);
    const { name, arguments: given } = record(called);
    if (typeof name !== "string") return [];
    const id = typeof said_id === "string" && said_id !== "" && !ids.has(said_id) ? said_id : newCallId();
    ids.add(id);
    const text = typeof given === "string" ? given : given === undefined ? "" : JSON.stringify(given);
    return [{ kind: "tool_call", id, name, arguments: text }];
  });
}
