// The key that everything personal is sealed and hashed with. It comes from the configuration, or is made once in the data folder.

import { createHmac, randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a key. */
export const KEY_BYTES = 32;

/** Bits that let others than the owner read or write a file. */
const OTHERS = 0o077;

/** The bytes of a key that is written in base64 or in hexadecimal; null for what is none. */
export function parseKey(text: string): Uint8Array | null {
  const trimmed = text.trim();
  if (/^[0-9A-Fa-f]{64}$/.test(trimmed)) return Buffer.from(trimmed, "hex");
  if (!/^[0-9A-Za-z+/_-]{43}=?$/.test(trimmed)) return null;
  const bytes = Buffer.from(trimmed, "base64");
  return bytes.length === KEY_BYTES ? bytes : null;
}

/**
 * The key of a data folder, made where there is none; or in words why it cannot be had.
 * @param configured the key as the configuration has it, or null
 */
export function openPrivacyKey(
  data: string,
  configured: string | null,
): Uint8Array | { readonly fault: string } {
  if (configured !== null) {
    return (
      parseKey(configured) ?? { fault: `privacy.key must be ${KEY_BYTES} bytes in base64 or hexadecimal` }
    );
  }
  const path = join(data, "privacy.key");
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const key = readKey(path) ?? makeKey(path);
    if (key.length === KEY_BYTES) return key;
    return { fault: `${path} must have ${KEY_BYTES} bytes; what it sealed is lost without it` };
  } catch (error) {
    return { fault: `${path} cannot be used (${error instanceof Error ? error.message : String(error)})` };
  }
}

/** What a key is for: the values of conversations, and the responses that are kept, have keys of their own. */
export type KeyPurpose =
  | "user"
  | "name"
  | "seal"
  | "response name"
  | "response seal"
  | "content name"
  | "content seal"
  | "replay";

/** A key for one purpose alone. */
export function keyFor(key: Uint8Array, purpose: KeyPurpose): Uint8Array {
  return createHmac("sha256", key).update(`venturi privacy ${purpose}`).digest();
}

function readKey(path: string): Uint8Array | null {
  try {
    const key = readFileSync(path);
    // Whoever restored it from a copy may have left it open.
    if ((statSync(path).mode & OTHERS) !== 0) chmodSync(path, 0o600);
    return key;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Of several processes that make one at the same moment one wins, and all have the same. */
function makeKey(path: string): Uint8Array {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, randomBytes(KEY_BYTES), { mode: 0o600 });
  try {
    linkSync(own, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(own, { force: true });
  }
  return readFileSync(path);
}
