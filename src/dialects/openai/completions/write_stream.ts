// A stream of legacy completions as a client is given it: completions with pieces of text, then usage, for those who asked, and `[DONE]`.

import type { StreamEvent, TokenLogprob } from "../../neutral/answer.ts";
import type { AnswerContext, StreamWriter } from "../../neutral/format.ts";
import { laterUsage, type Usage } from "../../usage.ts";
import { writeErrorEvent } from "../chat/error.ts";
import { writeHead } from "../chat/write_answer.ts";
import { writeUsage } from "../chat/write_usage.ts";
import { writeFinish } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";

interface Choice {
  readonly index: number;
  /** The parts that are told: texts and refusals. */
  readonly told: Set<number>;
  logprobs: readonly TokenLogprob[];
  /** How much text the tokens had whose logprobs were told. */
  offset: number;
  finished: boolean;
}

/** Writes a stream; see `AnswerFormat.writeStream`. */
export function writeStream(context: AnswerContext): StreamWriter {
  return new TextStreamWriter(context);
}

class TextStreamWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #choices = new Map<number, Choice>();
  #head = "";
  #tail = "";
  #usage: Usage | null = null;
  #ended = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  write(event: StreamEvent): string {
    if (this.#ended) return "";
    switch (event.kind) {
      case "start":
        this.#start(event);
        return "";
      case "usage":
        this.#usage = laterUsage(this.#usage, event.usage);
        return "";
      case "end":
        return this.#end();
      case "error":
        this.#ended = true;
        return writeErrorEvent(event.error);
      case "citation":
      case "signature":
        return "";
    }
    this.#start({ id: "", model: "", created_s: null });
    const choice = this.#choice(event.choice);
    if (choice.finished) return "";
    switch (event.kind) {
      case "part_start": {
        const { kind } = event.start;
        if (kind === "text" || kind === "refusal") choice.told.add(event.part);
        return "";
      }
      case "part_stop":
        return "";
      case "delta":
        return choice.told.has(event.part) && event.text !== ""
          ? this.#chunk(choice, JSON.stringify(event.text))
          : "";
      case "logprobs":
        choice.logprobs = [...choice.logprobs, ...event.tokens];
        return "";
      case "finish": {
        choice.finished = true;
        const { stop_sequence } = event.finish;
        const others = stop_sequence === undefined ? "" : `,"stop_reason":${JSON.stringify(stop_sequence)}`;
        return this.#chunk(choice, '""', JSON.stringify(writeFinish(event.finish)), others);
      }
    }
  }

  #start(head: Omit<Extract<StreamEvent, { kind: "start" }>, "kind">): void {
    if (this.#head !== "") return;
    const fields = { ...writeHead(head, this.#context, "cmpl"), object: "text_completion" };
    this.#head = `data: ${JSON.stringify(fields).slice(0, -1)},"choices":[`;
    // As OpenAI does it: where usage comes in a chunk of its own, the others say that they have none.
    this.#tail = this.#context.request.asks_usage ? '],"usage":null}\n\n' : "]}\n\n";
  }

  #choice(index: number): Choice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = { index, told: new Set(), logprobs: [], offset: 0, finished: false };
      this.#choices.set(index, choice);
    }
    return choice;
  }

  /** A chunk of one choice. @param text JSON */
  #chunk(choice: Choice, text: string, finish = "null", others = ""): string {
    let logprobs = "null";
    if (choice.logprobs.length > 0) {
      logprobs = JSON.stringify(writeLogprobs(choice.logprobs, choice.offset));
      for (const { token } of choice.logprobs) choice.offset += token.length;
      choice.logprobs = [];
    }
    return `${this.#head}{"text":${text},"index":${choice.index},"logprobs":${logprobs},"finish_reason":${finish}${others}}${this.#tail}`;
  }

  #end(): string {
    this.#start({ id: "", model: "", created_s: null });
    this.#ended = true;
    let finishes = "";
    for (const choice of this.#choices.values())
      if (!choice.finished) finishes += this.#chunk(choice, '""', '"stop"');
    const usage =
      this.#context.request.asks_usage && this.#usage !== null
        ? `${this.#head}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`
        : "";
    return `${finishes}${usage}data: [DONE]\n\n`;
  }
}
