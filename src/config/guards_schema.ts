// Guards as a user writes them: by name alone, or with what they are to do.

import * as z from "zod";
import { embedder } from "./embedder_name.ts";
import { GUARD_ACTIONS, LEAK_MIN_WORDS } from "./guards.ts";

const action = z
  .enum(GUARD_ACTIONS)
  .describe(
    "What becomes of a finding: allow counts it in the ledger, flag tells the client as well, redact takes it out, block refuses the call or ends the answer.",
  );
/** What limits find cannot be taken out. */
const action_on_whole = action
  .exclude(["redact"])
  .describe("What becomes of a finding; here nothing can be taken out.");

const guard = <Name extends string>(name: Name) => z.literal(name).describe("Which guard it is.");

const phrase = z.string().max(200, "must have at most 200 characters").regex(/\S/, "must not be empty");
const denied_words = z.strictObject({
  guard: guard("denied_words"),
  words: z
    .array(phrase)
    .min(1, "must have at least one")
    .max(10_000)
    .describe("Words and phrases, in any case, that are not within a longer word."),
  action: action.default("block"),
});

const example = z.string().max(500, "must have at most 500 characters").regex(/\S/, "must not be empty");
const threshold = z.number().min(0).max(1);
/** So many are compared with every sentence of a request. */
const EXAMPLES_MAX = 500;
const denied_topics = z.strictObject({
  guard: guard("denied_topics"),
  topics: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[^\p{C}]{1,80}$/u, "must have 1 to 80 characters that can be seen")
          .describe("What whoever asks is told that it is about."),
        examples: z
          .array(example)
          .min(1, "must have at least one")
          .max(EXAMPLES_MAX)
          .describe("Sentences as somebody would write them who asks about it; three to ten do."),
        threshold: threshold.optional().describe("In place of the guard's."),
      }),
    )
    .min(1, "must have at least one")
    .max(50)
    .refine(
      (topics) => topics.reduce((sum, { examples }) => sum + examples.length, 0) <= EXAMPLES_MAX,
      `must have at most ${EXAMPLES_MAX} examples together`,
    )
    .describe("What a request must not be about."),
  threshold: threshold
    .default(0.5)
    .describe("How near to a topic's examples a sentence must be to be about it; for the built-in embedder."),
  embedder: embedder
    .default("builtin")
    .describe("What measures nearness: builtin, transformers:MODEL or provider:NAME/MODEL."),
  tools: z.boolean().default(false).describe("Whether what tools give back is judged as well."),
  budget_ms: z.int().min(1).max(60_000).default(500).describe("How long a call waits for the verdict."),
  on_failure: z
    .enum(["allow", "flag", "block"])
    .optional()
    .describe("What becomes of a call for which there is no verdict in time; by default what the action is."),
  action: action_on_whole.default("block"),
});

/** What guards that are asked over the network have in common. */
const remote = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,39}$/, "must be of lower-case letters, digits, _ and -, and have at most 40")
    .optional()
    .describe("What headers and the ledger call it; by default what it is."),
  timeout_ms: z.int().min(1).max(60_000).default(2_000).describe("How long a call waits for its judgement."),
  on_failure: z
    .enum(["allow", "flag", "block"])
    .optional()
    .describe("What becomes of a call that it does not judge, or not in time; by default as its action."),
};

const moderation = z.strictObject({
  guard: guard("moderation"),
  provider: z.string().default("openai").describe("Name of the provider whose moderation endpoint is asked."),
  model: z
    .string()
    .min(1, "must not be empty")
    .max(256)
    .default("omni-moderation-latest")
    .describe("The model's name as its provider calls it."),
  categories: z
    .array(z.string().min(1, "must not be empty").max(100))
    .min(1, "must name at least one")
    .max(100)
    .optional()
    .describe("Categories that count, as the provider calls them; by default all."),
  thresholds: z
    .record(z.string().min(1, "must not be empty").max(100), z.number().min(0).max(1))
    .default({})
    .describe("From which score on a category counts; by default the provider decides."),
  action: action_on_whole.default("block"),
  ...remote,
});

const webhook = z.strictObject({
  guard: guard("webhook"),
  url: z.string().min(1, "must not be empty").max(2_048).describe("Where texts are posted to be judged."),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe("Header fields of what is posted; secrets best as references to environment variables."),
  action: action_on_whole
    .default("block")
    .describe("What becomes of a finding at most: with allow or flag, nothing is redacted or blocked."),
  ...remote,
});

const count = (what: string) => z.int().min(0).max(100_000_000).optional().describe(what);

const input_guard = z.union([
  z.enum(["prompt_injection", "hidden_text", "moderation"]),
  z.discriminatedUnion("guard", [
    denied_words,
    denied_topics,
    z.strictObject({
      guard: guard("prompt_injection"),
      threshold: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe("How sure it must be; 0.5 takes about one harmless text in a hundred for an attack."),
      action: action.default("block"),
    }),
    z.strictObject({ guard: guard("hidden_text"), action: action.default("redact") }),
    z.strictObject({
      guard: guard("limits"),
      max_chars: count("Characters of all texts of a request together."),
      max_messages: count("Messages of a request."),
      max_tools: count("Tools of a request."),
      modalities: z
        .array(z.enum(["text", "image", "audio", "video", "file"]))
        .min(1, "must name at least one")
        .optional()
        .describe("What parts of messages may be."),
      action: action_on_whole.default("block"),
    }),
    moderation,
    webhook,
  ]),
]);

const output_guard = z.union([
  z.enum(["secrets", "personal_data", "prompt_leak", "json_schema", "moderation"]),
  z.discriminatedUnion("guard", [
    denied_words,
    z.strictObject({ guard: guard("secrets"), action: action.default("redact") }),
    z.strictObject({
      guard: guard("personal_data"),
      entities: z
        .array(z.string())
        .min(1, "must name at least one kind")
        .max(200)
        .optional()
        .describe(
          "Kinds, such as EMAIL or PERSON; by default all that are recognised without a model, those of privacy.custom too.",
        ),
      action: action.default("redact"),
    }),
    z.strictObject({
      guard: guard("prompt_leak"),
      min_words: z
        .int()
        .min(4)
        .max(20)
        .default(LEAK_MIN_WORDS)
        .describe("Words of a system message in a row that an answer may not have."),
      action: action.default("block"),
    }),
    z.strictObject({
      guard: guard("json_schema"),
      repair: z
        .boolean()
        .default(false)
        .describe("Whether the model is asked once more where its answer is not what was asked for."),
      stream: z
        .enum(["check", "collect"])
        .default("check")
        .describe(
          "check judges a stream while it flows, and cannot repair it; collect gives it when all of it is there.",
        ),
      action: action_on_whole.default("block"),
    }),
    z.strictObject({
      guard: guard("links"),
      hosts: z
        .array(
          z.string().regex(/^[a-z0-9.-]{1,253}$/, "must be a host's name in lower case, such as example.com"),
        )
        .max(10_000)
        .describe("Hosts that links and images may lead to, with their subdomains."),
      action: action.default("redact"),
    }),
    moderation,
    webhook,
  ]),
]);

/** The guards of a model or a key. */
export const guards = z.strictObject({
  input: z.array(input_guard).max(50).default([]).describe("What looks at requests, in this order."),
  output: z.array(output_guard).max(50).default([]).describe("What looks at answers."),
});

/** As the configuration has them. */
export type GuardsConfig = z.output<typeof guards>;
/** Guards that are asked over the network, as the configuration has them. */
export type ModerationConfig = z.output<typeof moderation>;
/** The same for services in our own format. */
export type WebhookConfig = z.output<typeof webhook>;
