// What the models of this format take and refuse, told from a model's name: the provider's API has no switch for it, and answers 400.
// Sources: https://platform.claude.com/docs/en/build-with-claude/thinking, "Configuring thinking";
// .../build-with-claude/effort; .../build-with-claude/structured-outputs, "Supported models"; .../about-claude/models/migration-guide;
// .../models/opus-5-5/whats-new-opus-5-5; .../models/sonnet-5-5/whats-new-sonnet-5-5; .../models/overview, "Max output".

/** What is known of a model that a request goes to. */
export interface Claude {
  /** False: another model behind this format; it is taken to be as the oldest ones, and more lenient. */
  readonly is_known: boolean;
  /** Whether it takes `temperature`, `top_p`, `top_k`. */
  readonly samples: boolean;
  /** Whether it takes `temperature` and `top_p` in one request. */
  readonly samples_both: boolean;
  /** How it is told to think: with a budget, as it finds fit, either; or not at all. */
  readonly thinking: "none" | "budget" | "both" | "adaptive";
  /** Thinks unless it is told not to. */
  readonly thinks_unasked: boolean;
  /** How thinking is turned off; null: never. */
  readonly off: "disabled" | "between_tools" | null;
  /** The values of `output_config.effort`. */
  readonly efforts: readonly string[];
  /** Whether it takes `output_config.format` and strict tools. */
  readonly schemas: boolean;
  /** Whether it can be made to call a tool. */
  readonly forced_tools: boolean;
  /** Whether it takes messages of role `system` behind the first. */
  readonly late_system: boolean;
  /** Most tokens of one answer. */
  readonly max_tokens: number;
}

/** What compatible servers of other models take in common. */
const OTHER: Claude = {
  is_known: false,
  samples: true,
  samples_both: true,
  thinking: "both",
  thinks_unasked: false,
  off: "disabled",
  efforts: ["low", "medium", "high", "xhigh", "max"],
  schemas: false,
  forced_tools: true,
  late_system: false,
  max_tokens: 8192,
};

const FAMILIES: ReadonlySet<string> = new Set(["opus", "sonnet", "haiku", "fable", "mythos", "instant"]);
const SEPARATORS = /[-.@:/_]/;

/** Reads a model's name, as Anthropic, Bedrock, Vertex AI and others write it: `claude-opus-4-6`, `us.anthropic.claude-3-haiku-20240307-v1:0`. */
export function claudeOf(model: string): Claude {
  const words = model.toLowerCase().split(SEPARATORS);
  const start = words.indexOf("claude");
  if (start < 0) return OTHER;
  const behind = words.slice(start + 1);
  const family = behind.find((word) => FAMILIES.has(word)) ?? "";
  const version = versionOf(family, behind);
  return version === null ? OTHER : factsOf(family, version);
}

/** The version as one number: 4.6 for `4-6`. Dates and what follows them do not count. */
function versionOf(family: string, words: readonly string[]): number | null {
  const isNumber = (word: string | undefined) =>
    word !== undefined && word !== "" && word.length <= 2 && !Number.isNaN(Number(word));
  const at = words.findIndex((word) => isNumber(word));
  if (at < 0) return family === "mythos" ? 4.7 : null;
  const minor = words[at + 1];
  return Number(words[at]) + (isNumber(minor) ? Number(minor) / 10 : 0);
}

function factsOf(family: string, version: number): Claude {
  const is_large = family === "fable" || family === "mythos";
  const is_always_on = is_large || (family === "opus" && version >= 5.5);
  const off = family === "sonnet" && version >= 5.5 ? "between_tools" : "disabled";
  return {
    is_known: true,
    samples: version < 4.7,
    samples_both: version < 4.1,
    thinking: version < 3.7 ? "none" : version < 4.6 ? "budget" : version < 4.7 ? "both" : "adaptive",
    thinks_unasked: is_large || version >= 5,
    off: is_always_on ? null : off,
    efforts: effortsOf(family, version),
    schemas: version >= 4.5,
    forced_tools: version < 5.1 || family === "haiku",
    late_system: is_large || version >= 5.5 || (family === "opus" && version >= 4.8),
    max_tokens: mostTokens(family, version),
  };
}

function effortsOf(family: string, version: number): readonly string[] {
  if (version >= 4.7) return ["low", "medium", "high", "xhigh", "max"];
  if (version >= 4.6) return ["low", "medium", "high", "max"];
  return family === "opus" && version >= 4.5 ? ["low", "medium", "high"] : [];
}

function mostTokens(family: string, version: number): number {
  if (version >= 4.6) return 128_000;
  if (version >= 3.7) return family === "opus" && version < 4.5 ? 32_000 : 64_000;
  return version >= 3.5 ? 8192 : 4096;
}
