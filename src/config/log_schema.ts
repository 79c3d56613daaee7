// The logs of events and of calls, as a user configures them.

import * as z from "zod";

const whole = (least: number, most: number) => z.number().int().min(least).max(most);

/** `log` of the configuration. */
export const log = z.strictObject({
  format: z
    .enum(["text", "json"])
    .default("text")
    .describe("How events are told on standard error: to a person, or as lines of JSON."),
  level: z
    .enum(["error", "warn", "info"])
    .default("info")
    .describe("The least important events that are told."),
  calls: z
    .enum(["off", "errors", "on"])
    .default("off")
    .describe("Which calls are written as lines of JSON: none, those that failed, or all."),
  file: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("File for them, relative to the data folder; without one they go to standard output."),
  rotate_mb: whole(1, 100_000).default(100).describe("Size over which the file is rotated."),
  keep_files: whole(0, 10_000).default(10).describe("Rotated files that are kept."),
});
