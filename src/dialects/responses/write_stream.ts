// A stream of the Responses API: every item, every part of one and every text opens and closes with events of its own, numbered through.
// Source: OpenAI API reference, "Streaming events".

import type { Finish, StreamEvent, TokenLogprob } from "../neutral/answer.ts";
import type { AnswerContext, StreamWriter } from "../neutral/format.ts";
import type { WireError } from "../openai/error.ts";
import { laterUsage, type Usage } from "../usage.ts";
import { CallOutput } from "./call_output.ts";
import { SERVER_ERROR, writeErrorEvent, writeFailure } from "./error.ts";
import { type Ending, writeFinish } from "./finish.ts";
import { MessageOutput } from "./message_output.ts";
import { beginning, ItemIds, imageItem, signatureItem } from "./output_items.ts";
import { type Fields, ownFields } from "./own.ts";
import { ReasoningOutput } from "./reasoning_output.ts";
import { ResponseObject, type State } from "./response_object.ts";
import type { EventWriter, OutputItem } from "./stream_output.ts";
import { WholeOutput } from "./whole_output.ts";
import { writeUsage } from "./write_usage.ts";

type PartStarted = Extract<StreamEvent, { kind: "part_start" }>;

/** How long all texts of an answer may be: the last event repeats them. Characters. */
const ANSWER_LENGTH_MAX = 16 << 20;

const NO_LOGPROBS: readonly TokenLogprob[] = [];

const STARTED: State = {
  ...{ status: "in_progress", completed_at: null, error: null, incomplete_details: null },
  ...{ output: [], usage: null },
};

/** Writes one stream. */
export class ResponsesStreamWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #ids: ItemIds;
  #response: ResponseObject | null = null;
  readonly #events: EventWriter = { sequence: 0, text: "" };
  /** All items, by their place. */
  readonly #items: OutputItem[] = [];
  /** The item of each part that is not stopped. */
  readonly #open = new Map<number, OutputItem>();
  /** Those of tokens that no delta has told yet. */
  #logprobs: TokenLogprob[] = [];
  #length = 0;
  #has_refusal = false;
  #finish: Finish | null = null;
  #usage: Usage | null = null;
  #is_over = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#ids = new ItemIds(context.call_id);
  }

  write(event: StreamEvent): string {
    if (this.#is_over) return "";
    this.#take(event);
    const { text } = this.#events;
    this.#events.text = "";
    return text;
  }

  #take(event: StreamEvent): void {
    // A response has one answer.
    if ("choice" in event && event.choice !== 0) return;
    switch (event.kind) {
      case "start":
        this.#start(event);
        return;
      case "part_start":
        this.#startPart(event);
        return;
      case "delta":
        this.#addText(event.part, event.text);
        return;
      case "citation":
        this.#open.get(event.part)?.cite(event.part, event.citation);
        return;
      case "signature":
        this.#open.get(event.part)?.sign(event.part, event.signature);
        return;
      case "logprobs":
        this.#logprobs.push(...event.tokens);
        return;
      case "part_stop":
        this.#stopPart(event.part);
        return;
      case "finish":
        this.#finish ??= event.finish;
        this.#closeAll(this.#ending());
        return;
      case "usage":
        this.#usage = laterUsage(this.#usage, event.usage);
        return;
      case "end":
        this.#end();
        return;
      case "error":
        this.#fail(event.error);
        return;
    }
  }

  #start(head: ConstructorParameters<typeof ResponseObject>[0]): ResponseObject {
    if (this.#response !== null) return this.#response;
    this.#response = new ResponseObject(head, this.#context);
    const response = this.#response.in(STARTED);
    this.#tell("response.created", { response });
    this.#tell("response.in_progress", { response });
    return this.#response;
  }

  #startPart({ part, start }: PartStarted): void {
    this.#start({ id: "", model: "", created_s: null });
    const item = this.#itemFor(start);
    if (item === null) return;
    this.#open.set(part, item);
    item.start(part, start);
  }

  /** The item that a part is of: a text goes on with the message before it, as long as nothing came between. */
  #itemFor(start: PartStarted["start"]): OutputItem | null {
    const last = this.#items.at(-1);
    const index = this.#items.length;
    switch (start.kind) {
      case "text":
      case "refusal": {
        this.#has_refusal ||= start.kind === "refusal";
        const own = beginning(start);
        if (last instanceof MessageOutput && !last.is_closed && own === null) return last;
        return this.#addItem(
          new MessageOutput(this.#events, index, this.#ids.of("msg", own?.["id"]), own ?? {}),
        );
      }
      case "thinking":
        return this.#addItem(new ReasoningOutput(this.#events, index, this.#ids.of("rs", start.id), start));
      case "tool_call": {
        if (start.signature !== undefined)
          this.#addWhole(signatureItem("behind", start.signature, this.#ids.of("rs", undefined)));
        const id = this.#ids.of(start.is_custom === true ? "ctc" : "fc", ownFields(start)["id"]);
        const call_id = this.#ids.ofCall(start.id);
        return this.#addItem(new CallOutput(this.#events, this.#items.length, id, start, call_id));
      }
      case "whole": {
        const { whole } = start;
        if (whole.kind === "image") {
          const item = imageItem(whole, this.#ids.of("ig", ownFields(whole)["id"]));
          if (item !== null) this.#addWhole(item);
        } else if (whole.kind === "own" && whole.format === "responses") this.#addWhole(whole.value);
        return null;
      }
    }
  }

  #addItem<Item extends OutputItem>(item: Item): Item {
    this.#seal();
    this.#items.push(item);
    item.open();
    return item;
  }

  #addWhole(value: Fields): void {
    const item = this.#addItem(new WholeOutput(this.#events, this.#items.length, value));
    item.close("completed");
  }

  /** Nothing more joins the last item: once its parts have stopped, it is whole. */
  #seal(): void {
    for (const item of this.#items.slice(-1)) item.seal();
  }

  #addText(part: number, text: string): void {
    this.#length += text.length;
    if (this.#length > ANSWER_LENGTH_MAX) {
      const message = `The answer is longer than ${ANSWER_LENGTH_MAX} characters.`;
      this.#fail({ message, type: "upstream_error", param: null, code: null });
      return;
    }
    const item = this.#open.get(part);
    if (item instanceof MessageOutput && this.#logprobs.length > 0) {
      item.add(part, text, this.#logprobs);
      this.#logprobs = [];
    } else item?.add(part, text, NO_LOGPROBS);
  }

  #stopPart(part: number): void {
    if (this.#logprobs.length > 0) this.#addText(part, "");
    const item = this.#open.get(part);
    this.#open.delete(part);
    const signature = item?.stop(part);
    if (signature) this.#addWhole(signatureItem("before", signature, this.#ids.of("rs", undefined)));
  }

  #closeAll(ending: Ending): void {
    for (const part of [...this.#open.keys()]) this.#stopPart(part);
    const last = this.#items.at(-1);
    for (const item of this.#items)
      if (item.is_open)
        item.close(item === last && ending.status !== "completed" ? "incomplete" : "completed");
  }

  #ending(): Ending {
    return writeFinish(this.#finish, this.#has_refusal);
  }

  #end(): void {
    const response = this.#start({ id: "", model: "", created_s: null });
    const ending = this.#ending();
    if (ending.status === "failed") {
      this.#fail({
        ...{ message: "The answer was broken off.", type: SERVER_ERROR, param: null, code: SERVER_ERROR },
      });
      return;
    }
    this.#closeAll(ending);
    const { status, incomplete_details } = ending;
    const completed_at = status === "completed" ? Math.max(response.created_at, this.#context.now_s) : null;
    const output = this.#items.map((item) => item.value());
    const usage = writeUsage(this.#usage);
    this.#tell(`response.${status}`, {
      response: response.in({ status, completed_at, error: null, incomplete_details, output, usage }),
    });
    this.#is_over = true;
  }

  #fail(error: WireError): void {
    const response = this.#start({ id: "", model: "", created_s: null });
    const { type, ...event } = writeErrorEvent(error, 0);
    this.#tell(`${type}`, event);
    const output = this.#items.map((item) => item.value());
    const failure = writeFailure(error);
    const usage = writeUsage(this.#usage);
    this.#tell("response.failed", {
      response: response.in({ ...STARTED, status: "failed", error: failure, output, usage }),
    });
    this.#is_over = true;
  }

  #tell(type: string, fields: Fields): void {
    const { sequence_number: _, ...event } = fields as Fields & { readonly sequence_number?: unknown };
    const data = JSON.stringify({ type, ...event, sequence_number: this.#events.sequence++ });
    this.#events.text += `event: ${type}\ndata: ${data}\n\n`;
  }
}
