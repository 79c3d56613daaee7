// A stream of chat completions as a client is given it (OpenAI API reference, "The chat completion chunk object"): for each choice the
// role, what it says, and its finish reason; then usage, for those who asked, and `[DONE]`.

import type { PartStart, StreamEvent, TokenLogprob } from "../../neutral/answer.ts";
import type { AnswerContext, StreamWriter } from "../../neutral/format.ts";
import type { OwnPart, Part, Signature } from "../../neutral/parts.ts";
import { laterUsage, type Usage } from "../../usage.ts";
import { writeSound } from "./audio.ts";
import { writeCitation } from "./citations.ts";
import { writeErrorEvent } from "./error.ts";
import { writeFinish } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";
import { usesFunctions } from "./read_tools.ts";
import { encryptedDetail, isGoogles, textDetail, writeGoogleSignature } from "./reasoning.ts";
import { writeHead, writeImage } from "./write_answer.ts";
import { writeUsage } from "./write_usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A part that has begun. */
interface OpenPart {
  readonly start: PartStart;
  /** Where its text begins in the content. */
  readonly offset: number;
  /** Of a call: its place among the calls; -1: told as `function_call`. */
  readonly call: number;
  /** Of thoughts: their text, which their signature is told with; null where it is too long to be kept. */
  texts: string[] | null;
  length: number;
  signature: Signature | null;
}

interface Choice {
  readonly index: number;
  readonly parts: Map<number, OpenPart>;
  calls: number;
  details: number;
  content_length: number;
  refused: boolean;
  finished: boolean;
  /** Of the tokens of the next delta. */
  logprobs: readonly TokenLogprob[];
  /** Thoughts that ended just now, and were told as plain text alone. */
  untold: OpenPart | null;
}

/** The longest thought that is kept to be told again with its signature; characters. */
const THOUGHT_MAX = 8 * 1024 * 1024;
const LEGACY_CALL = -1;
/** Of so many choices the roles are told at once; more than any provider gives. */
const CHOICES_MAX = 128;

/** Writes a stream; see `AnswerFormat.writeStream`. */
export function writeStream(context: AnswerContext): StreamWriter {
  return new ChatStreamWriter(context);
}

class ChatStreamWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #legacy: boolean;
  readonly #choices = new Map<number, Choice>();
  /** What every chunk begins with, up to the choice's index. */
  #head = "";
  /** What every chunk ends with, behind its finish reason. */
  #tail = "";
  #usage: Usage | null = null;
  #ended = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#legacy = usesFunctions(context.request.tools);
  }

  write(event: StreamEvent): string {
    if (this.#ended) return "";
    switch (event.kind) {
      case "start":
        return this.#start(event);
      case "usage":
        this.#usage = laterUsage(this.#usage, event.usage);
        return "";
      case "end":
        return this.#end();
      case "error":
        this.#ended = true;
        return writeErrorEvent(event.error);
      default: {
        const opened = this.#head === "" ? this.#start({ id: "", model: "", created_s: null }) : "";
        const known = this.#choices.get(event.choice);
        const choice = known ?? this.#newChoice(event.choice);
        const said = choice.finished ? "" : this.#said(event, choice);
        return known === undefined ? opened + this.#role(choice) + said : opened + said;
      }
    }
  }

  #start(head: Omit<Extract<StreamEvent, { kind: "start" }>, "kind">): string {
    if (this.#head !== "") return "";
    const { id, created, model } = writeHead(head, this.#context);
    const { service_tier, own } = head;
    const { system_fingerprint, ...others } = own?.format === "chat" ? own.fields : {};
    const fields = {
      ...{ id, object: "chat.completion.chunk", created, model },
      ...(service_tier === undefined ? {} : { service_tier }),
      ...(system_fingerprint === undefined ? {} : { system_fingerprint }),
    };
    this.#head = `data: ${JSON.stringify(fields).slice(0, -1)},"choices":[`;
    // As OpenAI does it: where usage comes in a chunk of its own, the others say that they have none.
    this.#tail = this.#context.request.asks_usage ? '],"usage":null}\n\n' : "]}\n\n";
    // What else the answer says of itself stands in the first chunk alone.
    const first = JSON.stringify(others).slice(1, -1);
    const choices = Math.min(this.#context.request.choices ?? 1, CHOICES_MAX);
    let roles = "";
    for (let index = 0; index < choices; index++) roles += this.#role(this.#newChoice(index));
    return first === "" ? roles : roles.replace(',"choices":[', () => `,${first},"choices":[`);
  }

  #newChoice(index: number): Choice {
    const choice: Choice = {
      ...{ index, parts: new Map(), calls: 0, details: 0, content_length: 0 },
      ...{ refused: false, finished: false, logprobs: [], untold: null },
    };
    this.#choices.set(index, choice);
    return choice;
  }

  #role(choice: Choice): string {
    return this.#chunk(choice, '{"role":"assistant","content":"","refusal":null}');
  }

  /** A chunk of one choice. @param delta JSON */
  #chunk(choice: Choice, delta: string, finish: string | null = null, others = ""): string {
    let logprobs = "null";
    if (choice.logprobs.length > 0) {
      logprobs = JSON.stringify(writeLogprobs(choice.logprobs, choice.refused));
      choice.logprobs = [];
    }
    const reason = finish === null ? "null" : JSON.stringify(finish);
    return `${this.#head}{"index":${choice.index},"delta":${delta},"logprobs":${logprobs},"finish_reason":${reason}${others}}${this.#tail}`;
  }

  #said(event: Exclude<StreamEvent, { kind: "start" | "usage" | "end" | "error" }>, choice: Choice): string {
    switch (event.kind) {
      case "part_start":
        return this.#partStart(event.start, event.part, choice);
      case "logprobs":
        // They belong to the delta that follows, mostly.
        choice.logprobs = choice.logprobs.length === 0 ? event.tokens : [...choice.logprobs, ...event.tokens];
        return "";
      case "finish":
        return this.#finish(event, choice);
    }
    const part = choice.parts.get(event.part);
    if (part === undefined) return "";
    switch (event.kind) {
      case "delta":
        return this.#grow(part, event.text, choice);
      case "citation":
        return this.#fields(choice, { annotations: [writeCitation(event.citation, part.offset)] });
      case "signature":
        return this.#sign(part, event.signature, choice);
      case "part_stop":
        choice.parts.delete(event.part);
        return this.#partStop(part, choice);
    }
  }

  #fields(choice: Choice, delta: Fields): string {
    return this.#chunk(choice, JSON.stringify(delta));
  }

  #partStart(start: PartStart, number: number, choice: Choice): string {
    const { untold } = choice;
    choice.untold = null;
    const is_call = start.kind === "tool_call";
    const call = is_call ? (this.#legacy && choice.calls === 0 ? LEGACY_CALL : choice.calls) : 0;
    if (is_call) choice.calls += 1;
    const part: OpenPart = {
      ...{ start, offset: choice.content_length, call },
      ...{ texts: start.kind === "thinking" ? [] : null, length: 0, signature: null },
    };
    choice.parts.set(number, part);
    switch (start.kind) {
      case "text":
        return "";
      case "refusal":
        choice.refused = true;
        return "";
      case "thinking": {
        // So that a client's list of details tells where one thought ends and the next begins.
        const before = untold === null ? "" : this.#detail(untold, choice);
        if (start.encrypted === undefined) return before;
        const detail = encryptedDetail(start.encrypted, choice.details++, start.id);
        return before + this.#fields(choice, { reasoning_details: [detail] });
      }
      case "tool_call":
        return this.#callStart(start, call, choice);
      case "whole":
        return this.#whole(start.whole, choice);
    }
  }

  #callStart(start: Extract<PartStart, { kind: "tool_call" }>, call: number, choice: Choice): string {
    const { id, name, is_custom, signature } = start;
    if (call === LEGACY_CALL) return this.#fields(choice, { function_call: { name, arguments: "" } });
    const called = is_custom
      ? { type: "custom", custom: { name, input: "" } }
      : { type: "function", function: { name, arguments: "" } };
    const google = signature !== undefined && isGoogles(signature) ? writeGoogleSignature(signature) : {};
    const opened = this.#fields(choice, { tool_calls: [{ index: call, id, ...called, ...google }] });
    return signature === undefined || isGoogles(signature)
      ? opened
      : opened +
          this.#fields(choice, { reasoning_details: [encryptedDetail(signature, choice.details++, id)] });
  }

  #whole(part: OwnPart | Part, choice: Choice): string {
    if (part.kind === "audio") {
      const { call_id, now_s } = this.#context;
      const audio = writeSound(part, `audio_${call_id}`, now_s);
      return audio === null ? "" : this.#fields(choice, { audio });
    }
    if (part.kind === "own")
      return part.format === "chat" ? this.#fields(choice, { content: [part.value] }) : "";
    const image = writeImage(part);
    return image === null ? "" : this.#fields(choice, { images: [image] });
  }

  #grow(part: OpenPart, text: string, choice: Choice): string {
    if (text === "") return "";
    const { start } = part;
    switch (start.kind) {
      case "text":
        choice.content_length += text.length;
        return this.#chunk(choice, `{"content":${JSON.stringify(text)}}`);
      case "refusal":
        return this.#chunk(choice, `{"refusal":${JSON.stringify(text)}}`);
      case "thinking":
        this.#keep(part, text);
        return this.#chunk(choice, `{"reasoning_content":${JSON.stringify(text)}}`);
      case "tool_call": {
        const said = JSON.stringify(text);
        if (part.call === LEGACY_CALL) return this.#chunk(choice, `{"function_call":{"arguments":${said}}}`);
        const called = start.is_custom ? `"custom":{"input":${said}}` : `"function":{"arguments":${said}}`;
        return this.#chunk(choice, `{"tool_calls":[{"index":${part.call},${called}}]}`);
      }
      case "whole":
        return "";
    }
  }

  #keep(part: OpenPart, text: string): void {
    part.length += text.length;
    if (part.length > THOUGHT_MAX) part.texts = null;
    part.texts?.push(text);
  }

  #sign(part: OpenPart, signature: Signature, choice: Choice): string {
    const { start, call } = part;
    switch (start.kind) {
      case "thinking":
        part.signature = signature;
        return "";
      case "tool_call": {
        if (!isGoogles(signature)) {
          const detail = encryptedDetail(signature, choice.details++, start.id);
          return this.#fields(choice, { reasoning_details: [detail] });
        }
        if (call === LEGACY_CALL) return "";
        return this.#fields(choice, { tool_calls: [{ index: call, ...writeGoogleSignature(signature) }] });
      }
      case "text":
        return isGoogles(signature) ? this.#fields(choice, writeGoogleSignature(signature)) : "";
      default:
        return "";
    }
  }

  #partStop(part: OpenPart, choice: Choice): string {
    const { start, signature, length } = part;
    if (start.kind !== "thinking") return "";
    // One that was encrypted is told already; with an id, readers wait for its text.
    const is_told = start.encrypted !== undefined && start.id === undefined && length === 0;
    const is_signed = signature !== null || start.id !== undefined || start.encrypted !== undefined;
    if (is_signed && !is_told) return this.#detail(part, choice);
    if (length > 0) choice.untold = part;
    return "";
  }

  /** The whole of a thought, with what was signed of it. */
  #detail({ start, texts, signature }: OpenPart, choice: Choice): string {
    if (start.kind !== "thinking" || texts === null) return "";
    const is_summary = start.encrypted !== undefined;
    const text = texts.join("");
    const detail = textDetail(text, signature ?? undefined, choice.details++, start.id, is_summary);
    return this.#fields(choice, { reasoning_details: [detail] });
  }

  #finish({ finish }: Extract<StreamEvent, { kind: "finish" }>, choice: Choice): string {
    choice.finished = true;
    const { refused, calls } = choice;
    const reason = writeFinish(finish, refused, this.#legacy && calls === 1);
    const sequence =
      finish.stop_sequence === undefined ? "" : `,"stop_reason":${JSON.stringify(finish.stop_sequence)}`;
    // Tokens without a delta of their own come before: the last chunk says nothing.
    const tokens = choice.logprobs.length === 0 ? "" : this.#chunk(choice, "{}");
    return tokens + this.#chunk(choice, "{}", reason, sequence);
  }

  #end(): string {
    const opened = this.#head === "" ? this.#start({ id: "", model: "", created_s: null }) : "";
    this.#ended = true;
    let finishes = "";
    for (const choice of this.#choices.values())
      if (!choice.finished) finishes += this.#chunk(choice, "{}", "stop");
    const usage =
      this.#context.request.asks_usage && this.#usage !== null
        ? `${this.#head}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`
        : "";
    return `${opened}${finishes}${usage}data: [DONE]\n\n`;
  }
}
