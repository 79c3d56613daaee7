// The calls of tools in a whole answer, whatever format it is in, and whether they are as the request offers them: by a name that it
// has, with arguments that are a JSON object.

import { isFields, list, record } from "./fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The endpoints whose answers call tools. */
export type ToolEndpoint = "/chat/completions" | "/responses" | "/messages" | "/generateContent";

/** A call: arguments are JSON, or an object where the format has them as one. */
interface ToolCall {
  readonly name: unknown;
  readonly arguments: unknown;
}

interface Reader {
  calls(answer: Fields): readonly ToolCall[];
  /** Names of the tools that a request offers; null where there are some that have none. */
  names(request: Fields): readonly unknown[];
}

const READERS: Readonly<Record<ToolEndpoint, Reader>> = {
  "/chat/completions": {
    calls: ({ choices }) =>
      list(choices)
        .map((choice) => record(record(choice)["message"]))
        .flatMap(({ tool_calls, function_call }) => [
          ...list(tool_calls)
            .map(record)
            .filter(({ type }) => type === undefined || type === "function")
            .map(({ function: called }) => callOf(record(called))),
          ...(isFields(function_call) ? [callOf(function_call)] : []),
        ]),
    names: ({ tools, functions }) => [
      ...list(tools).map((tool) => record(record(tool)["function"])["name"]),
      ...list(functions).map((one) => record(one)["name"]),
    ],
  },
  "/responses": {
    calls: ({ output }) =>
      list(output)
        .map(record)
        .filter(({ type }) => type === "function_call")
        .map(callOf),
    names: ({ tools }) => list(tools).map((tool) => record(tool)["name"]),
  },
  "/messages": {
    calls: ({ content }) =>
      list(content)
        .map(record)
        .filter(({ type }) => type === "tool_use")
        .map(({ name, input }) => ({ name, arguments: input })),
    names: ({ tools }) => list(tools).map((tool) => record(tool)["name"]),
  },
  "/generateContent": {
    calls: ({ candidates }) =>
      list(candidates)
        .flatMap((candidate) => list(record(record(candidate)["content"])["parts"]))
        .map((part) => record(part)["functionCall"])
        .filter(isFields)
        .map(({ name, args }) => ({ name, arguments: args ?? {} })),
    names: ({ tools }) =>
      list(tools)
        .map(record)
        .flatMap((tool) => list(tool["functionDeclarations"] ?? tool["function_declarations"]))
        .map((one) => record(one)["name"]),
  },
};

function callOf({ name, arguments: given }: Fields): ToolCall {
  return { name, arguments: given };
}

/** Whether an answer's calls of tools are as they were offered; null where it calls none. */
export function areToolsCalledWell(answer: Fields, request: Fields, endpoint: ToolEndpoint): boolean | null {
  const { calls, names } = READERS[endpoint];
  const called = calls(answer);
  if (called.length === 0) return null;
  const offered = new Set(names(request));
  return called.every(({ name, arguments: given }) => offered.has(name) && isObject(given));
}

function isObject(given: unknown): boolean {
  if (typeof given !== "string") return isFields(given);
  // A tool without parameters may be called without any.
  if (given.trim() === "") return true;
  try {
    return isFields(JSON.parse(given));
  } catch {
    return false;
  }
}
