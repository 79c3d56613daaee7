// What a model answered, whatever format it is written in: whole, or as the events of a stream.

import type { WireError } from "../openai/error.ts";
import type { Usage } from "../usage.ts";
import type { Citation, OwnFields, OwnPart, Part, Signature } from "./parts.ts";

/**
 * Why an answer ended. `stop`: by itself; `stop_sequence`: at one of the request's; `pause`: the provider wants to be asked to go on;
 * `malformed_call`: the model wrote a call of a tool that cannot be read.
 */
export type FinishReason =
  | "stop"
  | "stop_sequence"
  | "length"
  | "context_length"
  | "tool_calls"
  | "content_filter"
  | "refusal"
  | "pause"
  | "malformed_call"
  | "error"
  | "other";

/** How an answer ended. */
export interface Finish {
  readonly reason: FinishReason;
  /** The sequence that it stopped at. */
  readonly stop_sequence?: string;
  /** The provider's own word. */
  readonly raw?: string;
}

/** A token with its log probability. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[];
  readonly top: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes?: readonly number[];
  }[];
}

/** One of the answers to a request. */
export interface AnswerChoice {
  readonly index: number;
  readonly parts: readonly Part[];
  /** Null: it was broken off. */
  readonly finish: Finish | null;
  readonly logprobs?: readonly TokenLogprob[];
}

/** A whole answer. */
export interface ChatAnswer {
  /** Empty where the provider gives none. */
  readonly id: string;
  /** As the provider calls the model; empty where it does not say. */
  readonly model: string;
  /** Seconds since 1970; null where the provider does not say. */
  readonly created_s: number | null;
  readonly choices: readonly AnswerChoice[];
  readonly usage: Usage | null;
  readonly service_tier?: string;
  readonly own?: OwnFields;
}

/**
 * What a stream says. Grammar, for each choice: `start` (once, before all), then parts one after another or side by side, each
 * `part_start`, deltas of its kind, `part_stop`; then `finish`. Behind all choices `usage` (perhaps earlier too, and more than once: see
 * `laterUsage`) and `end`. `error` may come at any time and is the last.
 * Parts of one choice are numbered by `part`, from 0 up, in the order of their starts.
 */
export type StreamEvent =
  | {
      readonly kind: "start";
      readonly id: string;
      readonly model: string;
      readonly created_s: number | null;
      readonly service_tier?: string;
      readonly own?: OwnFields;
    }
  | { readonly kind: "part_start"; readonly choice: number; readonly part: number; readonly start: PartStart }
  /** Text of a `text`, `thinking` or `refusal` part, or of a call's arguments. */
  | { readonly kind: "delta"; readonly choice: number; readonly part: number; readonly text: string }
  | { readonly kind: "citation"; readonly choice: number; readonly part: number; readonly citation: Citation }
  /** Of a `thinking` part mostly; the whole of it. */
  | {
      readonly kind: "signature";
      readonly choice: number;
      readonly part: number;
      readonly signature: Signature;
    }
  | { readonly kind: "part_stop"; readonly choice: number; readonly part: number }
  | { readonly kind: "logprobs"; readonly choice: number; readonly tokens: readonly TokenLogprob[] }
  | { readonly kind: "finish"; readonly choice: number; readonly finish: Finish }
  | { readonly kind: "usage"; readonly usage: Usage }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: WireError };

/** What a part of a stream is; its text follows. */
export type PartStart =
  | { readonly kind: "text" | "refusal"; readonly own?: OwnFields }
  | {
      readonly kind: "thinking";
      readonly id?: string;
      readonly encrypted?: Signature;
      readonly own?: OwnFields;
    }
  | {
      readonly kind: "tool_call";
      readonly id: string;
      readonly name: string;
      readonly is_custom?: boolean;
      readonly signature?: Signature;
      readonly own?: OwnFields;
    }
  /** Whole at once: media that a model made, and what only one format knows. */
  | {
      readonly kind: "whole";
      readonly whole: OwnPart | Extract<Part, { kind: "image" | "audio" | "video" | "file" }>;
    };

/** Where a stream's events go. */
export type EventSink = (event: StreamEvent) => void;
