// Answers of a schema from servers that know none: the model is made to call a tool whose arguments are the answer.
// The tool has a name of its own, so that a reader knows its calls without knowing the request.

import type { AnswerChoice, Finish } from "../../neutral/answer.ts";
import type { Part } from "../../neutral/parts.ts";
import type { ChatRequest, Tool, ToolChoice } from "../../neutral/request.ts";
import type { Quirks } from "./quirks.ts";

/** The name of the tool; no client's. */
export const JSON_TOOL = "answer_as_json";

/** The request with the tool in place of the schema, where the server knows no schemas but tools; else as it is. */
export function withJsonTool(request: ChatRequest, quirks: Quirks): ChatRequest {
  const { output } = request;
  if (output?.kind !== "schema" || quirks.schemas || !quirks.can_name_tool || quirks.must_call === null)
    return request;
  // Arguments are always an object.
  if (output.schema["type"] !== "object") return request;
  const tool: Tool = {
    kind: "function",
    name: JSON_TOOL,
    description:
      `Gives the answer. Call it once, when the answer is known. ${output.description ?? ""}`.trim(),
    parameters: output.schema,
  };
  const is_alone = request.tools.length === 0 || request.tool_choice?.kind === "none";
  const tool_choice: ToolChoice = is_alone ? { kind: "tool", name: JSON_TOOL } : { kind: "required" };
  const tools = is_alone ? [tool] : [...request.tools, tool];
  return { ...request, tools, tool_choice, output: null };
}

/** A choice whose answer came as a call of the tool, as the text that it is. What was said beside it is no part of the answer. */
export function withoutJsonTool(choice: AnswerChoice): AnswerChoice {
  const answer = choice.parts.find(isJsonCall);
  if (answer?.kind !== "tool_call") return choice;
  const others = choice.parts.filter((part) => part.kind !== "text" && !isJsonCall(part));
  const called = others.some(({ kind }) => kind === "tool_call");
  const parts = [...others, { kind: "text", text: answer.arguments } as const];
  return { ...choice, parts, finish: called ? choice.finish : finishOfJson(choice.finish) };
}

function isJsonCall(part: Part): boolean {
  return part.kind === "tool_call" && part.name === JSON_TOOL;
}

/** How an answer ended that is no call for the client. */
export function finishOfJson(finish: Finish | null): Finish | null {
  return finish?.reason === "tool_calls" ? { ...finish, reason: "stop" } : finish;
}
