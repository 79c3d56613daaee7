// A stream of legacy completions, read: its chunks are completions with pieces of text (OpenAI API reference, "Create completion", `stream`).

import { isFields, list } from "../../fields.ts";
import type { EventSink } from "../../neutral/answer.ts";
import type { StreamReader } from "../../neutral/format.ts";
import { readChoiceFinish, readHead } from "../chat/read_answer.ts";
import { type ChunkReader, ChunkStreamReader } from "../chat/read_stream.ts";
import { readUsage } from "../usage.ts";
import { readLogprobs } from "./logprobs.ts";

type Fields = Readonly<Record<string, unknown>>;

/** More choices than any server gives. */
const CHOICES_MAX = 128;

interface Choice {
  is_open: boolean;
  finished: boolean;
}

/** Reads the chunks of a legacy completion. Each choice is one text. */
class TextChunks implements ChunkReader {
  readonly #sink: EventSink;
  readonly #choices = new Map<number, Choice>();
  #started = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  get finished(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every((choice) => choice.finished);
  }

  take(chunk: Fields): void {
    const choices = list(chunk["choices"]);
    if (choices.length > 0) this.#start(chunk);
    for (const [position, said] of choices.entries()) if (isFields(said)) this.#take(said, position);
    const usage = readUsage(chunk["usage"]);
    if (usage === null) return;
    this.#start(chunk);
    this.#sink({ kind: "usage", usage });
  }

  finish(): void {
    this.#start({});
    for (const [index, choice] of this.#choices) if (!choice.finished) this.#finish(index, choice, null);
  }

  #start(chunk: Fields): void {
    if (this.#started) return;
    this.#started = true;
    this.#sink({ kind: "start", ...readHead(chunk) });
  }

  #take(said: Fields, position: number): void {
    const index = said["index"] ?? position;
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= CHOICES_MAX) return;
    const choice = this.#choices.get(index) ?? { is_open: false, finished: false };
    this.#choices.set(index, choice);
    if (choice.finished) return;
    const { text, logprobs, finish_reason } = said;
    const tokens = readLogprobs(logprobs);
    if (tokens.length > 0) this.#sink({ kind: "logprobs", choice: index, tokens });
    if (typeof text === "string" && text !== "") {
      if (!choice.is_open)
        this.#sink({ kind: "part_start", choice: index, part: 0, start: { kind: "text" } });
      choice.is_open = true;
      this.#sink({ kind: "delta", choice: index, part: 0, text });
    }
    if (typeof finish_reason === "string" && finish_reason !== "") this.#finish(index, choice, said);
  }

  /** @param said null: it ends without a word of why */
  #finish(index: number, choice: Choice, said: Fields | null): void {
    choice.finished = true;
    if (choice.is_open) this.#sink({ kind: "part_stop", choice: index, part: 0 });
    const finish = said === null ? ({ reason: "stop" } as const) : readChoiceFinish(said, false, false);
    if (finish !== null) this.#sink({ kind: "finish", choice: index, finish });
  }
}

/** Reads a stream; see `AnswerFormat.readStream`. */
export function readStream(sink: EventSink): StreamReader {
  return new ChunkStreamReader(new TextChunks(sink), sink);
}
