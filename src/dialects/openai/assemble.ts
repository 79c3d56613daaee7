// A whole answer out of a recorded stream: what a client without `stream` would have been given.
// Known texts are joined, lists are appended, of everything else the last that says something stays: whatever a provider adds
// to the format is carried along.

import { isExactNumber, parseExact } from "../../wire/exact_json.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { isFields } from "../fields.ts";
import { readError } from "./error.ts";
import { isDone, isNamedError } from "./stream.ts";

type Fields = Record<string, unknown>;

/** The members of a delta that come in pieces. */
const DELTA_TEXTS: ReadonlySet<string> = new Set(["content", "refusal", "reasoning_content", "reasoning"]);
/** Those of a tool call's function, or of its custom tool. */
const CALL_TEXTS: ReadonlySet<string> = new Set(["arguments", "input"]);
/** Those of a sound. Its data come in pieces too, see `joinBase64`. */
const AUDIO_TEXTS: ReadonlySet<string> = new Set(["transcript"]);
/** Those of the parts of a content (Mistral) or of `reasoning_details` (OpenRouter). */
const PART_TEXTS: ReadonlySet<string> = new Set(["text", "summary"]);
/** The types of parts that come in pieces. */
const PART_TYPES: ReadonlySet<unknown> = new Set(["text", "thinking", "reasoning.text", "reasoning.summary"]);
const NO_TEXTS: ReadonlySet<string> = new Set();

/** Members of chunks that are not of the answer: what stands elsewhere in it, and padding (OpenAI's, Mistral's). */
const NOT_CARRIED: ReadonlySet<string> = new Set(["object", "choices", "obfuscation", "p"]);

/**
 * The plain answer, as JSON, that a recorded stream of chat or legacy completions says; linear in its length.
 * Null where the stream holds an error, is not complete, or is of another format.
 *
 * Numbers keep all their digits. Lost are padding, the `index` of tool calls, which choice's chunk came when, and what stands in
 * one place of an answer alone but twice in a stream (the last is kept).
 * @param choices how many choices were asked for: fewer are not complete
 */
export function assembleAnswer(events: Uint8Array, choices = 1): Uint8Array | null {
  const assembly = new Assembly();
  const framer = new SseFramer(events.length + 1, { onEvent: (event) => assembly.add(event) });
  framer.feed(events);
  const rest = framer.end();
  if (rest !== null) assembly.addRest(rest);
  const answer = assembly.answer(choices);
  return answer === null ? null : Buffer.from(JSON.stringify(answer));
}

/** What has been said so far. */
class Assembly {
  readonly #fields = newFields();
  readonly #choices = new Map<number, Choice>();
  #is_done = false;
  #is_broken = false;

  add({ data, name }: SseEvent): void {
    if (data === null || this.#is_done || this.#is_broken) return;
    if (isDone(data)) {
      this.#is_done = true;
    } else if ((name !== null && isNamedError(name)) || !this.#addChunk(parseExact(data))) {
      this.#is_broken = true;
    }
  }

  /** An event that no blank line closed: clients take it where it is all there. */
  addRest(event: SseEvent): void {
    if (event.data !== null && parseExact(event.data) !== undefined) this.add(event);
  }

  /** False: it is no chunk. */
  #addChunk(chunk: unknown): boolean {
    if (!isFields(chunk) || readError(chunk, 200) !== null) return false;
    const { choices } = chunk;
    if (!Array.isArray(choices)) return false;
    merge(this.#fields, chunk, NO_TEXTS);
    return choices.every((said: unknown, position) => isFields(said) && this.#addChoice(said, position));
  }

  #addChoice(said: Fields, position: number): boolean {
    const index = said["index"] ?? position;
    if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0) return false;
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new Choice(index);
      this.#choices.set(index, choice);
    }
    return choice.add(said);
  }

  /** The answer, or null where it is not complete. */
  answer(least: number): Fields | null {
    const choices = [...this.#choices.values()].sort((a, b) => a.index - b.index);
    const kind = choices[0]?.kind;
    if (this.#is_broken || choices.length < least || kind === undefined || kind === null) return null;
    if (!choices.every((choice) => choice.is_finished && choice.kind === kind)) return null;

    const { id, created, model, usage, ...others } = this.#fields;
    const object = kind === "chat" ? "chat.completion" : "text_completion";
    const answer = fieldsOf({ id, object, created, model });
    for (const name in others) if (!NOT_CARRIED.has(name)) answer[name] = others[name];
    answer["choices"] = choices.map((choice) => choice.whole());
    if (isFields(usage)) answer["usage"] = usage;
    return answer;
  }
}

/** One choice of the answer. */
class Choice {
  readonly index: number;
  /** Whose chunks these are; null as long as no chunk showed it. */
  kind: "chat" | "text" | null = null;
  readonly #fields = newFields();
  readonly #message = newFields();
  readonly #calls = new Map<number, Fields>();
  #last_call = -1;
  #logprobs: Fields | null = null;
  #text = "";

  constructor(index: number) {
    this.index = index;
  }

  get is_finished(): boolean {
    return typeof this.#fields["finish_reason"] === "string";
  }

  /** Adds what a chunk says of it; false if that is an error, or of neither kind, or of both. */
  add(said: Fields): boolean {
    if (readError(said, 200) !== null) return false;
    const { index: _, delta, text, message, logprobs, ...others } = said;
    merge(this.#fields, others, NO_TEXTS);
    if (isFields(logprobs)) {
      this.#logprobs ??= newFields();
      for (const name in logprobs) addLogprobs(this.#logprobs, name, logprobs[name]);
    }
    if (isFields(delta)) {
      this.#addDelta(delta);
      return this.#isOf("chat");
    }
    if (typeof text === "string") {
      this.#text += text;
      return this.#isOf("text");
    }
    // A chunk about the choice alone, such as what a filter found in it. A message without a delta is no chunk.
    return message === undefined;
  }

  #isOf(kind: "chat" | "text"): boolean {
    this.kind ??= kind;
    return this.kind === kind;
  }

  #addDelta(delta: Fields): void {
    const { tool_calls, ...others } = delta;
    for (const name in others) addMember(this.#message, name, others[name]);
    if (Array.isArray(tool_calls)) {
      this.#message["tool_calls"] ??= [];
      for (const call of tool_calls) if (isFields(call)) this.#addCall(call);
    } else if (tool_calls === null) {
      this.#message["tool_calls"] ??= null;
    }
  }

  #addCall(said: Fields): void {
    const index = this.#indexOfCall(said);
    this.#last_call = index;
    let call = this.#calls.get(index);
    if (call === undefined) {
      call = newFields();
      this.#calls.set(index, call);
    }
    const { index: _, ...others } = said;
    for (const name in others) {
      const value = others[name];
      const is_called = (name === "function" || name === "custom") && isFields(value);
      if (is_called) call[name] = merge(calledOf(call[name]), value, CALL_TEXTS);
      else mergeMember(call, name, value, NO_TEXTS);
    }
  }

  /** Where no index is told, a new id begins a new call. */
  #indexOfCall({ index, id }: Fields): number {
    if (typeof index === "number") return index;
    const last = this.#calls.get(this.#last_call);
    const is_new = last === undefined || (typeof id === "string" && id !== "" && last["id"] !== id);
    return is_new ? this.#last_call + 1 : this.#last_call;
  }

  whole(): Fields {
    const { finish_reason, ...others } = this.#fields;
    const { index } = this;
    const logprobs = this.#logprobs;
    return this.kind === "chat"
      ? fieldsOf({ index, message: this.#wholeMessage(), logprobs, finish_reason, ...others })
      : fieldsOf({ text: this.#text, index, logprobs, finish_reason, ...others });
  }

  #wholeMessage(): Fields {
    const message = fieldsOf({ role: "assistant", content: null, refusal: null });
    for (const name in this.#message) message[name] = this.#message[name];
    if (message["role"] === null || message["role"] === "") message["role"] = "assistant";
    const { audio } = message;
    if (isFields(audio) && Array.isArray(audio["data"])) audio["data"] = joinBase64(audio["data"]);
    if (this.#calls.size > 0) {
      message["tool_calls"] = [...this.#calls].sort(([a], [b]) => a - b).map(([, call]) => wholeCall(call));
    }
    return message;
  }
}

/** Adds a member of a delta to the message. */
function addMember(message: Fields, name: string, value: unknown): void {
  const before = message[name];
  if (Array.isArray(value)) {
    message[name] = appendParts(partsOf(before), value);
  } else if (Array.isArray(before) && typeof value === "string") {
    if (value !== "") appendParts(before, partsOf(value));
  } else if (name === "function_call" && isFields(value)) {
    message[name] = merge(calledOf(before), value, CALL_TEXTS);
  } else if (name === "audio" && isFields(value)) {
    message[name] = addAudio(isFields(before) ? before : newFields(), value);
  } else {
    mergeMember(message, name, value, DELTA_TEXTS);
  }
}

/** What is there of a list; a text that came before its first parts is a part as well. */
function partsOf(before: unknown): unknown[] {
  if (Array.isArray(before)) return before;
  return typeof before === "string" && before !== "" ? [{ type: "text", text: before }] : [];
}

/** Appends what a chunk holds of a list; its first part may go on with the last that is there. */
function appendParts(parts: unknown[], more: readonly unknown[]): unknown[] {
  more.forEach((part, position) => {
    const last = parts.at(-1);
    if (position === 0 && isFields(part) && isFields(last) && continues(last, part)) {
      parts[parts.length - 1] = joinParts(last, part);
    } else {
      parts.push(part);
    }
  });
  return parts;
}

function continues(part: Fields, next: Fields): boolean {
  return part["type"] === next["type"] && part["index"] === next["index"] && PART_TYPES.has(part["type"]);
}

function joinParts(part: Fields, next: Fields): Fields {
  const joined = Object.getPrototypeOf(part) === null ? part : fieldsOf(part);
  const { thinking, ...others } = next;
  if (Array.isArray(thinking)) joined["thinking"] = appendParts(partsOf(joined["thinking"]), thinking);
  return merge(joined, others, PART_TEXTS);
}

function addLogprobs(logprobs: Fields, name: string, value: unknown): void {
  const before = logprobs[name];
  if (!Array.isArray(value)) mergeMember(logprobs, name, value, NO_TEXTS);
  else if (!Array.isArray(before)) logprobs[name] = value;
  else for (const token of value) before.push(token);
}

function addAudio(audio: Fields, value: Fields): Fields {
  const { data, ...others } = value;
  merge(audio, others, AUDIO_TEXTS);
  if (typeof data === "string") {
    const pieces = audio["data"];
    if (Array.isArray(pieces)) pieces.push(data);
    else audio["data"] = [data];
  }
  return audio;
}

/** One base64 text of several, each of which may be padded for itself. */
function joinBase64(pieces: readonly unknown[]): string {
  const texts = pieces.map(String);
  const is_one_text = texts.slice(0, -1).every((text) => text.length % 4 === 0 && !text.endsWith("="));
  if (is_one_text) return texts.join("");
  return Buffer.concat(texts.map((text) => Buffer.from(text, "base64"))).toString("base64");
}

function wholeCall(call: Fields): Fields {
  const { function: called } = call;
  if (isFields(called) && typeof called["arguments"] !== "string") called["arguments"] = "";
  return call;
}

/** What is there of a function that is called. */
function calledOf(before: unknown): Fields {
  return isFields(before) ? before : newFields();
}

/** Adds the members of `from`. */
function merge(into: Fields, from: Fields, texts: ReadonlySet<string>): Fields {
  for (const name in from) mergeMember(into, name, from[name], texts);
  return into;
}

/** A text in pieces is joined; else the last value stays, but one that says nothing takes nothing away. */
function mergeMember(into: Fields, name: string, value: unknown, texts: ReadonlySet<string>): void {
  const before = into[name];
  if (texts.has(name) && typeof before === "string" && typeof value === "string") into[name] = before + value;
  else if (before === undefined || !saysNothing(value)) into[name] = value;
}

/** Whether a value is none: chunks that a filter adds have an empty id and were created at 0. */
function saysNothing(value: unknown): boolean {
  if (value === null || value === "" || value === 0) return true;
  return typeof value === "object" && !isExactNumber(value) && Object.keys(value).length === 0;
}

/** Fields without a prototype, so that any name may be one. */
function newFields(): Fields {
  return Object.create(null) as Fields;
}

function fieldsOf(from: Fields): Fields {
  return Object.assign(newFields(), from);
}
