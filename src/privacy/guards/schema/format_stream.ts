// Whether a stream of chunks is becoming what was asked for, told while it flows. Nothing is held back: what breaks JSON is told at
// once, and what is not by the schema when a choice is complete, before its client hears that it is.

import { isDone } from "../../../dialects/openai/stream.ts";
import { SseFramer } from "../../../wire/sse.ts";
import { choicesOfEvent, type JudgedChoice } from "./answer_choices.ts";
import {
  type AskedFormat,
  CUT_SHORT,
  contentText,
  isCut,
  isOtherAnswer,
  JUDGED_MAX_CHARS,
  type Misfit,
  misfitOfJson,
  NO_JSON,
  NOT_JUDGED,
} from "./asked_format.ts";
import { JsonGrammar } from "./json_grammar.ts";
import { Work } from "./run.ts";

/** More choices are not judged. */
const CHOICES_MAX = 256;

/** A choice under way. */
interface Choice {
  readonly grammar: JsonGrammar;
  readonly pieces: string[];
  /** Whether it may still become JSON. */
  is_json: boolean;
  /** Whether it turned out to be no text at all. */
  is_other: boolean;
  is_over: boolean;
}

/** Watches one stream as its client gets it. */
export class FormatStream {
  /** Whether a choice is not what was asked for. */
  has_misfit = false;
  /** Nothing more may go out, the event included that was seen last. */
  is_blocked = false;
  readonly #format: AskedFormat;
  readonly #onMisfit: () => "go on" | "block";
  readonly #choices = new Map<number, Choice>();
  readonly #work = new Work();
  /** Characters of all choices together. */
  #chars = 0;

  /** @param onMisfit hears once that a choice is not what was asked for, and says what becomes of the stream */
  constructor(format: AskedFormat, onMisfit: () => "go on" | "block") {
    this.#format = format;
    this.#onMisfit = onMisfit;
  }

  /** The data of an event that is about to go out. */
  see(data: Uint8Array | null): void {
    if (data === null || this.has_misfit) return;
    if (isDone(data)) {
      this.end();
      return;
    }
    const choices = choicesOfEvent(data, this.#format.endpoint);
    if (choices === null) this.refuse();
    for (const choice of choices ?? []) this.#seeChoice(choice);
  }

  /** Whole events that are about to go out. */
  seeEvents(events: Uint8Array): void {
    if (events.length === 0 || this.has_misfit) return;
    const framer = new SseFramer(events.length + 1, { onEvent: ({ data }) => this.see(data) });
    framer.feed(events);
    this.see(framer.end()?.data ?? null);
  }

  /** No more comes: what has not ended by itself is judged as it is. @param is_cut whether there would have been more */
  end(is_cut = false): void {
    if (this.#choices.size === 0) this.#tell(NOT_JUDGED);
    for (const choice of this.#choices.values()) this.#judge(choice, is_cut);
  }

  /** There is what cannot be seen. */
  refuse(): void {
    this.#tell(NOT_JUDGED);
  }

  #seeChoice({ index, delta: said, finish_reason }: JudgedChoice): void {
    const choice = this.#choiceOf(index);
    if (choice === null) {
      this.#tell(NOT_JUDGED);
      return;
    }
    choice.is_other ||= isOtherAnswer(said, finish_reason);
    this.#push(choice, contentText(said["content"]));
    if (finish_reason !== null) this.#judge(choice, isCut(finish_reason));
  }

  #push(choice: Choice, text: string): void {
    if (choice.is_other || text === "") return;
    // It was judged already, and was not whole.
    if (choice.is_over) this.#tell(NOT_JUDGED);
    this.#chars += text.length;
    if (this.#chars > JUDGED_MAX_CHARS) {
      this.#tell(NOT_JUDGED);
      return;
    }
    choice.pieces.push(text);
    choice.is_json = choice.is_json && choice.grammar.push(text);
    // A model that may call tools may say something before it does.
    if (!choice.is_json && !this.#format.has_tools) this.#tell(NO_JSON);
  }

  #judge(choice: Choice, is_cut: boolean): void {
    if (choice.is_over) return;
    choice.is_over = true;
    if (!choice.is_other) this.#tell(is_cut ? CUT_SHORT : this.#misfitOf(choice));
  }

  #misfitOf({ grammar, pieces, is_json }: Choice): Misfit | null {
    if (this.#format.schema_fault !== null) return NOT_JUDGED;
    return is_json && grammar.end() ? misfitOfJson(pieces.join(""), this.#format, this.#work) : NO_JSON;
  }

  #tell(misfit: Misfit | null): void {
    if (misfit === null || this.has_misfit) return;
    this.has_misfit = true;
    this.#choices.clear();
    this.is_blocked = this.#onMisfit() === "block";
  }

  #choiceOf(index: number): Choice | null {
    let choice = this.#choices.get(index) ?? null;
    if (choice === null && this.#choices.size < CHOICES_MAX) {
      choice = { grammar: new JsonGrammar(), pieces: [], is_json: true, is_other: false, is_over: false };
      this.#choices.set(index, choice);
    }
    return choice;
  }
}
