// What another provider signed or encrypted, on its way through a client of this format: clients give thinking blocks back as they got them,
// so they carry it in their opaque fields, and the next turn's provider gets it as its own.

import type { FormatName, Signature } from "../neutral/parts.ts";

/** What it belongs to: the thinking block that it is in, or the block behind it or before it. */
export type CarriedFor = "signature" | "encrypted" | "next" | "previous";

/** A foreign signature with what it belongs to. */
export interface Carried {
  readonly for: CarriedFor;
  readonly signature: Signature;
  readonly id?: string;
}

const PREFIX = "venturi:";
const KINDS: ReadonlySet<string> = new Set(["signature", "encrypted", "next", "previous"]);

/** The text for a block's `signature` or `data`. */
export function carry(kind: CarriedFor, { format, value }: Signature, id = ""): string {
  return `${PREFIX}${kind}:${format}:${Buffer.from(id).toString("base64url")}:${value}`;
}

/** Reads such a text; null: it is the provider's own, or nothing of ours. */
export function carriedIn(text: string): Carried | null {
  if (!text.startsWith(PREFIX)) return null;
  const kind_end = text.indexOf(":", PREFIX.length);
  const format_end = text.indexOf(":", kind_end + 1);
  const id_end = text.indexOf(":", format_end + 1);
  const kind = text.slice(PREFIX.length, kind_end);
  if (kind_end < 0 || format_end < 0 || id_end < 0 || !KINDS.has(kind)) return null;
  const format = text.slice(kind_end + 1, format_end) as FormatName;
  const id = Buffer.from(text.slice(format_end + 1, id_end), "base64url").toString();
  const signature = { format, value: text.slice(id_end + 1) };
  return { for: kind as CarriedFor, signature, ...(id === "" ? {} : { id }) };
}
