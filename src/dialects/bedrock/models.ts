// What the models behind Converse take and refuse, told from their ids: `us.anthropic.claude-haiku-4-5-20251001-v1:0`, or the ARN of an inference
// profile that ends with one. Of an id that says nothing only what all models take is expected.
// Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html;
// .../structured-output.html, "Supported models"; .../prompt-caching.html; .../model-parameters.html;
// https://docs.aws.amazon.com/nova/latest/nova2-userguide/using-converse-api.html.

import { type Claude, claudeOf } from "../anthropic/claude.ts";

/** What is known of a model. */
export interface BedrockModel {
  /** `is_known` where it is one of Anthropic's. */
  readonly claude: Claude;
  readonly is_nova: boolean;
  /** How it is told how hard to think. */
  readonly reasoning: "claude" | "nova" | "effort" | null;
  /** Where `top_k` belongs. */
  readonly top_k: "claude" | "nova" | "mistral" | "cohere" | null;
  /** Whether it takes `outputConfig.textFormat` and strict tools. */
  readonly schemas: boolean;
  /** Whether it can be made to call a tool. */
  readonly forced_tools: boolean;
  /** Whether it takes `cachePoint`. */
  readonly caches: boolean;
}

/** Makers all of whose models on Bedrock take schemas. */
const SCHEMA_MAKERS: ReadonlySet<string> = new Set([
  ...["qwen", "openai", "moonshot", "moonshotai", "google", "nvidia", "minimax", "zai"],
]);
/** Models of other makers that take schemas. */
const SCHEMA_MODELS = [
  "deepseek.v3",
  "mistral.ministral",
  "mistral.magistral",
  "mistral.mistral-large-3",
  "mistral.voxtral",
];
/** What stands before a maker's name where an id says which regions a call may be sent to. */
const REGIONS = /^(?:us-gov|us|eu|apac|jp|au|ca|global)\./;

/** Reads a model's id. */
export function bedrockModelOf(model: string): BedrockModel {
  const id = model.toLowerCase();
  const plain = id.slice(id.lastIndexOf("/") + 1).replace(REGIONS, "");
  const dot = plain.indexOf(".");
  const maker = plain.slice(0, Math.max(dot, 0));
  const name = plain.slice(dot + 1);
  const claude = claudeOf(model);
  const is_claude = claude.is_known || maker === "anthropic";
  const is_nova = maker === "amazon" && name.startsWith("nova");
  const is_forced = is_nova || (maker === "mistral" && !name.includes("7b")) || SCHEMA_MAKERS.has(maker);
  return {
    claude,
    is_nova,
    reasoning: claude.is_known
      ? "claude"
      : is_nova
        ? novaReasoning(name)
        : maker === "openai"
          ? "effort"
          : null,
    top_k: is_claude ? "claude" : is_nova ? "nova" : maker === "mistral" || maker === "cohere" ? maker : null,
    schemas: claude.is_known
      ? claude.schemas
      : SCHEMA_MAKERS.has(maker) || SCHEMA_MODELS.some((start) => `${maker}.${name}`.startsWith(start)),
    forced_tools: is_claude ? claude.forced_tools : is_forced,
    caches: is_claude || is_nova,
  };
}

function novaReasoning(name: string): "nova" | null {
  return name.startsWith("nova-2") ? "nova" : null;
}
