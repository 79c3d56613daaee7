// Where the inference process is reached: a socket in the data folder.

import { socketPath } from "../config/socket_path.ts";

/** The socket of a data folder's inference process, for this process; or in words why there can be none. */
export function inferenceSocketPath(data: string): string | { readonly fault: string } {
  return socketPath(data, "inference.sock");
}
