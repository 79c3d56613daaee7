// What is asked of a model, whatever format it is written in.

import type { CacheMark, Message, OwnFields } from "./parts.ts";

/** A tool that the model may call. */
export type Tool =
  | {
      readonly kind: "function";
      readonly name: string;
      readonly description?: string;
      /** JSON Schema of the arguments; none: it takes none. */
      readonly parameters?: Readonly<Record<string, unknown>>;
      readonly strict?: boolean;
      readonly cache?: CacheMark;
      readonly own?: OwnFields;
    }
  | {
      /** Takes any text, perhaps of a grammar: `lark` or `regex`. */
      readonly kind: "custom";
      readonly name: string;
      readonly description?: string;
      readonly grammar?: { readonly syntax: string; readonly definition: string };
      readonly cache?: CacheMark;
      readonly own?: OwnFields;
    }
  /** Run by the provider. */
  | { readonly kind: "web_search" | "code"; readonly own?: OwnFields }
  /** Known to its own format only. */
  | { readonly kind: "own"; readonly own: OwnFields };

/** Which tools the model has to call. */
export type ToolChoice =
  | { readonly kind: "auto" | "none" | "required" }
  | { readonly kind: "tool"; readonly name: string; readonly is_custom?: boolean }
  /** Only these, of all that are defined. */
  | { readonly kind: "allowed"; readonly mode: "auto" | "required"; readonly names: readonly string[] };

/** What the answer has to look like. */
export type OutputFormat =
  | { readonly kind: "text" }
  | { readonly kind: "json" }
  | {
      readonly kind: "schema";
      readonly name: string;
      readonly description?: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict: boolean | null;
    };

/** How much the model is to think. What is not said is left to the provider. */
export interface Reasoning {
  /** `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`. */
  readonly effort?: string;
  /** Tokens. */
  readonly budget_tokens?: number;
  /** Off where a format can say so; `adaptive`: as much as the model finds fit. */
  readonly mode?: "off" | "on" | "adaptive";
  /** Whether the thoughts are wanted in the answer: `none`, or how (`auto`, `concise`, `detailed`). */
  readonly summary?: string;
}

/** A request for an answer. Null, an empty list: not said. */
export interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether the stream is to tell usage; formats that always do so say true. */
  readonly asks_usage: boolean;
  /** The system prompt of formats that keep it apart comes first, as messages of role `system`. */
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly tool_choice: ToolChoice | null;
  readonly parallel_tool_calls: boolean | null;
  readonly output: OutputFormat | null;
  /** Most tokens of one answer, reasoning included. */
  readonly max_tokens: number | null;
  readonly temperature: number | null;
  readonly top_p: number | null;
  readonly top_k: number | null;
  readonly min_p: number | null;
  readonly frequency_penalty: number | null;
  readonly presence_penalty: number | null;
  readonly logit_bias: Readonly<Record<string, number>> | null;
  readonly seed: number | null;
  readonly stop: readonly string[];
  /** How many answers. */
  readonly choices: number | null;
  /** Log probabilities of the answer's tokens, with so many alternatives of each. */
  readonly logprobs: { readonly top: number } | null;
  readonly reasoning: Reasoning | null;
  readonly verbosity: string | null;
  readonly user: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly service_tier: string | null;
  /** OpenAI's word for calls that begin alike. */
  readonly prompt_cache_key: string | null;
  /** The wish for audio in the answer, among others: `text`, `audio`, `image`. */
  readonly modalities: readonly string[];
  readonly own: OwnFields | null;
}

/** A request that says nothing but to whom it goes: readers spread what they find over it. */
export const EMPTY_REQUEST: Omit<ChatRequest, "model"> = {
  stream: false,
  asks_usage: false,
  messages: [],
  tools: [],
  tool_choice: null,
  parallel_tool_calls: null,
  output: null,
  max_tokens: null,
  temperature: null,
  top_p: null,
  top_k: null,
  min_p: null,
  frequency_penalty: null,
  presence_penalty: null,
  logit_bias: null,
  seed: null,
  stop: [],
  choices: null,
  logprobs: null,
  reasoning: null,
  verbosity: null,
  user: null,
  metadata: null,
  service_tier: null,
  prompt_cache_key: null,
  modalities: [],
  own: null,
};

/** Where an Anthropic-like format wants an object for arguments that are no JSON (Anthropic, "Fine-grained tool streaming"). */
export const INVALID_JSON_KEY = "INVALID_JSON";
