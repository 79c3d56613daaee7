// What providers sign, in the one place that clients of Responses carry from turn to turn: the `encrypted_content` of a reasoning item.
// OpenAI's own stands there as it is. What other providers signed is marked with whose it is and what it belongs to.

import type { FormatName, Signature } from "../neutral/parts.ts";

/** What a signature belongs to: the thoughts of its item, or the part before or behind it. */
export type Signed = "signature" | "encrypted" | "before" | "behind";

const MARK = "venturi:";
const KINDS: ReadonlySet<string> = new Set<Signed>(["signature", "encrypted", "before", "behind"]);
const FORMATS: ReadonlySet<string> = new Set<FormatName>([
  ...(["chat", "completions", "responses", "messages"] as const),
  ...(["gemini", "bedrock", "cohere", "ollama"] as const),
]);

/** A signature as `encrypted_content`. */
export function packSignature(kind: Signed, { format, value }: Signature): string {
  const belongs_here = kind === "signature" || kind === "encrypted";
  return format === "responses" && belongs_here ? value : `${MARK}${kind}:${format}:${value}`;
}

/** An `encrypted_content`; `kind` null: OpenAI's own, which belongs to the item that it is in. */
export function unpackSignature(text: string): {
  readonly kind: Signed | null;
  readonly signature: Signature;
} {
  if (text.startsWith(MARK)) {
    const kind_end = text.indexOf(":", MARK.length);
    const format_end = text.indexOf(":", kind_end + 1);
    const kind = text.slice(MARK.length, kind_end);
    const format = text.slice(kind_end + 1, format_end);
    if (kind_end > 0 && format_end > 0 && KINDS.has(kind) && FORMATS.has(format)) {
      const signature = { format: format as FormatName, value: text.slice(format_end + 1) };
      return { kind: kind as Signed, signature };
    }
  }
  return { kind: null, signature: { format: "responses", value: text } };
}
