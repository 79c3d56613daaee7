// What guards a model has, as the Plan has it: they look at texts, and what they find has a consequence that the configuration names.

import { isDeepStrictEqual } from "node:util";
import type { GuardsConfig } from "./guards_schema.ts";
import type { ProviderPlan } from "./plan.ts";
import { compileRemoteGuard, type RemoteGuardConfig, type RemoteGuardPlan } from "./remote_guards.ts";

/** What becomes of what a guard finds: `allow` counts it, `flag` tells of it, `redact` takes it out, `block` ends the call. */
export type GuardAction = "allow" | "flag" | "redact" | "block";

/** From the mildest to the strictest. */
export const GUARD_ACTIONS: readonly GuardAction[] = ["allow", "flag", "redact", "block"];

/** Phrases that must not occur, by words: in any case and spacing, and never within a longer word. */
export interface DeniedWordsPlan {
  readonly guard: "denied_words";
  readonly action: GuardAction;
  readonly words: readonly string[];
}

/** What a request must not be about. */
export interface DeniedTopicsPlan {
  readonly guard: "denied_topics";
  readonly action: GuardAction;
  readonly topics: readonly {
    readonly name: string;
    readonly examples: readonly string[];
    /** How near to the examples is about the topic; 0 to 1. */
    readonly threshold: number;
  }[];
  readonly embedder: string;
  /** Whether what tools gave back is judged as well. */
  readonly tools: boolean;
  /** How long a call waits for the verdict. */
  readonly budget_ms: number;
  /** What becomes of a call for which there is none. */
  readonly on_failure: GuardAction;
}

/** A guard of requests, as a model has it. */
export type InputGuardPlan =
  | DeniedWordsPlan
  | DeniedTopicsPlan
  | {
      readonly guard: "prompt_injection";
      readonly action: GuardAction;
      /** How sure it must be; 0 to 1. */
      readonly threshold: number;
    }
  | { readonly guard: "hidden_text"; readonly action: GuardAction }
  | {
      readonly guard: "limits";
      readonly action: GuardAction;
      /** Characters of all texts together. */
      readonly max_chars: number | null;
      readonly max_messages: number | null;
      readonly max_tools: number | null;
      /** Null: any. */
      readonly modalities: readonly Modality[] | null;
    };

/** What must be valid by the schema that a request asks for, or JSON at all. */
export interface JsonSchemaPlan {
  readonly guard: "json_schema";
  readonly action: GuardAction;
  /** Whether the model is asked once more, and told what is wrong. */
  readonly repair: boolean;
  /** `check`: a stream is judged while it flows; `collect`: it is collected, judged as a whole, and given then. */
  readonly stream: "check" | "collect";
}

/** What a part of a message may be. */
export type Modality = "text" | "image" | "audio" | "video" | "file";

/** A guard of answers, as a model has it. */
export type OutputGuardPlan =
  | DeniedWordsPlan
  | JsonSchemaPlan
  /** Keys, tokens and passwords. */
  | { readonly guard: "secrets"; readonly action: GuardAction }
  /** Personal data that was not in the request. */
  | {
      readonly guard: "personal_data";
      readonly action: GuardAction;
      /** Null: all that is recognised without a model, the configuration's own kinds too. */
      readonly entities: readonly string[] | null;
    }
  /** The words of the request's system messages, so many of them in a row. */
  | { readonly guard: "prompt_leak"; readonly action: GuardAction; readonly min_words: number }
  /** Addresses of other hosts than these and their subdomains. */
  | { readonly guard: "links"; readonly action: GuardAction; readonly hosts: readonly string[] };

/** The guards of a model. */
export interface GuardsPlan {
  readonly input: readonly InputGuardPlan[];
  readonly output: readonly OutputGuardPlan[];
  /** Those that are asked over the network, all at once. */
  readonly remote: {
    readonly input: readonly RemoteGuardPlan[];
    readonly output: readonly RemoteGuardPlan[];
  };
}

/** So many words of a prompt in a row are no chance. */
export const LEAK_MIN_WORDS = 12;

/** Compiles the guards of a model or a key; null where it has none. */
export function compileGuards(
  config: GuardsConfig | undefined,
  providers: ReadonlyMap<string, ProviderPlan>,
): GuardsPlan | null {
  if (config === undefined || config.input.length + config.output.length === 0) return null;
  const remote = (all: readonly GuardConfig[]) =>
    all.filter(isRemote).map((guard) => compileRemoteGuard(guard, providers));
  return {
    input: config.input.filter(isLocal).map(compileInput),
    output: config.output.filter(isLocal).map(compileOutput),
    remote: { input: remote(config.input), output: remote(config.output) },
  };
}

/** All guards of some plans, each once. */
export function joinGuards(plans: readonly (GuardsPlan | null)[]): GuardsPlan | null {
  const some = plans.filter((plan) => plan !== null);
  if (some.length < 2) return some[0] ?? null;
  return {
    input: eachOnce(some.flatMap(({ input }) => input)),
    output: eachOnce(some.flatMap(({ output }) => output)),
    remote: {
      input: eachOnce(some.flatMap(({ remote }) => remote.input)),
      output: eachOnce(some.flatMap(({ remote }) => remote.output)),
    },
  };
}

/** What several guards of one answer's form come to: what the strictest of them does, and all that any of them asks for. */
export function joinSchemaPlans(plans: readonly JsonSchemaPlan[]): JsonSchemaPlan | null {
  if (plans.length < 2) return plans[0] ?? null;
  return {
    guard: "json_schema",
    action: GUARD_ACTIONS.findLast((action) => plans.some((plan) => plan.action === action))!,
    repair: plans.some(({ repair }) => repair),
    stream: plans.some(({ stream }) => stream === "collect") ? "collect" : "check",
  };
}

function eachOnce<Guard>(guards: readonly Guard[]): Guard[] {
  return guards.filter((guard, at) => guards.findIndex((other) => isDeepStrictEqual(guard, other)) === at);
}

type GuardConfig = GuardsConfig["input" | "output"][number];

/** Whether a guard is asked over the network. */
export function isRemote(config: GuardConfig): config is RemoteGuardConfig {
  const name = typeof config === "string" ? config : config.guard;
  return name === "moderation" || name === "webhook";
}

function isLocal<Config extends GuardConfig>(config: Config): config is Exclude<Config, RemoteGuardConfig> {
  return !isRemote(config);
}

function compileInput(config: Exclude<GuardsConfig["input"][number], RemoteGuardConfig>): InputGuardPlan {
  if (config === "prompt_injection") return { guard: config, action: "block", threshold: 0.5 };
  if (config === "hidden_text") return { guard: config, action: "redact" };
  if (config.guard === "denied_topics") return compileTopics(config);
  if (config.guard !== "limits") return config;
  const {
    guard,
    action,
    max_chars = null,
    max_messages = null,
    max_tools = null,
    modalities = null,
  } = config;
  return { guard, action, max_chars, max_messages, max_tools, modalities };
}

function compileTopics({
  topics,
  threshold,
  on_failure,
  ...rest
}: Extract<GuardsConfig["input"][number], { readonly guard: "denied_topics" }>): DeniedTopicsPlan {
  return {
    ...rest,
    topics: topics.map((topic) => ({ ...topic, threshold: topic.threshold ?? threshold })),
    on_failure: on_failure ?? rest.action,
  };
}

function compileOutput(config: Exclude<GuardsConfig["output"][number], RemoteGuardConfig>): OutputGuardPlan {
  if (config === "secrets") return { guard: config, action: "redact" };
  if (config === "json_schema") return { guard: config, action: "block", repair: false, stream: "check" };
  if (config === "prompt_leak") return { guard: config, action: "block", min_words: LEAK_MIN_WORDS };
  if (config === "personal_data") return { guard: config, action: "redact", entities: null };
  if (config.guard !== "personal_data") return config;
  const { guard, action, entities = null } = config;
  return { guard, action, entities };
}
