// What a model says, item by item, as parts: items of an answer's `output`, and the same items when they come back as `input`.
// Source: OpenAI API reference, "The response object", `output`; types `ResponseOutputItem` of its SDK.

import { isFields, list } from "../fields.ts";
import type { TokenLogprob } from "../neutral/answer.ts";
import type { Part, Signature, ThinkingPart } from "../neutral/parts.ts";
import { type Fields, kept, others } from "./own.ts";
import { readLogprobs, readOutputText, readRefusal } from "./read_content.ts";
import { unpackSignature } from "./signatures.ts";

/** Between the texts of one reasoning. */
export const PARAGRAPH = "\n\n";

const MESSAGE = new Set(["type", "role", "content", "status"]);
const REASONING = new Set(["type", "id", "status", "summary", "content", "encrypted_content"]);
/** Bedrock's calls have the fields of an event in place of an id. */
const CALL = new Set(["type", "call_id", "name", "status", "id", "item_id", "output_index"]);
const FUNCTION_CALL = new Set([...CALL, "arguments"]);
const CUSTOM_CALL = new Set([...CALL, "input"]);
const IMAGE_CALL = new Set(["type", "result"]);

/** What belongs to one message item: the first part of each keeps it. */
export function messageFields(item: Fields): Fields {
  return others(item, MESSAGE);
}

/** The texts and refusals of a message; some servers give a text alone, or call its part `text`. */
export function saidIn({ content }: Fields): readonly Fields[] {
  if (typeof content === "string") return [{ type: "output_text", text: content }];
  return list(content)
    .filter(isFields)
    .filter(({ type }) => type === "output_text" || type === "refusal" || type === "text");
}

/** Reads items in their order: a signature in one of them may belong to the part before it or behind it. */
export class ItemReader {
  readonly parts: Part[] = [];
  readonly logprobs: TokenLogprob[] = [];
  #behind: Signature | null = null;

  /** Takes the next item of a model's. */
  take(item: Fields): void {
    switch (item["type"]) {
      case "message":
        this.#takeMessage(item);
        return;
      case "reasoning":
        this.#takeReasoning(item);
        return;
      case "function_call":
      case "custom_tool_call":
        this.parts.push({ ...readCall(item), ...(this.#behind === null ? {} : { signature: this.#behind }) });
        this.#behind = null;
        return;
      default:
        this.parts.push(readOther(item));
    }
  }

  #takeMessage(item: Fields): void {
    let own: Fields | undefined = messageFields(item);
    for (const part of saidIn(item)) {
      if (part["type"] === "refusal") this.parts.push(readRefusal(part, own));
      else {
        this.parts.push(readOutputText(part, own));
        this.logprobs.push(...readLogprobs(part["logprobs"]));
      }
      own = undefined;
    }
  }

  #takeReasoning(item: Fields): void {
    const { encrypted_content } = item;
    if (typeof encrypted_content === "string") {
      const { kind, signature } = unpackSignature(encrypted_content);
      if (kind === "behind") {
        this.#behind = signature;
        return;
      }
      if (kind === "before") {
        const last = this.parts.at(-1);
        if (last?.kind === "text") this.parts[this.parts.length - 1] = { ...last, signature };
        return;
      }
    }
    this.parts.push(readReasoning(item));
  }
}

/**
 * A reasoning. Its text is the raw one where it is given, else the summary; what is encrypted signs a text, and stands in for one
 * where there is none. One that has neither is known to its provider alone, by its id.
 */
export function readReasoning(item: Fields): Part {
  const { id, encrypted_content } = item;
  const summary = textsOf(item["summary"]);
  const content = textsOf(item["content"]);
  const texts = content.length > 0 ? content : summary;
  const text = texts.join(PARAGRAPH);
  if (text === "" && typeof encrypted_content !== "string")
    return { kind: "own", format: "responses", value: item };
  const is_single = summary.length + content.length <= 1;
  return {
    ...{ kind: "thinking", text },
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof encrypted_content === "string" ? signedBy(encrypted_content, text) : {}),
    ...kept({
      ...(content.length > 0 ? { is_raw: true } : {}),
      ...(is_single ? {} : { summary, content }),
      ...others(item, REASONING),
    }),
  };
}

/** How a thought has what was encrypted of it. */
export function signedBy(
  encrypted_content: string,
  text: string,
): Pick<ThinkingPart, "signature" | "encrypted"> {
  const { kind, signature } = unpackSignature(encrypted_content);
  const stands_in = kind === null ? text === "" : kind === "encrypted";
  return stands_in ? { encrypted: signature } : { signature };
}

function textsOf(value: unknown): string[] {
  return list(value).flatMap((part) =>
    isFields(part) && typeof part["text"] === "string" ? [part["text"]] : [],
  );
}

/** A call of a function or of a custom tool. */
export function readCall(item: Fields): Extract<Part, { kind: "tool_call" }> {
  const is_custom = item["type"] === "custom_tool_call";
  const { call_id, name } = item;
  const id = item["id"] ?? item["item_id"];
  const args = item[is_custom ? "input" : "arguments"];
  return {
    ...{ kind: "tool_call", id: typeof call_id === "string" ? call_id : typeof id === "string" ? id : "" },
    ...{ name: typeof name === "string" ? name : "", arguments: typeof args === "string" ? args : "" },
    ...(is_custom ? { is_custom } : {}),
    ...kept({
      ...(typeof id === "string" ? { id } : {}),
      ...others(item, is_custom ? CUSTOM_CALL : FUNCTION_CALL),
    }),
  };
}

/** What no other format has; an image that is there becomes one. */
export function readOther(item: Fields): Part {
  const { result } = item;
  if (item["type"] !== "image_generation_call" || typeof result !== "string")
    return { kind: "own", format: "responses", value: item };
  const media_type = `image/${typeof item["output_format"] === "string" ? item["output_format"] : "png"}`;
  return {
    kind: "image",
    source: { kind: "base64", media_type, data: result },
    ...kept(others(item, IMAGE_CALL)),
  };
}
