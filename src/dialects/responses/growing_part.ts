// A part of a stream that is read, while it comes: what was told of it already, and what there is to tell still.

import { isFields, list } from "../fields.ts";
import type { PartStart, StreamEvent } from "../neutral/answer.ts";
import { readCitation, readLogprobs } from "./read_content.ts";
import { unpackSignature } from "./signatures.ts";

/** Where items tell what they are. */
export interface Teller {
  /** The number of the next part. */
  part(): number;
  /** A tool of the client's is called. */
  call(): void;
  tell(event: StreamEvent): void;
}

/** A part while its text comes. */
export class GrowingPart {
  readonly #teller: Teller;
  readonly #part: number;
  /** How much of the text was told. */
  #told = 0;
  #citations = 0;
  #has_logprobs = false;
  #is_stopped = false;

  constructor(start: PartStart, teller: Teller) {
    this.#teller = teller;
    this.#part = teller.part();
    teller.tell({ kind: "part_start", choice: 0, part: this.#part, start });
  }

  add(text: unknown): void {
    if (typeof text !== "string" || text === "" || this.#is_stopped) return;
    this.#told += text.length;
    this.#teller.tell({ kind: "delta", choice: 0, part: this.#part, text });
  }

  /** Tells what is left of a text that is given as a whole. */
  complete(text: unknown): void {
    if (typeof text === "string" && text.length > this.#told) this.add(text.slice(this.#told));
  }

  logprobs(value: unknown): void {
    const tokens = readLogprobs(value);
    if (tokens.length === 0) return;
    this.#has_logprobs = true;
    this.#teller.tell({ kind: "logprobs", choice: 0, tokens });
  }

  completeLogprobs(value: unknown): void {
    if (!this.#has_logprobs) this.logprobs(value);
  }

  cite(annotation: unknown): void {
    if (!isFields(annotation) || this.#is_stopped) return;
    this.#citations += 1;
    this.#teller.tell({ kind: "citation", choice: 0, part: this.#part, citation: readCitation(annotation) });
  }

  completeCitations(annotations: unknown): void {
    for (const annotation of list(annotations).slice(this.#citations)) this.cite(annotation);
  }

  sign(encrypted_content: unknown): void {
    if (typeof encrypted_content !== "string" || this.#is_stopped) return;
    const { signature } = unpackSignature(encrypted_content);
    this.#teller.tell({ kind: "signature", choice: 0, part: this.#part, signature });
  }

  stop(): void {
    if (this.#is_stopped) return;
    this.#is_stopped = true;
    this.#teller.tell({ kind: "part_stop", choice: 0, part: this.#part });
  }
}
