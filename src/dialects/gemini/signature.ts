// Thought signatures: Gemini's own, and the way by which other providers' go through a Gemini client and come back.
// A client keeps what stands in `thoughtSignature` and sends it again; it never looks inside.

import { isFields } from "../fields.ts";
import type { FormatName, Signature } from "../neutral/parts.ts";

/**
 * What Gemini takes in place of a signature for calls that another model made: its models from 3 on refuse a turn without one.
 * Source: https://ai.google.dev/gemini-api/docs/thought-signatures, "FAQs".
 */
export const NO_SIGNATURE = "skip_thought_signature_validator";

/** Begins every signature of ours. Its length is a multiple of three, so that its base64 begins all of them. */
const MARK = "venturi-signature:";
const MARK_BASE64 = btoa(MARK);

/** What of a part another provider has signed or encrypted. */
export interface Signed {
  readonly signature?: Signature;
  readonly encrypted?: Signature;
  readonly id?: string;
}

/** The `thoughtSignature` for what was signed; undefined where nothing was. */
export function writeSignature({ signature, encrypted, id }: Signed): string | undefined {
  if (encrypted === undefined && (signature === undefined || signature.format === "gemini"))
    return signature?.value;
  return Buffer.from(MARK + JSON.stringify({ signature, encrypted, id })).toString("base64");
}

/** What a `thoughtSignature` says. */
export function readSignature(value: unknown): Signed {
  if (typeof value !== "string" || value === "") return {};
  const foreign = value.startsWith(MARK_BASE64) ? readForeign(value) : null;
  return foreign ?? { signature: { format: "gemini", value } };
}

function readForeign(value: string): Signed | null {
  try {
    const text = Buffer.from(value, "base64").toString().slice(MARK.length);
    const fields: unknown = JSON.parse(text);
    if (!isFields(fields)) return null;
    const signature = signatureOf(fields["signature"]);
    const encrypted = signatureOf(fields["encrypted"]);
    const id = fields["id"];
    return {
      ...(signature === null ? {} : { signature }),
      ...(encrypted === null ? {} : { encrypted }),
      ...(typeof id === "string" ? { id } : {}),
    };
  } catch {
    return null;
  }
}

function signatureOf(value: unknown): Signature | null {
  if (!isFields(value)) return null;
  const { format, value: text } = value;
  if (typeof format !== "string" || typeof text !== "string") return null;
  return { format: format as FormatName, value: text };
}
