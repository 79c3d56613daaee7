// One try of a call: one exchange with one key of a target.

import type { ProviderKey } from "../config/plan.ts";
import type { Candidate } from "../routing/order.ts";
import type { ExchangeTimes, UpstreamRequest } from "../upstream/exchange.ts";
import type { Receiver } from "./receiver.ts";

/** A try that was sent. */
export interface Try {
  readonly candidate: Candidate;
  readonly key: ProviderKey;
  /** At least one. */
  readonly requests: readonly UpstreamRequest[];
  readonly receiver: Receiver;
  /** What of the request could not be said to its target. */
  readonly dropped: readonly string[];
  /** Whether a drill stood in for the provider, and nothing was sent. */
  readonly is_drill: boolean;
}

/** A try that is over, or whose answer is under way. */
export interface Tried {
  readonly provider: string;
  readonly model: string;
  /** How the ledger calls what came of it. */
  readonly outcome: string;
  /** Null: it was not sent, or nobody took its times. */
  readonly times: ExchangeTimes | null;
  /** When it ended, from `performance.now()`; 0 where it ends with the call. */
  readonly ended_ms: number;
}
