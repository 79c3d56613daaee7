// What the state of a target's breaker is called, and its tone.

import type { Target } from "./answers.ts";

/** The states. */
export const TARGET_STATES: Readonly<
  Record<Target["state"], readonly ["good" | "warn" | "bad" | "plain", string]>
> = {
  closed: ["good", "healthy"],
  off: ["plain", "no breaker"],
  slow_start: ["warn", "coming back"],
  probing: ["warn", "probing"],
  open: ["bad", "open"],
};
