// One candidate of a stream: pieces of its parts come in chunks, and go on as events. It is over when the stream is.

import { isFields, list } from "../fields.ts";
import type { EventSink, Finish, PartStart } from "../neutral/answer.ts";
import type { Part } from "../neutral/parts.ts";
import type { CallIds } from "./call_ids.ts";
import { readCitations } from "./citations.ts";
import { readBlock, readFinish } from "./finish.ts";
import { readLogprobs } from "./logprobs.ts";
import { camelFields } from "./names.ts";
import { refusal } from "./read_answer.ts";
import { readPart } from "./read_parts.ts";

type Json = Readonly<Record<string, unknown>>;

/** Text that is kept of a candidate, in UTF-16 units, to find what is cited in it. */
const KEPT_TEXT_MAX = 4 * 1024 * 1024;

/** Reads one candidate of a stream. */
export class CandidateReader {
  readonly #index: number;
  readonly #sink: EventSink;
  #parts = 0;
  /** The text or thought that is being told. */
  #open: { readonly part: number; readonly kind: "text" | "thinking"; is_signed: boolean } | null = null;
  /** The texts so far, of which the last may grow; null: too long to be kept. */
  #texts: string[][] | null = [];
  #kept = 0;
  #has_calls = false;
  #finish: string | null = null;
  #block: string | null = null;
  /** The last grounding: later ones repeat the earlier. */
  grounding: unknown = null;
  #citations: unknown = null;

  constructor(index: number, sink: EventSink) {
    this.#index = index;
    this.#sink = sink;
  }

  /** How it ended, as far as is known. */
  get finish(): Finish | null {
    if (this.#block !== null) return readBlock(this.#block);
    return this.#finish === null ? null : readFinish(this.#finish, this.#has_calls);
  }

  /** Takes what the next chunk says of it. */
  take(candidate: Json, ids: CallIds): void {
    const { finishReason, groundingMetadata, citationMetadata, logprobsResult } = candidate;
    const content = camelFields(candidate["content"]);
    if (content !== null) {
      for (const value of list(content["parts"])) {
        const part = readPart(value, ids);
        if (part !== null) this.#tell(part);
      }
    }
    const tokens = readLogprobs(logprobsResult);
    if (tokens !== undefined) this.#sink({ kind: "logprobs", choice: this.#index, tokens });
    if (isFields(groundingMetadata) && Object.keys(groundingMetadata).length > 0)
      this.grounding = groundingMetadata;
    if (isFields(citationMetadata)) this.#citations = citationMetadata;
    if (typeof finishReason === "string" && finishReason !== "FINISH_REASON_UNSPECIFIED")
      this.#finish = finishReason;
  }

  /** The prompt was refused. */
  block(reason: string, message: unknown): void {
    if (this.#block !== null) return;
    this.#block = reason;
    for (const part of refusal(message))
      this.#whole({ kind: "refusal" }, part.kind === "refusal" ? part.text : "");
  }

  /** Nothing more comes, and it came to its end: `finish` is known. */
  end(): void {
    this.#cite();
    this.#close();
    this.#sink({ kind: "finish", choice: this.#index, finish: this.finish! });
  }

  #tell(part: Part): void {
    switch (part.kind) {
      case "text":
      case "thinking":
        this.#grow(part);
        return;
      case "tool_call": {
        const { kind, id, name, signature, own } = part;
        this.#has_calls = true;
        this.#whole(
          {
            ...{ kind, id, name },
            ...(signature === undefined ? {} : { signature }),
            ...(own === undefined ? {} : { own }),
          },
          part.arguments,
        );
        return;
      }
      case "image":
      case "audio":
      case "video":
      case "file":
      case "own":
        this.#whole({ kind: "whole", whole: part }, "");
    }
  }

  /** A piece of a text or a thought. What comes behind a signature is not signed by it: it is a part of its own. */
  #grow(part: Extract<Part, { kind: "text" | "thinking" }>): void {
    const { text, signature } = part;
    const encrypted = part.kind === "thinking" ? part.encrypted : undefined;
    if (text === "" && signature === undefined && encrypted === undefined) return;
    let open = this.#open;
    if (open?.kind !== part.kind || open.is_signed || encrypted !== undefined) {
      this.#close();
      open = { part: this.#startPart(startOf(part)), kind: part.kind, is_signed: encrypted !== undefined };
      this.#open = open;
      if (part.kind === "text") this.#texts?.push([]);
    }
    const at = { choice: this.#index, part: open.part };
    if (text !== "") this.#sink({ kind: "delta", ...at, text });
    if (part.kind === "text") this.#keep(text);
    if (signature === undefined) return;
    open.is_signed = true;
    this.#sink({ kind: "signature", ...at, signature });
  }

  #keep(text: string): void {
    this.#kept += text.length;
    if (this.#kept > KEPT_TEXT_MAX) this.#texts = null;
    this.#texts?.at(-1)?.push(text);
  }

  #whole(start: PartStart, text: string): void {
    this.#close();
    const part = this.#startPart(start);
    if (text !== "") this.#sink({ kind: "delta", choice: this.#index, part, text });
    this.#sink({ kind: "part_stop", choice: this.#index, part });
  }

  #startPart(start: PartStart): number {
    const part = this.#parts++;
    this.#sink({ kind: "part_start", choice: this.#index, part, start });
    return part;
  }

  #close(): void {
    if (this.#open === null) return;
    this.#sink({ kind: "part_stop", choice: this.#index, part: this.#open.part });
    this.#open = null;
  }

  /** What the texts cite. Only of the one that is still open it can be said where: of others it is told behind them. */
  #cite(): void {
    const texts = (this.#texts ?? []).map((pieces) => pieces.join(""));
    const placed = readCitations(
      { groundingMetadata: this.grounding, citationMetadata: this.#citations },
      texts,
    );
    if (placed.length === 0) return;
    const is_open = this.#open?.kind === "text";
    if (!is_open) this.#close();
    const part = is_open ? this.#open!.part : this.#startPart({ kind: "text" });
    for (const { text, citation } of placed) {
      const { start, end, ...unplaced } = citation;
      const told = is_open && text === texts.length - 1 ? citation : unplaced;
      this.#sink({ kind: "citation", choice: this.#index, part, citation: told });
    }
    if (!is_open) this.#sink({ kind: "part_stop", choice: this.#index, part });
  }
}

function startOf(part: Extract<Part, { kind: "text" | "thinking" }>): PartStart {
  if (part.kind === "text") return { kind: "text" };
  const { id, encrypted } = part;
  return {
    kind: "thinking",
    ...(id === undefined ? {} : { id }),
    ...(encrypted === undefined ? {} : { encrypted }),
  };
}
