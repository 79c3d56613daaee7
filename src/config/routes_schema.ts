// The policy table as a user writes it: under which conditions a request goes to which model.

import * as z from "zod";
import { NEEDS } from "./needs.ts";
import { BOUND, COMPLEXITIES, HOURS, WEEKDAYS } from "./routes.ts";

const word = z.string().min(1, "must not be empty").max(512, "must have at most 512 characters");
const words = (what: string) =>
  z
    .union([word, z.array(word).min(1, "must have at least one").max(1000)])
    .optional()
    .describe(`${what}; * matches any run of characters, and of several one must match.`);

const bound = (what: string) =>
  z
    .string()
    .regex(BOUND, 'is a bound such as ">8000" or "<=500", or a range such as "1000-8000"')
    .optional()
    .describe(`${what}: >N, >=N, <N, <=N, or a range N-M with both ends in it.`);

const time = z.strictObject({
  hours: z
    .string()
    .regex(HOURS, 'is a time of day such as "9-17" or "22:30-6:00", its end not in it')
    .optional()
    .describe("Hours of the day, such as 9-17 or 22:30-6:00; they may go over midnight."),
  weekdays: z
    .array(z.enum(WEEKDAYS))
    .min(1, "must name at least one day")
    .optional()
    .describe(
      "Days of the week, such as [mon, tue]; where hours go over midnight, the day on which they begin.",
    ),
  zone: z
    .string()
    .max(64, "must have at most 64 characters")
    .default("UTC")
    .describe("Time zone of these (IANA), such as Europe/Berlin."),
});

const when = z.strictObject({
  model: words("The model that is asked for"),
  task: words("x-venturi-task"),
  tier: words("The tier of the caller's key"),
  tenant: words("The tenant of the caller's key"),
  team: words("The team of the caller's key"),
  key: words("The name of the caller's key"),
  region: words("x-venturi-region, else the region of the caller's key; eu is also met by eu-west-1"),
  tags: z
    .array(word)
    .min(1, "must have at least one")
    .max(100)
    .optional()
    .describe("Tags of x-venturi-tags that must all be there: name, or name=value with * in the value."),
  header: z
    .record(z.string(), z.union([word, z.array(word).min(1, "must have at least one").max(1000)]))
    .optional()
    .describe(
      "Header fields of the request by name, each with what it must be; * matches any run of characters.",
    ),
  needs: z
    .array(z.enum(NEEDS))
    .min(1, "must name at least one")
    .optional()
    .describe(
      "What the request must all need: images, sound, video or PDF in it, tools, a JSON schema, reasoning.",
    ),
  prompt_tokens: bound("About how many tokens the prompt has"),
  context_tokens: bound("The same with the tokens that the answer may have (max_tokens)"),
  time: time.optional().describe("When the request arrives."),
  complexity: z
    .union([z.enum(COMPLEXITIES), z.array(z.enum(COMPLEXITIES)).min(1, "must name at least one")])
    .optional()
    .describe("How hard the prompt looks: simple, medium or hard, by a heuristic that explain shows."),
});

/** A rule of the table. */
export const route = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "has 1 to 64 letters, digits, dots, dashes and underscores")
    .optional()
    .describe("What the ledger and answers call this rule; by default its place, such as routes[0]."),
  when: when
    .prefault({})
    .describe("What must all be so for this rule to decide; nothing: it always decides."),
  use: word.optional().describe("The model that answers: one of models, or provider/model."),
  split: z
    .record(word, z.number().min(0).max(1_000_000))
    .optional()
    .describe(
      "Models and their shares, such as { chat: 90, candidate: 10 }; a session, user or key always gets the same.",
    ),
});

/** A rule as configured. */
export type RouteConfig = z.output<typeof route>;
