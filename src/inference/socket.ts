// Where the inference process is reached.

import { socketPath } from "../config/socket_path.ts";

/** The socket of the inference process of a data folder; or in words why there can be none. */
export function inferenceSocketPath(data: string): string | { readonly fault: string } {
  return socketPath(data, "inference.sock");
}
