// Where the admin API is reached on its own host: a socket in the data folder. Supervisor, gateway processes and commands
// all ask here, so that they cannot disagree.

import { socketPath } from "./socket_path.ts";

/** The socket's path for this process, as short as it can be said; or in words why there can be none. */
export function adminSocketPath(data: string): string | { readonly fault: string } {
  const path = socketPath(data, "admin.sock");
  return typeof path === "string" ? path : { fault: `the admin API has no socket: ${path.fault}` };
}
