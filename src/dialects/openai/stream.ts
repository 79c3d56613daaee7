// Watching a stream of OpenAI's format go by: has the answer begun, what did it use, did it end.
// Before the first content each event is parsed; after it, three byte searches an event are all there is.

import { scanMembers, scanObject } from "../../wire/json.ts";
import { indexOf, needle } from "../../wire/search.ts";
import { insertMember, splice } from "../../wire/splice.ts";
import type { EventClass, StreamEvent, StreamWatch } from "../stream_watch.ts";
import type { Usage } from "../usage.ts";
import { errorEvent, readError, type WireError } from "./error.ts";
import { finishReasonOf } from "./response.ts";
import { readUsage } from "./usage.ts";

/** The key of what a chunk tells of usage. */
export const USAGE = needle('"usage"');
const FINISH_REASON = needle('"finish_reason"');
const ERROR = needle('"error"');
const DONE = needle("[DONE]");

const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_N = 0x6e;

const decoder = new TextDecoder();

/** Whether the data of an event that no blank line closed is all there: it may have been cut anywhere. */
export function isWhole({ data }: StreamEvent): boolean {
  return data === null || isDone(data) || parse(data) !== null;
}

/** Whether the data of an event says that the stream is over. */
export function isDone(data: Uint8Array): boolean {
  return data.length === DONE.length && indexOf(data, DONE) === 0;
}

/** Whether a member named by `wanted` is there with a value other than null. */
export function hasValue(data: Uint8Array, wanted: typeof USAGE): boolean {
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

/** Watches one stream of chat or legacy completions. */
export class ChatWatch implements StreamWatch {
  /** `[DONE]` came. */
  done = false;
  /** Every choice gave its finish reason. */
  finished = false;
  /** An error that came as an event. */
  error: WireError | null = null;

  readonly #hide_usage: boolean;
  #usage_data: Uint8Array | null = null;
  #finish_data: Uint8Array | null = null;
  /** The last chunk, whatever it said; null where the stream is not going to be stopped: bytes of others would be kept with it. */
  #last_data: Uint8Array | null = null;
  #may_stop = false;
  readonly #choices: number;
  #choices_left: number;

  /**
   * @param hide_usage leave out the chunk that carries usage alone, because the client did not ask for it
   * @param choices how many choices the client asked for (`n`), each of which has to finish
   */
  constructor(hide_usage: boolean, choices = 1) {
    this.#hide_usage = hide_usage;
    this.#choices = choices;
    this.#choices_left = choices;
  }

  get complete(): boolean {
    return this.done || this.finished || this.error !== null;
  }

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

  see(event: StreamEvent): boolean {
    const { data } = event;
    if (data === null) return true;
    if (isDone(data)) {
      this.done = true;
      return true;
    }
    if (this.#may_stop) this.#last_data = data;
    if (!this.finished && hasValue(data, FINISH_REASON)) this.#seeFinish(data);
    if (hasValue(data, ERROR)) this.#seeError(data, false);
    else if (event.name !== null && isNamedError(event.name)) this.#seeError(data, true);
    if (hasValue(data, USAGE)) {
      this.#usage_data = data;
      if (this.#hide_usage) return !isUsageAlone(data);
    }
    return true;
  }

  finishReason(): string | null {
    return this.#finish_data === null ? null : finishReasonOf(this.#finish_data);
  }

  usage(): Usage | null {
    if (this.#usage_data === null) return null;
    return readUsage(parse(this.#usage_data)?.["usage"]);
  }

  isWhole(event: StreamEvent): boolean {
    return isWhole(event);
  }

  withCost(raw: Uint8Array, data: Uint8Array, cost_usd: string): Uint8Array {
    return withCost(raw, data, cost_usd);
  }

  errorEvent(error: WireError): Uint8Array {
    return errorEvent(error);
  }

  mayStop(): void {
    this.#may_stop = true;
  }

  saysMore(): boolean {
    return true;
  }

  tellsUsage(data: Uint8Array): boolean {
    return !this.#hide_usage && this.#usage_data === data;
  }

  /** A chunk that says so, the usage if the client asked for it, `[DONE]`. */
  budgetStop(usage: Pick<Usage, "input_tokens" | "output_tokens">): Uint8Array {
    this.done = true;
    return stopEvents(this.#last_data, this.#choices, this.#hide_usage ? null : usage);
  }

  #seeFinish(data: Uint8Array): void {
    this.#finish_data = data;
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

/** See `budgetStop`; `last` is the data of a chunk whose id and model these have as well. */
function stopEvents(
  last: Uint8Array | null,
  choices: number,
  usage: Pick<Usage, "input_tokens" | "output_tokens"> | null,
): Uint8Array {
  const {
    id = "chatcmpl-venturi",
    object = "chat.completion.chunk",
    created = 0,
    model = "",
  } = (last === null ? null : parse(last)) ?? {};
  const chunk = { id, object, created, model };
  const ended = Array.from({ length: choices }, (_, index) =>
    object === "chat.completion.chunk"
      ? { index, delta: {}, finish_reason: "length" }
      : { index, text: "", logprobs: null, finish_reason: "length" },
  );
  const events: object[] = [{ ...chunk, choices: ended, venturi: { stopped: "budget_exceeded" } }];
  if (usage !== null) {
    const { input_tokens, output_tokens } = usage;
    const told = {
      prompt_tokens: input_tokens,
      completion_tokens: output_tokens,
      total_tokens: input_tokens + output_tokens,
    };
    events.push({ ...chunk, choices: [], usage: told });
  }
  const lines = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  return Buffer.from(`${lines}data: [DONE]\n\n`);
}

/** An event that tells usage, with the cost beside it; as it is where that cannot be said in it. */
export function withCost(event: Uint8Array, data: Uint8Array, cost_usd: string): Uint8Array {
  const scan = scanObject(data);
  const member = scan.fault === null ? scan.find("usage") : null;
  if (member === null || member.kind !== "object") return event;
  const usage = scanMembers(data, member.start, member.end);
  const at = indexOf(event, Buffer.from(data));
  if (usage.fault !== null || at < 0) return event;
  const told = usage.find("cost_usd");
  const cost = Buffer.from(cost_usd);
  const edit = told === null ? insertMember(usage, "cost_usd", cost) : { ...told, bytes: cost };
  return Buffer.concat(splice(event, [{ start: at + edit.start, end: at + edit.end, bytes: edit.bytes }]));
}

/** Whether an event of this name is an error. */
export function isNamedError(name: Uint8Array): boolean {
  return name.length === 5 && decoder.decode(name) === "error";
}

function plainError(message: string): WireError {
  return { message, type: "upstream_error", param: null, code: null };
}

function hasFinished(choice: unknown): boolean {
  return typeof choice === "object" && choice !== null && "finish_reason" in choice && !!choice.finish_reason;
}

/** Whether a chunk has no choice in it; one that has usage is for those who asked for usage. */
export function isUsageAlone(data: Uint8Array): boolean {
  const choices = parse(data)?.["choices"];
  return Array.isArray(choices) && choices.length === 0;
}
