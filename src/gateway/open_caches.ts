// Opens the caches of a data folder for a gateway process. What cannot be opened is said once, and the gateway goes on without it.

import { join } from "node:path";
import { openExactCache } from "../cache/exact/cache.ts";
import { PUT_SCRIPT, SharedAnswers, secretFor } from "../cache/exact/shared_answers.ts";
import type { StatePlan } from "../config/plan.ts";
import { InferenceClient } from "../inference/client.ts";
import { inferenceSocketPath } from "../inference/socket.ts";
import type { HostFacts } from "../memory/host_facts.ts";
import { openSecret } from "../memory/secret.ts";
import { Caches } from "./caches.ts";
import { SimilarAnswers } from "./similar.ts";

/** What opens the caches. */
export interface OpenCachesOptions {
  readonly folder: string;
  /** How large the kept answers may become. */
  readonly max_bytes: number;
  /** Where hosts share them; null: they do not. */
  readonly state: StatePlan | null;
  /** Whether hosts share which requests are similar. */
  readonly has_shared_index: boolean;
  readonly facts: HostFacts;
  log(line: string): void;
}

/** The caches of a data folder; without a place for answers equal calls still share one. */
export async function openCaches(options: OpenCachesOptions): Promise<Caches> {
  const { folder, max_bytes, state, has_shared_index, log } = options;
  const shared_secret = state?.secret ?? null;
  const secret =
    shared_secret === null
      ? openSecret(join(folder, "cache", "secret"))
      : secretFor("fingerprints", shared_secret);
  const exact = openExactCache(folder, { max_bytes, onFault: log });
  if ("fault" in secret) log(`answers cannot be kept: ${secret.fault}`);
  if ("fault" in exact) log(exact.fault);
  // Nothing that outlives the process is found by a secret that does not.
  const own = "fault" in secret ? crypto.getRandomValues(new Uint8Array(32)) : secret;
  const elsewhere =
    state === null || shared_secret === null ? null : await openShared(options, state, shared_secret);
  if ("fault" in secret || "fault" in exact)
    return new Caches({ secret: own, exact: null, similar: null, elsewhere });
  const socket = inferenceSocketPath(folder);
  if (typeof socket !== "string") log(socket.fault);
  const answers = has_shared_index ? (elsewhere?.answers ?? null) : null;
  const similar =
    typeof socket === "string"
      ? new SimilarAnswers({ client: new InferenceClient(socket), exact, elsewhere: answers })
      : null;
  return new Caches({ secret: own, exact, similar, elsewhere });
}

/** A connection of this process' own to where hosts share their answers. */
async function openShared(
  { facts, log }: OpenCachesOptions,
  plan: StatePlan,
  secret: string,
): Promise<{ readonly answers: SharedAnswers; readonly budget_ms: number; close(): void }> {
  const { openValkey } = await import("../valkey/connection.ts");
  const { promise: up, resolve: onUp } = Promise.withResolvers<void>();
  const valkey = await openValkey({
    ...{ plan, scripts: { put: PUT_SCRIPT }, timeout_ms: Math.max(PUT_MS, plan.budget_ms) },
    onChange: (is_up) => is_up && onUp(),
  });
  // The first call waits for it as it would for an answer.
  await Promise.race([up, Bun.sleep(plan.budget_ms)]);
  const { prefix, budget_ms } = plan;
  const answers = new SharedAnswers({
    ...{ valkey, prefix, secret, onFault: log },
    onLook: (is_hit) => facts.countShared(is_hit ? "cache_hits" : "cache_misses"),
  });
  return { answers, budget_ms, close: () => valkey.close() };
}

/** How long it may take to keep an answer: nobody waits for it. */
const PUT_MS = 1_000;
