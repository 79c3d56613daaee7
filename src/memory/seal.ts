// Bytes that nobody can read or change without the key (AES-256-GCM), and that are worth nothing later.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The version and the moment at which it expires; authenticated, not secret. */
const HEADER_BYTES = 9;

/**
 * Seals bytes.
 * @param key 32 bytes
 * @param context whose they are; they open for the same context alone
 * @param expires_ms until when they open, in milliseconds since 1970
 */
export function sealBytes(
  plain: Uint8Array,
  key: Uint8Array,
  context: string,
  expires_ms: number,
): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = VERSION;
  header.writeDoubleBE(expires_ms, 1);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
  return Buffer.concat([header, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** The bytes that were sealed; null where they have expired, are not this context's, or were changed. */
export function openBytes(
  sealed: Uint8Array,
  key: Uint8Array,
  context: string,
  now_ms: number,
): Uint8Array | null {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
  if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return null;
  if (!(now_ms < bytes.readDoubleBE(1))) return null;
  const header = bytes.subarray(0, HEADER_BYTES);
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const hidden = bytes.subarray(HEADER_BYTES + NONCE_BYTES, bytes.length - TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(hidden), decipher.final()]);
  } catch {
    return null;
  }
}
