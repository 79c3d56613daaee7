// The messages of a chat completion (API reference, "Create chat completion", `messages`), with what compatible servers put into them.

import type { Checked } from "../../checked.ts";
import { isFields } from "../../fields.ts";
import type { CacheMark, Message, OwnFields, Part, ToolCallPart } from "../../neutral/parts.ts";
import { readCitations } from "./citations.ts";
import { readCacheMark, readContent, readImages } from "./read_parts.ts";
import { readGoogleSignature, readReasoning } from "./reasoning.ts";

/** What a message may have beside its content; everything else is kept as it came. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["role", "name", "content", "cache_control", "prompt_cache_breakpoint"],
  ...["refusal", "tool_calls", "function_call", "annotations", "images", "extra_content"],
  ...["reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"],
  ...["tool_call_id", "is_error"],
]);

/** Reads the messages of a request. */
export function readMessages(request: Checked): readonly Message[] {
  if (!request.has("messages")) request.faults.missing(request.path("messages"));
  const calls = new CallsSoFar();
  return request.objects("messages").map((message) => readMessage(message, calls));
}

/** The calls that were made so far, so that a result can be told its tool's name. */
class CallsSoFar {
  readonly #names = new Map<string, string>();
  readonly #legacy_ids = new Map<string, string>();
  #count = 0;

  add({ id, name }: ToolCallPart): void {
    this.#names.set(id, name);
  }

  nameOf(id: string): string | null {
    return this.#names.get(id) ?? null;
  }

  /** An id for a call that has none, as those of `function_call` do: its result names the function. */
  newLegacyId(name: string): string {
    const id = `call_function_${this.#count++}`;
    this.#legacy_ids.set(name, id);
    return id;
  }

  legacyId(name: string): string {
    return this.#legacy_ids.get(name) ?? this.newLegacyId(name);
  }
}

function readMessage(message: Checked, calls: CallsSoFar): Message {
  const role = message.needText("role");
  const name = message.text("name");
  const own = ownFields(message);
  switch (role) {
    case "system":
    case "developer":
    case "user": {
      const parts = marked(readContent(message, "content"), readCacheMark(message));
      return { role, parts, ...(name === null ? {} : { name }), ...own };
    }
    case "assistant": {
      const said = readAssistant(message, calls);
      const parts = marked(said, readCacheMark(message));
      return { role, parts, ...(name === null ? {} : { name }), ...own };
    }
    case "tool":
    case "function":
      return {
        role: "tool",
        parts: marked(readResult(message, role, name, calls), readCacheMark(message)),
        ...own,
      };
    default:
      if (message.has("role"))
        message.faults.wrongValue(
          message.path("role"),
          "'system', 'developer', 'user', 'assistant', 'tool' or 'function'",
        );
      return { role: "user", parts: [] };
  }
}

function ownFields(message: Checked): { readonly own?: OwnFields } {
  const fields = message.others(KNOWN);
  return fields === null ? {} : { own: { format: "chat", fields } };
}

/** A mark on a message is one on its last part. */
function marked(parts: readonly Part[], cache: CacheMark | null): readonly Part[] {
  const last = parts.at(-1);
  if (cache === null || last === undefined || last.kind === "own") return parts;
  return [...parts.slice(0, -1), { ...last, cache }];
}

function readAssistant(message: Checked, calls: CallsSoFar): readonly Part[] {
  const made = readCalls(message, calls);
  return messageParts(message, made);
}

/**
 * What an assistant's message says, of a request or an answer: thoughts, content, refusal, media, calls.
 * @param calls the calls, read already
 */
export function messageParts(message: Checked, calls: readonly ToolCallPart[]): readonly Part[] {
  const { fields } = message;
  const { parts: thoughts, of_calls } = readReasoning(fields, new Set(calls.map(({ id }) => id)));
  const content = withText(readContent(message, "content"), fields);
  const refusal = message.text("refusal");
  return [
    ...thoughts,
    ...content,
    ...(refusal === null || refusal === "" ? [] : [{ kind: "refusal", text: refusal } as const]),
    ...readImages(fields["images"]),
    ...calls.map((call) => {
      const signature = call.signature ?? of_calls.get(call.id);
      return signature === undefined ? call : { ...call, signature };
    }),
  ];
}

/** Gives the last text what stands beside the content: its citations and its signature. */
function withText(parts: readonly Part[], fields: Readonly<Record<string, unknown>>): readonly Part[] {
  const citations = readCitations(fields["annotations"]);
  const signature = readGoogleSignature(fields);
  if (citations.length === 0 && signature === null) return parts;
  const at = parts.findLastIndex((part) => part.kind === "text");
  const text = parts[at];
  const whole: Part = {
    ...(text?.kind === "text" ? text : ({ kind: "text", text: "" } as const)),
    ...(citations.length === 0 ? {} : { citations }),
    ...(signature === null ? {} : { signature }),
  };
  return at < 0 ? [...parts, whole] : parts.with(at, whole);
}

function readCalls(message: Checked, calls: CallsSoFar): readonly ToolCallPart[] {
  const made = message.objects("tool_calls").map((call) => readCall(call));
  const legacy = message.object("function_call");
  if (legacy !== null) {
    const name = legacy.needText("name");
    made.push({
      kind: "tool_call",
      id: calls.newLegacyId(name),
      name,
      arguments: argumentsOf(legacy.fields),
    });
  }
  for (const call of made) calls.add(call);
  return made;
}

function readCall(call: Checked): ToolCallPart {
  const id = call.needText("id");
  const custom = call.object("custom");
  const called = custom ?? call.object("function");
  if (called === null && !call.has("function")) call.faults.missing(call.path("function"));
  const signature = readGoogleSignature(call.fields);
  return {
    ...{ kind: "tool_call", id, name: called?.needText("name") ?? "" },
    arguments: custom === null ? argumentsOf(called?.fields ?? {}) : custom.needText("input"),
    ...(custom === null ? {} : { is_custom: true }),
    ...(signature === null ? {} : { signature }),
  };
}

/** A call's arguments as text; servers that say them as an object are understood. */
export function argumentsOf({ arguments: given }: Readonly<Record<string, unknown>>): string {
  if (typeof given === "string") return given;
  return isFields(given) ? JSON.stringify(given) : "";
}

function readResult(
  message: Checked,
  role: "tool" | "function",
  name: string | null,
  calls: CallsSoFar,
): readonly Part[] {
  const content = readContent(message, "content");
  const is_error = message.fields["is_error"] === true;
  if (role === "function") {
    if (name === null) message.faults.missing(message.path("name"));
    const call_id = calls.legacyId(name ?? "");
    return [{ kind: "tool_result", call_id, name: name ?? "", content, is_error }];
  }
  const call_id = message.needText("tool_call_id");
  const called = name ?? calls.nameOf(call_id);
  return [{ kind: "tool_result", call_id, ...(called === null ? {} : { name: called }), content, is_error }];
}
