// One try of a call: one exchange with one key of a target.

import type { ProviderKey } from "../config/plan.ts";
import type { Candidate } from "../routing/order.ts";
import type { UpstreamRequest } from "../upstream/exchange.ts";
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
