// What happens to calls of a provider that may not be asked at the moment, and to those whose clients leave, as a user writes it.

import * as z from "zod";
import type { DrainPlan, QueuePlan } from "./plan.ts";

const DAY_MS = 86_400_000;

const MIB = 1024 * 1024;
const QUEUE = { max: 1_000, max_wait_ms: 30_000, max_mb: 256 };
const DRAIN = { max_ms: 60_000, max_mb: 16 };

/** `queue` of a provider. */
export const queue = z
  .union([
    z.literal("off"),
    z.strictObject({
      max: z
        .int()
        .min(1)
        .max(100_000)
        .default(QUEUE.max)
        .describe(
          "Calls that may wait in one gateway process; over it those go that came last and have most.",
        ),
      max_wait_ms: z
        .int()
        .min(1)
        .max(DAY_MS)
        .default(QUEUE.max_wait_ms)
        .describe(
          "How long a call may wait, within its deadline; what cannot be served in time is refused at once.",
        ),
      max_mb: z
        .int()
        .min(1)
        .max(65_536)
        .default(QUEUE.max_mb)
        .describe("What the requests that wait may have together."),
    }),
  ])
  .describe(
    "Calls wait in turn, by tier and tenant, when the limits of all its keys are reached and no other target can take them; off refuses them at once.",
  );

/** `on_disconnect` of a provider. */
export const on_disconnect = z
  .enum(["cancel", "drain-for-usage"])
  .describe(
    "What becomes of an answer whose client has left: cancel ends it, drain-for-usage reads the rest so that its usage is known, for providers that bill it anyway.",
  );

/** `drain` of a provider. */
export const drain = z
  .strictObject({
    max_ms: z
      .int()
      .min(1)
      .max(DAY_MS)
      .default(DRAIN.max_ms)
      .describe("How long the rest of an answer is read."),
    max_mb: z.int().min(1).max(1_024).default(DRAIN.max_mb).describe("How much of it is read at most."),
  })
  .describe("Bounds of drain-for-usage.");

/** A provider's queue; without a word of the configuration it has one of the usual size. */
export function compileQueue(config: z.output<typeof queue> = QUEUE): QueuePlan | null {
  if (config === "off") return null;
  const { max, max_wait_ms, max_mb } = config;
  return { max, max_wait_ms, max_bytes: max_mb * MIB };
}

/** How answers are drained; null: they are not. */
export function compileDrain(
  policy: z.output<typeof on_disconnect> = "cancel",
  { max_ms, max_mb }: z.output<typeof drain> = DRAIN,
): DrainPlan | null {
  return policy === "cancel" ? null : { max_ms, max_bytes: max_mb * MIB };
}
