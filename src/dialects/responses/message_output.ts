// A message of a stream that is written: texts and refusals, side by side if need be.

import type { PartStart, TokenLogprob } from "../neutral/answer.ts";
import type { Citation, Signature, TextPart } from "../neutral/parts.ts";
import { type Fields, others } from "./own.ts";
import { Deltas, type EventWriter, type ItemStatus, OutputItem } from "./stream_output.ts";
import { writeCitation, writeLogprob, writeOutputText, writeRefusal } from "./write_content.ts";

const ID = new Set(["id"]);

/** A text or a refusal of a message. */
interface MessagePart {
  readonly kind: "text" | "refusal";
  readonly content_index: number;
  readonly own: Pick<TextPart, "own">;
  readonly deltas: Deltas;
  readonly texts: string[];
  readonly citations: Fields[];
  readonly logprobs: TokenLogprob[];
  length: number;
  signature: Signature | null;
}

/** A message. */
export class MessageOutput extends OutputItem {
  readonly #own: Fields;
  readonly #parts: MessagePart[] = [];
  readonly #open = new Map<number, MessagePart>();

  constructor(events: EventWriter, output_index: number, id: string, own: Fields) {
    super(events, output_index, id);
    this.#own = others(own, ID);
  }

  override start(part: number, start: PartStart): void {
    if (start.kind !== "text" && start.kind !== "refusal") return;
    const content_index = this.#parts.length;
    const place = { item_id: this.id, output_index: this.output_index, content_index };
    const type = start.kind === "text" ? "output_text" : "refusal";
    const said: MessagePart = {
      ...{ kind: start.kind, content_index, own: start.own === undefined ? {} : { own: start.own } },
      deltas: new Deltas(this.events, `response.${type}.delta`, place),
      ...{ texts: [], citations: [], logprobs: [], length: 0, signature: null },
    };
    this.tell("response.content_part.added", { ...place, part: contentOf(said) });
    this.#parts.push(said);
    this.#open.set(part, said);
  }

  override add(part: number, text: string, logprobs: readonly TokenLogprob[]): void {
    const said = this.#open.get(part);
    if (said === undefined || (text === "" && logprobs.length === 0)) return;
    said.texts.push(text);
    said.length += text.length;
    if (said.kind === "refusal") {
      said.deltas.tell(text);
      return;
    }
    said.logprobs.push(...logprobs);
    const told = logprobs.length === 0 ? "[]" : JSON.stringify(logprobs.map(writeLogprob));
    said.deltas.tell(text, `,"logprobs":${told}`);
  }

  override cite(part: number, citation: Citation): void {
    const said = this.#open.get(part);
    if (said === undefined || said.kind === "refusal") return;
    const annotation = writeCitation(citation, said.length);
    this.tellOfItem("response.output_text.annotation.added", {
      ...{ content_index: said.content_index, annotation_index: said.citations.length, annotation },
    });
    said.citations.push(annotation);
  }

  override sign(part: number, signature: Signature): void {
    const said = this.#open.get(part);
    if (said !== undefined) said.signature = signature;
  }

  protected override get has_open_parts(): boolean {
    return this.#open.size > 0;
  }

  protected override stopPart(part: number): Signature | null {
    const said = this.#open.get(part);
    if (said === undefined) return null;
    this.#open.delete(part);
    const { content_index } = said;
    const content = contentOf(said);
    if (said.kind === "refusal")
      this.tellOfItem("response.refusal.done", { content_index, refusal: content["refusal"] });
    else {
      const { text, logprobs } = content;
      this.tellOfItem("response.output_text.done", { content_index, text, logprobs });
    }
    this.tellOfItem("response.content_part.done", { content_index, part: content });
    return said.signature;
  }

  protected override stopAll(): void {
    for (const part of [...this.#open.keys()]) this.stopPart(part);
  }

  protected override item(status: ItemStatus): Fields {
    const content = this.#parts.map(contentOf);
    return { id: this.id, type: "message", status, content, role: "assistant", ...this.#own };
  }
}

function contentOf({ kind, own, texts, citations, logprobs }: MessagePart): Fields {
  const text = texts.join("");
  if (kind === "refusal") return writeRefusal({ kind, text, ...own });
  return { ...writeOutputText({ kind, text, ...own }, logprobs), annotations: citations };
}
