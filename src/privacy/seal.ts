// A conversation's values as bytes that nobody can read or change without the key (AES-256-GCM), and that are worth nothing later.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { isFields, list } from "../dialects/fields.ts";
import { keyFor } from "./key.ts";
import { type MappedValue, Mapping } from "./mapping.ts";

const CIPHER = "aes-256-gcm";
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The version and the moment at which it expires; authenticated, not secret. */
const HEADER_BYTES = 9;

/**
 * Seals a conversation's values.
 * @param context whose they are; they open for the same context alone
 * @param expires_ms until when they open, in milliseconds since 1970
 */
export function sealMapping(
  mapping: Mapping,
  key: Uint8Array,
  context: string,
  expires_ms: number,
): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = VERSION;
  header.writeDoubleBE(expires_ms, 1);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyFor(key, "seal"), nonce);
  cipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
  const values = [...mapping].map(({ entity, number, value, is_literal }) => [
    entity,
    number,
    value,
    is_literal,
  ]);
  const text = JSON.stringify({ bare: mapping.restores_bare, values });
  return Buffer.concat([header, nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/** The values that were sealed; null where they have expired, are not this context's, or were changed. */
export function openMapping(
  sealed: Uint8Array,
  key: Uint8Array,
  context: string,
  now_ms: number,
): Mapping | null {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
  if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return null;
  if (!(now_ms < bytes.readDoubleBE(1))) return null;
  const header = bytes.subarray(0, HEADER_BYTES);
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, keyFor(key, "seal"), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const hidden = bytes.subarray(HEADER_BYTES + NONCE_BYTES, bytes.length - TAG_BYTES);
  try {
    return readMapping(Buffer.concat([decipher.update(hidden), decipher.final()]).toString());
  } catch {
    return null;
  }
}

/** Throws where the text is no JSON. */
function readMapping(text: string): Mapping | null {
  const read: unknown = JSON.parse(text);
  if (!isFields(read)) return null;
  const mapping = new Mapping({ restores_bare: read["bare"] === true });
  for (const item of list(read["values"])) {
    const value = readValue(item);
    if (value === null || !mapping.put(value)) return null;
  }
  return mapping;
}

function readValue(item: unknown): MappedValue | null {
  const [entity, number, value, is_literal] = list(item);
  if (typeof entity !== "string" || typeof value !== "string" || typeof is_literal !== "boolean") return null;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) return null;
  return { entity, number, value, is_literal };
}
