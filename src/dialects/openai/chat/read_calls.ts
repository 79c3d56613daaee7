// The calls of tools in an answer. Some servers give them no ids, or one id twice: every call gets one of its own, since results name it.

import { isFields, list } from "../../fields.ts";
import { newCallId } from "../../neutral/call_id.ts";
import type { ToolCallPart } from "../../neutral/parts.ts";
import { argumentsOf } from "./read_messages.ts";
import { readGoogleSignature } from "./reasoning.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a call, or a piece of one, says of itself. */
export interface CallSaid {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly is_custom: boolean;
}

/** Reads a call or a piece of one; what is not there is empty. */
export function readCallSaid(call: Fields): CallSaid {
  const { id, custom } = call;
  const called = isFields(custom) ? custom : call["function"];
  const fields = isFields(called) ? called : {};
  const { name, input } = fields;
  return {
    id: typeof id === "string" ? id : "",
    name: typeof name === "string" ? name : "",
    arguments: isFields(custom) ? (typeof input === "string" ? input : "") : argumentsOf(fields),
    is_custom: isFields(custom),
  };
}

/** The calls of a whole message, `function_call` among them. */
export function readAnswerCalls(message: Fields): readonly ToolCallPart[] {
  const ids = new Set<string>();
  const calls = list(message["tool_calls"]).filter(isFields);
  const { function_call: legacy } = message;
  const made = isFields(legacy) ? [...calls, { function: legacy }] : calls;
  return made.map((call): ToolCallPart => {
    const { id, name, arguments: given, is_custom } = readCallSaid(call);
    const own_id = id === "" || ids.has(id) ? newCallId() : id;
    ids.add(own_id);
    const signature = readGoogleSignature(call);
    return {
      ...{ kind: "tool_call", id: own_id, name, arguments: given },
      ...(is_custom ? { is_custom } : {}),
      ...(signature === null ? {} : { signature }),
    };
  });
}
