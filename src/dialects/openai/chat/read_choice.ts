// One choice of a stream of chat completions: what its deltas say, as parts that begin, grow and end.

import { Checked, Faults } from "../../checked.ts";
import { isFields, list } from "../../fields.ts";
import type { EventSink, PartStart } from "../../neutral/answer.ts";
import type { Citation, Part, Signature } from "../../neutral/parts.ts";
import { readSound } from "./audio.ts";
import { readCitations, readSearchResults } from "./citations.ts";
import { GrowingCalls } from "./growing_calls.ts";
import { finishOfJson } from "./json_tool.ts";
import { readLogprobs } from "./logprobs.ts";
import { readChoiceFinish } from "./read_answer.ts";
import { readImages, readPart, thinkingText } from "./read_parts.ts";
import { plainReasoning, type ReasoningDetail, readDetail, readGoogleSignature } from "./reasoning.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The part that text goes to, unless another kind begins. */
interface OpenPart {
  readonly number: number;
  readonly kind: "text" | "refusal" | "thinking";
  /** Of thoughts told in details: pieces of one have one index. */
  index: number | null;
  /** Thoughts that were told as plain text, whose detail repeats it at the end. */
  is_plain: boolean;
  has_text: boolean;
  /** A signature is the end of a thought. */
  is_signed: boolean;
  readonly id: string | null;
}

/** The longest sound; characters of base64. */
const SOUND_MAX = 64 * 1024 * 1024;

/** Reads the deltas of one choice. */
export class ChoiceReader {
  /** Its finish reason came. */
  finished = false;
  readonly #index: number;
  readonly #sink: EventSink;
  #next_part = 0;
  #open: OpenPart | null = null;
  readonly #calls: GrowingCalls;
  #refused = false;
  #cited = false;
  #spoke = false;
  #sound: {
    fields: Record<string, unknown>;
    readonly data: string[];
    transcript: string;
    length: number;
  } | null = null;

  constructor(index: number, sink: EventSink) {
    this.#index = index;
    this.#sink = sink;
    this.#calls = new GrowingCalls(index, sink, (start) => {
      this.#close();
      return this.#startPart(start);
    });
  }

  /** @param found the chunk that told last what a search found */
  take(choice: Fields, found: Fields): void {
    if (this.finished) return;
    const { logprobs } = choice;
    if (isFields(logprobs)) {
      const tokens = readLogprobs(logprobs);
      if (tokens.length > 0) this.#sink({ kind: "logprobs", choice: this.#index, tokens });
    }
    const delta = choice["delta"] ?? choice["message"];
    if (isFields(delta)) this.#delta(delta);
    if (typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "")
      this.#finish(choice, readSearchResults(found));
  }

  /** The stream ended: well, whatever this choice says. */
  end(found: readonly Citation[]): void {
    if (this.finished) return;
    this.#closeAll(found);
    const reason = this.#calls.called ? "tool_calls" : this.#refused ? "refusal" : "stop";
    this.#sink({ kind: "finish", choice: this.#index, finish: { reason } });
  }

  #delta(delta: Fields): void {
    const { content, refusal, tool_calls, function_call, audio, images, annotations } = delta;
    if (delta["reasoning_details"] !== undefined || delta["reasoning_content"] || delta["reasoning"])
      this.#reasoning(delta);
    if (typeof content === "string") {
      if (content !== "") this.#say("text", content);
    } else if (Array.isArray(content)) for (const part of content) this.#contentPart(part);
    if (typeof refusal === "string" && refusal !== "") {
      this.#refused = true;
      this.#say("refusal", refusal);
    }
    if (annotations !== undefined) this.#cite(readCitations(annotations));
    if (images !== undefined) for (const image of readImages(images)) this.#whole(image);
    if (isFields(audio)) this.#hear(audio);
    if (delta["extra_content"] !== undefined) {
      const signature = readGoogleSignature(delta);
      if (signature !== null) this.#sign(this.#openAs("text"), signature);
    }
    if (Array.isArray(tool_calls)) for (const call of tool_calls) if (isFields(call)) this.#calls.take(call);
    if (isFields(function_call)) this.#calls.takeLegacy(function_call);
  }

  /** A part of a content in parts: Mistral's. */
  #contentPart(value: unknown): void {
    if (!isFields(value)) return;
    const { type, text } = value;
    if (type === "text" && typeof text === "string") {
      if (text !== "") this.#say("text", text);
    } else if (type === "thinking") {
      const said = thinkingText(value["thinking"]);
      if (said !== "") this.#say("thinking", said);
    } else {
      for (const part of readPart(new Checked(value, "", new Faults()))) this.#whole(part);
    }
  }

  #reasoning(delta: Fields): void {
    const details = list(delta["reasoning_details"]).flatMap((detail) => readDetail(detail) ?? []);
    const plain = plainReasoning(delta);
    // OpenRouter says everything twice in one delta; then the details count, which know more.
    const is_plain = plain !== "" && !details.some(({ kind, text }) => kind === "text" && text !== "");
    if (is_plain) {
      if (this.#open?.kind === "thinking" && this.#open.is_signed) this.#close();
      this.#say("thinking", plain);
      this.#open!.is_plain = true;
    }
    for (const detail of details) {
      if (detail.kind === "encrypted") this.#encrypted(detail.signature!, detail);
      else this.#detail(detail, is_plain || plain !== "");
    }
  }

  #detail({ text, signature, index, id }: ReasoningDetail, in_plain: boolean): void {
    let open = this.#open?.kind === "thinking" ? this.#open : null;
    if (open?.is_plain && !in_plain) {
      // The whole of what came in pieces before, now with its signature.
      if (signature !== null) this.#sign(open, signature);
      this.#close();
      return;
    }
    if (text === "" && signature === null) {
      // It says no more than that what was encrypted has no summary.
      if (open !== null && !open.has_text) this.#close();
      return;
    }
    const goes_on =
      open !== null && (open.index === index || (id !== null && open.id === id && !open.has_text));
    if (!goes_on) open = this.#begin("thinking", { kind: "thinking", ...(id === null ? {} : { id }) }, id);
    open!.index = index;
    if (text !== "") this.#grow(open!, text);
    if (signature !== null) this.#sign(open!, signature);
  }

  #encrypted(encrypted: Signature, { id, index }: ReasoningDetail): void {
    if (id !== null && this.#calls.sign(id, encrypted)) return;
    const start: PartStart = { kind: "thinking", encrypted, ...(id === null ? {} : { id }) };
    this.#begin("thinking", start, id).index = index;
    // With an id, its summary may follow.
    if (id === null) this.#close();
  }

  #say(kind: OpenPart["kind"], text: string): void {
    this.#grow(this.#openAs(kind), text);
  }

  #grow(open: OpenPart, text: string): void {
    open.has_text = true;
    this.#sink({ kind: "delta", choice: this.#index, part: open.number, text });
  }

  #sign(open: OpenPart, signature: Signature): void {
    open.is_signed = true;
    this.#sink({ kind: "signature", choice: this.#index, part: open.number, signature });
  }

  #cite(citations: readonly Citation[]): void {
    if (citations.length === 0) return;
    this.#cited = true;
    const { number } = this.#openAs("text");
    for (const citation of citations)
      this.#sink({ kind: "citation", choice: this.#index, part: number, citation });
  }

  /** The open part, if it is of this kind, else a new one. */
  #openAs(kind: OpenPart["kind"]): OpenPart {
    return this.#open?.kind === kind ? this.#open : this.#begin(kind, { kind }, null);
  }

  #begin(kind: OpenPart["kind"], start: PartStart, id: string | null): OpenPart {
    this.#close();
    const number = this.#startPart(start);
    if (kind === "text") this.#spoke = true;
    const open: OpenPart = {
      number,
      kind,
      index: null,
      is_plain: false,
      has_text: false,
      is_signed: false,
      id,
    };
    this.#open = open;
    return open;
  }

  #startPart(start: PartStart): number {
    const part = this.#next_part++;
    this.#sink({ kind: "part_start", choice: this.#index, part, start });
    return part;
  }

  #close(): void {
    if (this.#open === null) return;
    this.#sink({ kind: "part_stop", choice: this.#index, part: this.#open.number });
    this.#open = null;
  }

  #whole(part: Part): void {
    const is_whole =
      part.kind === "own" ||
      part.kind === "image" ||
      part.kind === "audio" ||
      part.kind === "video" ||
      part.kind === "file";
    if (!is_whole) return;
    this.#close();
    const number = this.#startPart({ kind: "whole", whole: part });
    this.#sink({ kind: "part_stop", choice: this.#index, part: number });
  }

  /** A sound comes in pieces, and has to be whole for the others. */
  #hear(audio: Fields): void {
    const { data, transcript, ...fields } = audio;
    this.#sound ??= { fields: {}, data: [], transcript: "", length: 0 };
    const sound = this.#sound;
    Object.assign(sound.fields, fields);
    if (typeof transcript === "string") sound.transcript += transcript;
    if (typeof data !== "string") return;
    sound.length += data.length;
    // Half of a sound is none.
    if (sound.length > SOUND_MAX) sound.data.length = 0;
    else sound.data.push(data);
  }

  #finish(choice: Fields, found: readonly Citation[]): void {
    this.#closeAll(found);
    const { called, answered } = this.#calls;
    const read = readChoiceFinish(choice, this.#refused, called);
    const finish = answered && !called ? finishOfJson(read) : read;
    if (finish !== null) this.#sink({ kind: "finish", choice: this.#index, finish });
  }

  #closeAll(found: readonly Citation[]): void {
    if (!this.#cited && this.#spoke) this.#cite(found);
    this.#close();
    this.#calls.end();
    if (this.#sound !== null) {
      const { fields, data, transcript } = this.#sound;
      const part = readSound({ ...fields, transcript, data: joinBase64(data) });
      if (part !== null) this.#whole(part);
    }
    this.finished = true;
  }
}

/** One base64 text of several, each of which may be padded for itself. */
function joinBase64(pieces: readonly string[]): string {
  const is_one = pieces.slice(0, -1).every((piece) => piece.length % 4 === 0 && !piece.endsWith("="));
  if (is_one) return pieces.join("");
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64"))).toString("base64");
}
