// What the keys of a data folder's caches are hashed with. Made once; whoever may read the folder may read the caches too.

import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SECRET_BYTES = 32;

/** The folder of the caches in a data folder. */
export function cacheFolder(data: string): string {
  return join(data, "cache");
}

/** The secret of a data folder, made where there is none; or in words why it cannot be had. */
export function openCacheSecret(data: string): Uint8Array | { readonly fault: string } {
  const folder = cacheFolder(data);
  const path = join(folder, "secret");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const secret = readSecret(path) ?? makeSecret(path);
    if (secret.length === SECRET_BYTES) return secret;
    return {
      fault: `answers cannot be cached: ${path} must have ${SECRET_BYTES} bytes; remove it with ${folder}`,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { fault: `answers cannot be cached: ${path} cannot be used (${message})` };
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
