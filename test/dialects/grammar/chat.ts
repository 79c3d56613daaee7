// What a stream and an answer of chat completions have to look like, checked without the code that writes them.
// Source: OpenAI API reference, "The chat completion object" and "The chat completion chunk object"; OpenRouter's `reasoning_details`.

import { OPENAPI_MISSING, validateAnswer, validateChunk } from "../../conformance/openapi.ts";

type Fields = Record<string, unknown>;

const FINISHES = ["stop", "length", "tool_calls", "content_filter", "function_call", "error"];
const DETAILS = ["reasoning.text", "reasoning.summary", "reasoning.encrypted"];
const DELTA_MEMBERS = [
  ...["role", "content", "refusal", "reasoning_content", "reasoning_details", "annotations", "images"],
  ...["audio", "tool_calls", "function_call", "extra_content"],
];

/** What is wrong with a stream; empty: nothing. A stream that ends with an error is fine. */
export function checkChatStream(bytes: Uint8Array | string): string[] {
  const text = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  const wrong: string[] = [];
  const events = text.split("\n\n");
  if (events.pop() !== "") wrong.push("the stream does not end with a blank line");
  const last = events.pop();
  const failed = last?.startsWith("event: error\ndata: ") === true;
  if (failed) wrong.push(...checkError(JSON.parse(last.slice("event: error\ndata: ".length))));
  else if (last !== "data: [DONE]") wrong.push(`the last event is ${last?.slice(0, 80)}`);
  const checker = new StreamChecker(wrong);
  for (const [index, event] of events.entries()) {
    if (!event.startsWith("data: {") || event.includes("\n")) {
      wrong.push(`event ${index} is not framed as it should be: ${event.slice(0, 80)}`);
      continue;
    }
    checker.take(JSON.parse(event.slice("data: ".length)) as Fields, index);
  }
  if (!failed) checker.end();
  return wrong;
}

/** What is wrong with an error's body. */
export function checkError(value: unknown): string[] {
  const { error, ...others } = value as { error?: Fields };
  if (typeof error !== "object" || Object.keys(others).length > 0)
    return ["an error is not alone in its object"];
  const wrong = ["message", "type"].filter((name) => typeof error[name] !== "string");
  for (const name of ["param", "code"])
    if (error[name] !== null && typeof error[name] !== "string") wrong.push(name);
  return wrong.map((name) => `error.${name} is ${error[name]}`);
}

class StreamChecker {
  readonly #wrong: string[];
  readonly #open = new Map<number, ChoiceChecker>();
  #head: string | null = null;
  #had_usage = false;

  constructor(wrong: string[]) {
    this.#wrong = wrong;
  }

  take(chunk: Fields, at: number): void {
    const say = (what: string): void => void this.#wrong.push(`chunk ${at}: ${what}`);
    const { id, object, created, model, choices } = chunk;
    if (object !== "chat.completion.chunk") say(`object ${object}`);
    if (typeof id !== "string" || id === "" || typeof model !== "string" || model === "")
      say("no id or model");
    if (!Number.isSafeInteger(created)) say(`created ${created}`);
    const head = JSON.stringify([id, created, model]);
    if (this.#head !== null && this.#head !== head) say("id, model or time changed");
    this.#head = head;
    if (this.#had_usage) say("comes behind usage");
    if (!Array.isArray(choices)) return void say("no choices");
    if (choices.length === 0) {
      this.#had_usage = true;
      if (typeof chunk["usage"] !== "object" || chunk["usage"] === null) say("neither choices nor usage");
      for (const [index, choice] of this.#open)
        if (!choice.finished) say(`usage before choice ${index} has finished`);
    } else if (chunk["usage"] !== undefined && chunk["usage"] !== null) say("usage beside choices");
    if (!isPlain(choices)) say("choices are no objects");
    for (const choice of choices as Fields[]) {
      const index = choice["index"] as number;
      let open = this.#open.get(index);
      if (open === undefined) {
        open = new ChoiceChecker();
        this.#open.set(index, open);
      }
      open.take(choice, say);
    }
    if (OPENAPI_MISSING === null)
      for (const problem of validateChunk("/chat/completions", standard(chunk))) say(problem);
  }

  end(): void {
    for (const [index, choice] of this.#open)
      if (!choice.finished) this.#wrong.push(`choice ${index} never finished`);
  }
}

class ChoiceChecker {
  finished = false;
  #began = false;
  #last_call = -1;
  readonly #calls = new Map<number, Fields>();

  take(choice: Fields, say: (what: string) => void): void {
    const { delta, finish_reason, index } = choice;
    if (!Number.isInteger(index)) say(`choice has index ${index}`);
    if (this.finished) say("a choice goes on behind its end");
    if (typeof delta !== "object" || delta === null) return void say("a choice has no delta");
    const said = delta as Fields;
    if (!this.#began && said["role"] !== "assistant") say("the first delta has no role");
    if (this.#began && said["role"] !== undefined) say("the role comes again");
    this.#began = true;
    for (const name of Object.keys(said)) if (!DELTA_MEMBERS.includes(name)) say(`delta has ${name}`);
    for (const name of ["content", "refusal", "reasoning_content"]) {
      const text = said[name];
      const is_text = text === undefined || text === null || typeof text === "string" || name === "content";
      if (!is_text) say(`${name} is ${typeof text}`);
      if (text === "" && said["role"] === undefined) say(`${name} is empty`);
    }
    for (const call of (said["tool_calls"] as Fields[] | undefined) ?? []) this.#call(call, say);
    for (const detail of (said["reasoning_details"] as Fields[] | undefined) ?? []) checkDetail(detail, say);
    if (finish_reason === null) return;
    this.finished = true;
    if (!FINISHES.includes(finish_reason as string)) say(`finish_reason ${finish_reason}`);
    if (Object.keys(said).length > 0) say("the last delta says something");
  }

  #call(call: Fields, say: (what: string) => void): void {
    const { index, id, type } = call;
    if (typeof index !== "number") return void say("a call has no index");
    const known = this.#calls.get(index);
    if (known !== undefined) {
      if (id !== undefined || type !== undefined) say("a call is opened twice");
      return;
    }
    if (index !== this.#last_call + 1) say(`call ${index} follows ${this.#last_call}`);
    this.#last_call = index;
    this.#calls.set(index, call);
    checkCall(call, say);
  }
}

function checkCall(call: Fields, say: (what: string) => void): void {
  const { id, type } = call;
  if (typeof id !== "string" || id === "") say("a call has no id");
  if (type !== "function" && type !== "custom") return void say(`a call is a ${type}`);
  const called = call[type] as Fields | undefined;
  if (typeof called?.["name"] !== "string") say("a call has no name");
  if (typeof called?.[type === "function" ? "arguments" : "input"] !== "string")
    say("a call has no arguments");
}

function checkDetail(detail: Fields, say: (what: string) => void): void {
  const { type, index, text, summary, data } = detail;
  if (!DETAILS.includes(type as string)) return void say(`a detail is a ${type}`);
  if (!Number.isInteger(index)) say("a detail has no index");
  const value = type === "reasoning.text" ? text : type === "reasoning.summary" ? summary : data;
  if (typeof value !== "string") say(`a ${type} without its text`);
}

function isPlain(choices: readonly unknown[]): boolean {
  return choices.every((choice) => typeof choice === "object" && choice !== null);
}

/** A chunk or an answer without what OpenAI's description does not know how to say. */
function standard(value: Fields): Fields {
  return JSON.parse(
    JSON.stringify(value, (key, member: unknown) => {
      if (key === "finish_reason" && member === "error") return "stop";
      if (key === "service_tier") return undefined;
      // OpenAI streams calls of custom tools, but does not describe it.
      if (key === "type" && member === "custom" && value["object"] === "chat.completion.chunk")
        return "function";
      // Parts in an answer are Mistral's.
      if (key === "content" && Array.isArray(member) && member.some((part: Fields) => "type" in part))
        return "";
      // Providers cite addresses that are no URIs.
      if (key === "url") return "http://a.example";
      return member;
    }),
  ) as Fields;
}

/** What is wrong with a whole answer; empty: nothing. */
export function checkChatAnswer(value: unknown): string[] {
  const wrong: string[] = [];
  const say = (what: string): void => void wrong.push(what);
  const { id, object, model, created, choices } = value as Fields;
  if (object !== "chat.completion") say(`object ${object}`);
  if (typeof id !== "string" || id === "" || typeof model !== "string" || model === "") say("no id or model");
  if (!Number.isSafeInteger(created)) say(`created ${created}`);
  if (!Array.isArray(choices)) return [...wrong, "no choices"];
  const indexes = new Set<unknown>();
  for (const choice of choices as Fields[]) {
    if (indexes.has(choice["index"])) say(`two choices ${choice["index"]}`);
    indexes.add(choice["index"]);
    const message = choice["message"] as Fields;
    if (message["role"] !== "assistant") say(`role ${message["role"]}`);
    const ids = new Set<unknown>();
    for (const call of (message["tool_calls"] as Fields[] | undefined) ?? []) {
      checkCall(call, say);
      if (ids.has(call["id"])) say(`two calls ${call["id"]}`);
      ids.add(call["id"]);
    }
    for (const detail of (message["reasoning_details"] as Fields[] | undefined) ?? [])
      checkDetail(detail, say);
  }
  if (OPENAPI_MISSING === null)
    for (const problem of validateAnswer("POST", "/chat/completions", 200, standard(value as Fields)))
      say(problem);
  return wrong;
}
