// Custom tools, which take any text, at providers that know functions only: each is shown as a function with the text as its one argument, and
// its calls are made calls of a custom tool again. Source: OpenAI API reference, "Custom tools".

import { isFields } from "../fields.ts";
import type { ChatAnswer, EventSink, StreamEvent } from "./answer.ts";
import type { Part } from "./parts.ts";
import type { ChatRequest, Tool } from "./request.ts";

/** The function's one argument. */
const INPUT = "input";

/** Most characters of a call that are kept until all of it is there; a longer one is given on as it comes. */
const CALL_LENGTH_MAX = 4 << 20;

/** A custom tool as a function. A grammar that the text has to be of is lost. */
export function functionOfCustom(tool: Extract<Tool, { kind: "custom" }>): Tool {
  const { name, description, cache } = tool;
  return {
    kind: "function",
    name,
    ...(description === undefined ? {} : { description }),
    parameters: {
      type: "object",
      properties: { [INPUT]: { type: "string", description: "All that the tool is given, as plain text." } },
      required: [INPUT],
      additionalProperties: false,
    },
    ...(cache === undefined ? {} : { cache }),
  };
}

/** The names of a request's custom tools; null: it has none. */
function customNames({ tools }: ChatRequest): ReadonlySet<string> | null {
  const names = tools.flatMap((tool) => (tool.kind === "custom" ? [tool.name] : []));
  return names.length === 0 ? null : new Set(names);
}

/** An answer whose calls of the request's custom tools are such, whatever format they came in. */
export function withCustomCalls(answer: ChatAnswer, request: ChatRequest): ChatAnswer {
  const names = customNames(request);
  if (names === null) return answer;
  const choices = answer.choices.map((choice) => ({
    ...choice,
    parts: choice.parts.map((part) => customCall(part, names)),
  }));
  return { ...answer, choices };
}

function customCall(part: Part, names: ReadonlySet<string>): Part {
  if (part.kind !== "tool_call" || part.is_custom === true || !names.has(part.name)) return part;
  return { ...part, is_custom: true, arguments: textOf(part.arguments) };
}

/** The text that a function's arguments hold; what the model wrote instead, where they do not. */
function textOf(given: string): string {
  try {
    const value: unknown = JSON.parse(given);
    const text = isFields(value) ? value[INPUT] : undefined;
    return typeof text === "string" ? text : given;
  } catch {
    return given;
  }
}

/** As `withCustomCalls`, for the events of a stream: the text of such a call comes when all of it is there. */
export function customCallsTo(request: ChatRequest, sink: EventSink): EventSink {
  const names = customNames(request);
  if (names === null) return sink;
  const calls = new CustomCalls(names, sink);
  return (event) => calls.take(event);
}

/** A call, as far as it has come. */
interface HeldCall {
  readonly choice: number;
  readonly part: number;
  text: string;
}

class CustomCalls {
  readonly #names: ReadonlySet<string>;
  readonly #sink: EventSink;
  /** The calls that are under way: few at a time. */
  readonly #held = new Set<HeldCall>();

  constructor(names: ReadonlySet<string>, sink: EventSink) {
    this.#names = names;
    this.#sink = sink;
  }

  take(event: StreamEvent): void {
    switch (event.kind) {
      case "part_start":
        this.#sink(this.#started(event));
        return;
      case "delta":
        if (!this.#holds(event)) this.#sink(event);
        return;
      case "part_stop":
        this.#tell(this.#heldCall(event));
        break;
      case "finish":
        for (const held of this.#held) if (held.choice === event.choice) this.#tell(held);
    }
    this.#sink(event);
  }

  #started(event: Extract<StreamEvent, { kind: "part_start" }>): StreamEvent {
    const { choice, part, start } = event;
    if (start.kind !== "tool_call" || start.is_custom === true || !this.#names.has(start.name)) return event;
    this.#held.add({ choice, part, text: "" });
    return { ...event, start: { ...start, is_custom: true } };
  }

  #heldCall({ choice, part }: { readonly choice: number; readonly part: number }): HeldCall | null {
    for (const held of this.#held) if (held.choice === choice && held.part === part) return held;
    return null;
  }

  #holds(event: Extract<StreamEvent, { kind: "delta" }>): boolean {
    const held = this.#heldCall(event);
    if (held === null) return false;
    held.text += event.text;
    if (held.text.length > CALL_LENGTH_MAX) this.#tell(held);
    return true;
  }

  #tell(held: HeldCall | null): void {
    if (held === null) return;
    this.#held.delete(held);
    const { choice, part } = held;
    const text = textOf(held.text);
    if (text !== "") this.#sink({ kind: "delta", choice, part, text });
  }
}
