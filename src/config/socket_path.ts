// Sockets in the data folder: their paths are short, and a data folder's may be long.

import { join, relative, resolve } from "node:path";

/** The longest path that a socket can have, on Linux and on macOS; bytes. */
const PATH_MAX_BYTES = process.platform === "linux" ? 107 : 103;

/** The path of a socket in a data folder for this process, as short as it can be said; or in words why there can be none. */
export function socketPath(data: string, name: string): string | { readonly fault: string } {
  const full = resolve(data, name);
  const near = relative(process.cwd(), full);
  const path = near !== "" && near.length < full.length ? near : full;
  const size = Buffer.byteLength(path);
  if (size <= PATH_MAX_BYTES) return path;
  return {
    fault: `${join(data, name)} has ${size} bytes, and a socket's path at most ${PATH_MAX_BYTES}; choose a data folder with a shorter path, or start beside it`,
  };
}
