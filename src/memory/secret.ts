// Secrets of a data folder, made when they are first needed: what keys of caches and names of users are hashed with. Whoever may
// read the folder may read them too.

import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const SECRET_BYTES = 32;

/** The secret in a file, made where there is none; or in words why it cannot be had. */
export function openSecret(path: string): Uint8Array | { readonly fault: string } {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const secret = readSecret(path) ?? makeSecret(path);
    if (secret.length === SECRET_BYTES) return secret;
    return { fault: `${path} must have ${SECRET_BYTES} bytes; remove it, and another one is made` };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { fault: `${path} cannot be used (${message})` };
  }
}

function readSecret(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Of several processes that make one at the same moment one wins, and all have the same. */
function makeSecret(path: string): Uint8Array {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), { mode: 0o600 });
  try {
    linkSync(own, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(own, { force: true });
  }
  return readFileSync(path);
}
