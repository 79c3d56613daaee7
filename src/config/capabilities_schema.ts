// What a target can do as a user writes it: in place of what is known of the model.

import * as z from "zod";

const able = (what: string) => z.boolean().optional().describe(`Whether it takes ${what}.`);

/** What the configuration says of a target. */
export const capabilities = z.strictObject({
  context_tokens: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe("The longest prompt and answer together, in tokens."),
  vision: able("images"),
  audio: able("sound"),
  video: able("video"),
  pdf: able("PDF files"),
  tools: able("tools"),
  json_schema: able("a JSON schema that the answer must have"),
  reasoning: able("wishes for reasoning"),
});

/** What is said of a target: what is left out is as it is known, or able. */
export type CapabilitiesConfig = z.output<typeof capabilities>;
