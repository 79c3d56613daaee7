// What a model thought, as chat completions carry it. OpenAI's own API has no place for it; those who took the format over do:
// a text (`reasoning_content`: DeepSeek, vLLM, Moonshot and others; `reasoning`: OpenRouter, Groq, Ollama), and a list of what was signed
// or encrypted (`reasoning_details`: OpenRouter, "Preserving reasoning blocks"), which has to go back as it came.

import { isFields, list } from "../../fields.ts";
import type { FormatName, Part, Signature, ThinkingPart } from "../../neutral/parts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** OpenRouter's names for whose signature it is. Others (xAI's, Azure's) are kept with the name before the value. */
const FORMATS: readonly (readonly [name: string, format: FormatName])[] = [
  ["anthropic-claude-v1", "messages"],
  ["openai-responses-v1", "responses"],
  ["google-gemini-v1", "gemini"],
  ["bedrock-converse-v1", "bedrock"],
  ["cohere-v2", "cohere"],
  ["ollama", "ollama"],
];

/** The signature in an entry of `reasoning_details`. */
function readSignature(value: string, name: unknown): Signature {
  const known = FORMATS.find(([wanted]) => wanted === name);
  if (known !== undefined) return { format: known[1], value };
  return { format: "chat", value: `${typeof name === "string" ? name : ""}:${value}` };
}

/** A signature as an entry says it: its value, and whose it is. */
function writeSignature({ format, value }: Signature): { readonly value: string; readonly format?: string } {
  const known = FORMATS.find(([, wanted]) => wanted === format);
  if (known !== undefined) return { value, format: known[0] };
  const colon = value.indexOf(":");
  const name = value.slice(0, Math.max(0, colon));
  return { value: value.slice(colon + 1), ...(name === "" ? {} : { format: name }) };
}

/** An entry of `reasoning_details`, read. */
export interface ReasoningDetail {
  readonly kind: "text" | "encrypted";
  readonly text: string;
  /** Signature of a text, or what is encrypted. */
  readonly signature: Signature | null;
  readonly id: string | null;
  /** Pieces of one text have one index. */
  readonly index: number | null;
}

/** Reads an entry of `reasoning_details`; null for one of a type that is not known. */
export function readDetail(value: unknown): ReasoningDetail | null {
  if (!isFields(value)) return null;
  const { type, text, summary, data, signature, format, id, index } = value;
  const base = {
    id: typeof id === "string" && id !== "" ? id : null,
    index: typeof index === "number" ? index : null,
  };
  switch (type) {
    case "reasoning.encrypted":
      if (typeof data !== "string") return null;
      return { ...base, kind: "encrypted", text: "", signature: readSignature(data, format) };
    case "reasoning.text":
    case "reasoning.summary": {
      const said = type === "reasoning.text" ? text : summary;
      const signed = typeof signature === "string" && signature !== "";
      return {
        ...base,
        kind: "text",
        text: typeof said === "string" ? said : "",
        signature: signed ? readSignature(signature, format) : null,
      };
    }
    default:
      return null;
  }
}

/** What a whole message says of reasoning. */
export interface MessageReasoning {
  readonly parts: readonly ThinkingPart[];
  /** Signatures that belong to calls of tools, by the call's id (OpenRouter's way with Gemini). */
  readonly of_calls: ReadonlyMap<string, Signature>;
}

/**
 * The thoughts of a whole message, in order. The entries of `reasoning_details` repeat the plain text where they have one.
 * @param call_ids ids of the message's tool calls
 */
export function readReasoning(message: Fields, call_ids: ReadonlySet<string>): MessageReasoning {
  const parts: ThinkingPart[] = [];
  const of_calls = new Map<string, Signature>();
  for (const value of list(message["reasoning_details"])) {
    const detail = readDetail(value);
    if (detail === null) continue;
    const { kind, signature, id } = detail;
    if (kind === "encrypted" && id !== null && call_ids.has(id)) of_calls.set(id, signature!);
    else addDetail(parts, detail);
  }
  for (const block of list(message["thinking_blocks"])) {
    const part = readThinkingBlock(block);
    if (part !== null) parts.push(part);
  }
  const plain = plainReasoning(message);
  if (plain !== "" && parts.every(({ text }) => text === "")) {
    // One signature without its text is that of the plain one.
    const [only] = parts;
    if (parts.length === 1 && only!.encrypted === undefined) parts[0] = { ...only!, text: plain };
    else parts.unshift({ kind: "thinking", text: plain });
  }
  return { parts, of_calls };
}

/** The text of a message's or a delta's reasoning; empty where it has none. */
export function plainReasoning({ reasoning_content, reasoning }: Fields): string {
  if (typeof reasoning_content === "string" && reasoning_content !== "") return reasoning_content;
  return typeof reasoning === "string" ? reasoning : "";
}

/** Encrypted reasoning and its summary are one, where they have one id. */
function addDetail(parts: ThinkingPart[], { kind, text, signature, id }: ReasoningDetail): void {
  const last = parts.at(-1);
  const named = id === null ? {} : { id };
  if (kind === "text") {
    const signed = signature === null ? {} : { signature };
    if (id !== null && last?.id === id && last.text === "" && last.signature === undefined)
      parts[parts.length - 1] = { ...last, text, ...signed };
    else parts.push({ kind: "thinking", text, ...signed, ...named });
  } else if (id !== null && last?.id === id && last.encrypted === undefined) {
    parts[parts.length - 1] = { ...last, encrypted: signature! };
  } else {
    parts.push({ kind: "thinking", text: "", encrypted: signature!, ...named });
  }
}

/** A block as LiteLLM hands Anthropic's on (its docs, "Reasoning content", `thinking_blocks`). */
function readThinkingBlock(value: unknown): ThinkingPart | null {
  if (!isFields(value)) return null;
  const { type, thinking, signature, data } = value;
  if (type === "redacted_thinking" && typeof data === "string")
    return { kind: "thinking", text: "", encrypted: { format: "messages", value: data } };
  if (type !== "thinking" || typeof thinking !== "string") return null;
  const signed = typeof signature === "string" && signature !== "";
  return {
    kind: "thinking",
    text: thinking,
    ...(signed ? { signature: { format: "messages", value: signature } } : {}),
  };
}

/** Where the text of thoughts is told. */
export type ReasoningField = "reasoning_content" | "reasoning";

/** What a whole message tells of its thoughts: their text, and the details if they are several or any was signed. */
export function writeReasoning(parts: readonly Part[], field: ReasoningField): Fields {
  const thoughts = parts.filter((part) => part.kind === "thinking");
  const details: Fields[] = [];
  if (thoughts.length > 1 || thoughts.some(isSigned))
    for (const part of thoughts) details.push(...detailsOf(part, details.length));
  const has_thoughts = details.length > 0;
  for (const part of parts)
    if (part.kind === "tool_call" && part.signature !== undefined && isDetail(part.signature, field))
      details.push(encryptedDetail(part.signature, details.length, part.id));
  const text = thoughts.map((part) => part.text).join("");
  // OpenRouter needs nothing beside the details; clients that know nothing of them read the text.
  const is_told = text === "" || (field === "reasoning" && has_thoughts);
  return {
    ...(is_told ? {} : { [field]: text }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
  };
}

/** Clients are told Google's signatures in Google's place; OpenRouter takes them among the details. */
function isDetail(signature: Signature, field: ReasoningField): boolean {
  return field === "reasoning" || !isGoogles(signature);
}

/** Whether a thought has anything that its text does not say. */
function isSigned({ signature, encrypted, id }: ThinkingPart): boolean {
  return signature !== undefined || encrypted !== undefined || id !== undefined;
}

function detailsOf(part: ThinkingPart, index: number): readonly Fields[] {
  const { text, signature, encrypted, id } = part;
  const details: Fields[] = [];
  if (encrypted !== undefined) details.push(encryptedDetail(encrypted, index, id));
  if (text !== "" || signature !== undefined || encrypted === undefined)
    details.push(textDetail(text, signature, index + details.length, id, encrypted !== undefined));
  return details;
}

/** A thought's text with its signature, as an entry of `reasoning_details`. */
export function textDetail(
  text: string,
  signature: Signature | undefined,
  index: number,
  id: string | undefined,
  is_summary: boolean,
): Fields {
  const signed = signature === undefined ? null : writeSignature(signature);
  const is_plain = signed === null && is_summary;
  return {
    ...(is_plain ? { type: "reasoning.summary", summary: text } : { type: "reasoning.text", text }),
    ...(signed === null ? {} : { signature: signed.value }),
    ...(id === undefined ? {} : { id }),
    ...(signed?.format === undefined ? {} : { format: signed.format }),
    index,
  };
}

/** What is encrypted, as an entry of `reasoning_details`. */
export function encryptedDetail(encrypted: Signature, index: number, id: string | undefined): Fields {
  const { value, format } = writeSignature(encrypted);
  return {
    type: "reasoning.encrypted",
    data: value,
    ...(id === undefined ? {} : { id }),
    ...(format === undefined ? {} : { format }),
    index,
  };
}

/** Whether a signature goes to `extra_content`. */
export function isGoogles({ format }: Signature): boolean {
  return format === "gemini";
}

/** Google's signature of a call or a text (Gemini API, "OpenAI compatibility", thought signatures). */
export function writeGoogleSignature(signature: Signature): Fields {
  return { extra_content: { google: { thought_signature: signature.value } } };
}

/** Reads what `writeGoogleSignature` writes, from a call, a delta or a message. */
export function readGoogleSignature({ extra_content }: Fields): Signature | null {
  const google = isFields(extra_content) ? extra_content["google"] : null;
  const value = isFields(google) ? google["thought_signature"] : null;
  return typeof value === "string" && value !== "" ? { format: "gemini", value } : null;
}
