// Opens the caches of a data folder for a gateway process. What cannot be opened is said once, and the gateway goes on without it.

import { join } from "node:path";
import { openExactCache } from "../cache/exact/cache.ts";
import { InferenceClient } from "../inference/client.ts";
import { inferenceSocketPath } from "../inference/socket.ts";
import { openSecret } from "../memory/secret.ts";
import { Caches } from "./caches.ts";
import { SimilarAnswers } from "./similar.ts";

/** What opens the caches. */
export interface OpenCachesOptions {
  readonly folder: string;
  /** How large the kept answers may become. */
  readonly max_bytes: number;
  log(line: string): void;
}

/** The caches of a data folder; without a place for answers equal calls still share one. */
export function openCaches({ folder, max_bytes, log }: OpenCachesOptions): Caches {
  const secret = openSecret(join(folder, "cache", "secret"));
  const exact = openExactCache(folder, { max_bytes, onFault: log });
  if ("fault" in secret) log(`answers cannot be kept: ${secret.fault}`);
  if ("fault" in exact) log(exact.fault);
  // Nothing that outlives the process is found by a secret that does not.
  const own = "fault" in secret ? crypto.getRandomValues(new Uint8Array(32)) : secret;
  if ("fault" in secret || "fault" in exact) return new Caches({ secret: own, exact: null, similar: null });
  const socket = inferenceSocketPath(folder);
  if (typeof socket !== "string") log(socket.fault);
  const similar =
    typeof socket === "string" ? new SimilarAnswers({ client: new InferenceClient(socket), exact }) : null;
  return new Caches({ secret: own, exact, similar });
}
