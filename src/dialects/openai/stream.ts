// Watching a stream of OpenAI's format go by: has the answer begun, what did it use, did it end.
// Before the first content each event is parsed; after it, three byte searches an event are all there is.

import { indexOf, needle } from "../../wire/search.ts";
import type { Usage } from "../usage.ts";
import { readError, type WireError } from "./error.ts";
import { readUsage } from "./usage.ts";

const USAGE = needle('"usage"');
const FINISH_REASON = needle('"finish_reason"');
const ERROR = needle('"error"');
const DONE = needle("[DONE]");

const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_N = 0x6e;

const decoder = new TextDecoder();

/** What an event is to a relay: an opening may be held back, the first of the others begins the answer. */
export type EventClass = "opening" | "content";

/** The data of an event, and its name where it has one. */
export interface StreamEvent {
  readonly data: Uint8Array | null;
  readonly name: Uint8Array | null;
}

/** Whether the data of an event that no blank line closed is all there: it may have been cut anywhere. */
export function isWhole({ data }: StreamEvent): boolean {
  return data === null || isDone(data) || parse(data) !== null;
}

function isDone(data: Uint8Array): boolean {
  return data.length === DONE.length && indexOf(data, DONE) === 0;
}

/** Whether a member named by `wanted` is there with a value other than null. */
function hasValue(data: Uint8Array, wanted: typeof USAGE): boolean {
  let at = indexOf(data, wanted);
  while (at >= 0) {
    at += wanted.length;
    while (at < data.length && data[at]! <= SPACE) at++;
    if (data[at] === COLON) {
      at++;
      while (at < data.length && data[at]! <= SPACE) at++;
      if (data[at] !== LETTER_N) return true;
    }
    at = indexOf(data, wanted, at);
  }
  return false;
}

function parse(data: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(data));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Whether a choice of a chunk says nothing yet: a role, an empty text. */
function isOpeningChoice(choice: unknown): boolean {
  if (typeof choice !== "object" || choice === null) return true;
  const { delta, text, finish_reason } = choice as Record<string, unknown>;
  if (!isEmpty(finish_reason) || !isEmpty(text)) return false;
  if (typeof delta !== "object" || delta === null) return true;
  return Object.entries(delta).every(([name, value]) => name === "role" || isEmpty(value));
}

/** Watches one stream. Feed it every event, in order. */
export class StreamWatch {
  /** `[DONE]` came. */
  done = false;
  /** Every choice gave its finish reason. */
  finished = false;
  /** An error that came as an event. */
  error: WireError | null = null;

  readonly #hide_usage: boolean;
  #usage_data: Uint8Array | null = null;
  #choices_left: number;

  /**
   * @param hide_usage leave out the chunk that carries usage alone, because the client did not ask for it
   * @param choices how many choices the client asked for (`n`), each of which has to finish
   */
  constructor(hide_usage: boolean, choices = 1) {
    this.#hide_usage = hide_usage;
    this.#choices_left = choices;
  }

  /** Whether the stream came to an end: well, or by an error that it told of. */
  get complete(): boolean {
    return this.done || this.finished || this.error !== null;
  }

  /** What the event is; for the events before the first content only. Call `see` as well. */
  classify(event: StreamEvent): EventClass {
    const { data } = event;
    if (data === null) return "opening";
    const chunk = parse(data);
    if (chunk === null) return "content";
    const choices = chunk["choices"];
    if (!Array.isArray(choices)) return "content";
    if (choices.length === 0) return chunk["usage"] ? "content" : "opening";
    return choices.every(isOpeningChoice) ? "opening" : "content";
  }

  /** Notes what the event says. False: the client must not see it. */
  see(event: StreamEvent): boolean {
    const { data } = event;
    if (data === null) return true;
    if (isDone(data)) {
      this.done = true;
      return true;
    }
    if (!this.finished && hasValue(data, FINISH_REASON)) this.#seeFinish(data);
    if (hasValue(data, ERROR)) this.#seeError(data, false);
    else if (event.name !== null && isNamedError(event.name)) this.#seeError(data, true);
    if (hasValue(data, USAGE)) {
      this.#usage_data = data;
      if (this.#hide_usage) return !isUsageAlone(data);
    }
    return true;
  }

  /** The last usage seen, or null. */
  usage(): Usage | null {
    if (this.#usage_data === null) return null;
    return readUsage(parse(this.#usage_data)?.["usage"]);
  }

  #seeFinish(data: Uint8Array): void {
    const choices = this.#choices_left > 1 ? parse(data)?.["choices"] : null;
    this.#choices_left -= Array.isArray(choices) ? choices.filter(hasFinished).length : 1;
    this.finished = this.#choices_left <= 0;
  }

  /** @param named the event is called `error`, so that its data is one even without a member of this name */
  #seeError(data: Uint8Array, named: boolean): void {
    const chunk = parse(data);
    if (named && chunk === null) this.error = plainError(decoder.decode(data.subarray(0, 500)));
    else this.error = readError(chunk, named ? 500 : 200);
  }
}

function isNamedError(name: Uint8Array): boolean {
  return name.length === 5 && decoder.decode(name) === "error";
}

function plainError(message: string): WireError {
  return { message, type: "upstream_error", param: null, code: null };
}

function hasFinished(choice: unknown): boolean {
  return typeof choice === "object" && choice !== null && "finish_reason" in choice && !!choice.finish_reason;
}

function isUsageAlone(data: Uint8Array): boolean {
  const choices = parse(data)?.["choices"];
  return Array.isArray(choices) && choices.length === 0;
}
