// An answer as it is kept: the bytes that came, what they cost, and until when they may be given again.

import type { Usage } from "../dialects/usage.ts";

/** A kept answer. Moments are in milliseconds since 1970. */
export interface CacheEntry {
  /** `whole`: one JSON body. `events`: a whole event stream as its provider sent it, with its usage and its end. */
  readonly kind: "whole" | "events";
  readonly body: Uint8Array;
  readonly usage: Usage | null;
  readonly finish_reason: string | null;
  /** The model as clients ask for it. */
  readonly model: string;
  /** Who answered, and what it calls the model. */
  readonly provider: string;
  readonly served_model: string;
  readonly created_ms: number;
  /** Until then it is fresh. */
  readonly fresh_until_ms: number;
  /** Until then it may be given while it is asked for anew; not before `fresh_until_ms`. */
  readonly stale_until_ms: number;
  /** `name=value`, or `name`: what it can be removed by. */
  readonly tags: readonly string[];
  /** What the answer cost, in nano-dollars; null where that is not known. It is saved each time that the answer is given again. */
  readonly cost_nano_usd: number | null;
  /** How long the answer took, in milliseconds. */
  readonly took_ms: number;
}
