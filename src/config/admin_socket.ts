// Where the admin API is reached on its own host: a socket in the data folder. Supervisor, gateway processes and commands
// all ask here, so that they cannot disagree.

import { join, relative, resolve } from "node:path";

/** The longest path that a socket can have, on Linux and on macOS; bytes. */
const PATH_MAX_BYTES = process.platform === "linux" ? 107 : 103;

/** The socket's path for this process, as short as it can be said; or in words why there can be none. */
export function adminSocketPath(data: string): string | { readonly fault: string } {
  const full = resolve(data, "admin.sock");
  const near = relative(process.cwd(), full);
  const path = near !== "" && near.length < full.length ? near : full;
  const size = Buffer.byteLength(path);
  if (size <= PATH_MAX_BYTES) return path;
  return {
    fault: `the admin API has no socket: ${join(data, "admin.sock")} has ${size} bytes, and a socket's path at most ${PATH_MAX_BYTES}; choose a data folder with a shorter path, or start beside it`,
  };
}
