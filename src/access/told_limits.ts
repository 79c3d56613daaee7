// What a provider's answer says of its limits: how much, how much is left, until when.
// Sources: OpenAI, "Rate limits in headers" (Azure, Groq, xAI and others write the same); Anthropic,
// https://platform.claude.com/docs/en/api/rate-limits#response-headers; Mistral and Cerebras name the window in the field.

import type { HeaderFields } from "../config/plan.ts";
import { readDuration } from "./rate_headers.ts";

/** What providers limit. Anthropic limits the tokens of prompts and of answers apart. */
export const TOLD_KINDS = ["requests", "tokens", "input_tokens", "output_tokens"] as const;
/** One of them. */
export type ToldKind = (typeof TOLD_KINDS)[number];

/** What was said of one limit. */
export interface ToldLimit {
  readonly of: ToldKind;
  /** Null: it was not said. */
  readonly limit: number | null;
  /** Not above the limit. */
  readonly remaining: number;
  /** When all of it is there again, from now; at most RESET_MAX_MS. */
  readonly reset_ms: number;
}

/** Longest time that a header may make a key rest: what it says of a day's limit is asked about again. */
export const RESET_MAX_MS = 600_000;
/** When all is there again where it is not said: providers that leave it out limit by the minute. */
const RESET_USUAL_MS = 60_000;
/** Larger numbers are no limits. */
const AMOUNT_MAX = 2 ** 31 - 1;

type Part = "limit" | "remaining" | "reset";

/** Fields by their names. */
const FIELDS: ReadonlyMap<string, readonly [ToldKind, Part]> = new Map(
  (["limit", "remaining", "reset"] as const).flatMap((part) => {
    const fields: [string, readonly [ToldKind, Part]][] = [
      [`x-ratelimit-${part}-requests`, ["requests", part]],
      [`x-ratelimit-${part}-tokens`, ["tokens", part]],
      [`x-ratelimit-${part}-req-minute`, ["requests", part]],
      [`x-ratelimit-${part}-requests-minute`, ["requests", part]],
      [`x-ratelimit-${part}-tokens-minute`, ["tokens", part]],
      [`anthropic-ratelimit-requests-${part}`, ["requests", part]],
      [`anthropic-ratelimit-tokens-${part}`, ["tokens", part]],
      [`anthropic-ratelimit-input-tokens-${part}`, ["input_tokens", part]],
      [`anthropic-ratelimit-output-tokens-${part}`, ["output_tokens", part]],
    ];
    return fields;
  }),
);

/** How the names of all such fields begin. */
export const TOLD_PREFIXES: readonly string[] = ["x-ratelimit-", "anthropic-ratelimit-"];

/**
 * What an answer says of its provider's limits; null where it says nothing that can be used.
 * Nothing is believed beyond its bounds: numbers that are none are left out, more left than the limit is the limit.
 * @param now_ms the host's time in milliseconds since 1970, for resets that are times (RFC 3339)
 */
export function readToldLimits(fields: HeaderFields, now_ms: number): readonly ToldLimit[] | null {
  let parts: Map<ToldKind, { [part in Part]?: string }> | null = null;
  for (const [name, value] of fields) {
    const field = FIELDS.get(name);
    if (field === undefined) continue;
    parts ??= new Map();
    const [of, part] = field;
    let told = parts.get(of);
    if (told === undefined) {
      told = {};
      parts.set(of, told);
    }
    told[part] ??= value;
  }
  if (parts === null) return null;
  const limits: ToldLimit[] = [];
  for (const [of, told] of parts) {
    const remaining = readAmount(told.remaining);
    if (remaining === null) continue;
    const limit = readAmount(told.limit) || null;
    limits.push({
      of,
      limit,
      remaining: limit === null ? remaining : Math.min(remaining, limit),
      reset_ms: readReset(told.reset, now_ms),
    });
  }
  return limits.length === 0 ? null : limits;
}

/** A whole number, at least 0; null for anything else. */
function readAmount(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,18}$/.test(text.trim())) return null;
  return Math.min(Number(text), AMOUNT_MAX);
}

/** A duration or a time, as milliseconds from now. */
function readReset(text: string | undefined, now_ms: number): number {
  if (text === undefined) return RESET_USUAL_MS;
  const duration_ms = readDuration(text) ?? Date.parse(text) - now_ms;
  if (Number.isNaN(duration_ms)) return RESET_USUAL_MS;
  return Math.min(Math.max(0, duration_ms), RESET_MAX_MS);
}
