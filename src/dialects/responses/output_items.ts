// The items that a model's parts are told as, in an answer and when they are sent back.

import type { ImagePart, OwnFields, Signature, ThinkingPart, ToolCallPart } from "../neutral/parts.ts";
import { type Fields, memberFields, others, ownFields } from "./own.ts";
import { PARAGRAPH } from "./read_items.ts";
import { packSignature, type Signed } from "./signatures.ts";

/** Part of every id that is made here: no provider knows such an item. */
const MADE = "_venturi_";
/** What is kept of a reasoning beside the fields of its item. */
const TEXTS = new Set(["is_raw", "summary", "content"]);

/** Whether an id of an item was made by `ItemIds`. */
export function isMadeId(id: unknown): boolean {
  return typeof id === "string" && id.includes(MADE);
}

/** Gives the items of one answer their ids. */
export class ItemIds {
  readonly #call_id: string;
  readonly #used = new Set<string>();
  readonly #calls = new Set<string>();
  #made = 0;

  /** @param call_id unique, of letters and digits */
  constructor(call_id: string) {
    this.#call_id = call_id;
  }

  /** An id for an item: its own, if it has one that no other has. */
  of(prefix: "msg" | "rs" | "fc" | "ctc" | "ig", own: unknown): string {
    const is_unique = typeof own === "string" && own !== "" && !this.#used.has(own);
    const id = is_unique ? own : `${prefix}${MADE}${this.#call_id}_${this.#made++}`;
    this.#used.add(id);
    return id;
  }

  /** The id of a call as the client is to answer it: its own, if no other call has the same. */
  ofCall(id: string): string {
    const is_unique = id !== "" && !this.#calls.has(id);
    const unique = is_unique ? id : `call_${this.#call_id}_${this.#made++}`;
    this.#calls.add(unique);
    return unique;
  }
}

/** The fields of the message item that a part begins; null: it goes on with the one before it. */
export function beginning(part: { readonly own?: OwnFields }): Fields | null {
  const own = ownFields(part);
  return own["item"] === undefined ? null : memberFields(own, "item");
}

/** A reasoning, in the pieces that it came in; `is_whole`: in one. */
export function reasoningItem(part: ThinkingPart, id: string | undefined, is_whole = false): Fields {
  const own = ownFields(part);
  const { summary, content } = textsOf(part.text, is_whole ? { is_raw: own["is_raw"] } : own);
  const encrypted = encryptedOf(part);
  return {
    ...(id === undefined ? {} : { id }),
    type: "reasoning",
    summary: summary.map((text) => ({ type: "summary_text", text })),
    ...(content.length === 0 ? {} : { content: content.map((text) => ({ type: "reasoning_text", text })) }),
    ...(encrypted === null ? {} : { encrypted_content: encrypted }),
    ...others(own, TEXTS),
  };
}

/** The `encrypted_content` of a thought; null where nothing was signed. */
export function encryptedOf({
  encrypted,
  signature,
}: Pick<ThinkingPart, "encrypted" | "signature">): string | null {
  if (encrypted !== undefined) return packSignature("encrypted", encrypted);
  return signature === undefined ? null : packSignature("signature", signature);
}

/** An item that carries what signs the part before or behind it. */
export function signatureItem(place: Signed, signature: Signature, id: string | undefined): Fields {
  return {
    ...(id === undefined ? {} : { id }),
    ...{ type: "reasoning", summary: [], encrypted_content: packSignature(place, signature) },
  };
}

/** The texts that a reasoning came in, as long as they are still what it says. */
function textsOf(text: string, own: Fields): { readonly summary: string[]; readonly content: string[] } {
  const summary = stringsOf(own["summary"]);
  const content = stringsOf(own["content"]);
  if (text === (content.length > 0 ? content : summary).join(PARAGRAPH)) return { summary, content };
  const texts = text === "" ? [] : [text];
  return own["is_raw"] === true ? { summary: [], content: texts } : { summary: texts, content: [] };
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
}

/** A call of a function or of a custom tool. */
export function callItem(
  part: ToolCallPart,
  id: string | undefined,
  call_id: string,
  status?: string,
): Fields {
  const said = part.is_custom === true ? { input: part.arguments } : { arguments: part.arguments };
  return {
    ...(id === undefined ? {} : { id }),
    type: part.is_custom === true ? "custom_tool_call" : "function_call",
    ...(status === undefined ? {} : { status }),
    ...said,
    ...{ call_id, name: part.name },
    ...others(ownFields(part), ID),
  };
}

const ID = new Set(["id"]);

/** An image that the model made; null where its bytes are not at hand. */
export function imageItem(part: ImagePart, id: string | undefined): Fields | null {
  if (part.source.kind !== "base64") return null;
  return {
    ...(id === undefined ? {} : { id }),
    ...{ type: "image_generation_call", status: "completed", result: part.source.data },
    ...others(ownFields(part), ID),
  };
}
