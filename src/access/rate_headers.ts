// Limits as clients and providers write them into headers: `x-ratelimit-*` with durations as OpenAI writes them, `anthropic-ratelimit-*`.
// Source: OpenAI API documentation, "Rate limits", "Rate limits in headers".

import type { LimitSet } from "./limit_set.ts";
import { type ReservationTools, tightestWindow } from "./reservation.ts";

/** A duration as OpenAI writes it: `20ms`, `1s`, `6m0s`, `1h0m0s`. */
export function openaiDuration(duration_ms: number): string {
  if (duration_ms < 1_000) return `${Math.ceil(Math.max(0, duration_ms))}ms`;
  const seconds = Math.ceil(duration_ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}

/** The milliseconds of such a duration (`1s`, `6m0s`, `1h0m0.5s`, `20ms`, plain seconds); null if it is none. */
export function readDuration(text: string): number | null {
  const plain = Number(text);
  if (text.trim() !== "" && Number.isFinite(plain)) return plain >= 0 ? plain * 1_000 : null;
  if (text.length > 40) return null;
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/.exec(
    text.trim(),
  );
  if (match === null || text.trim() === "") return null;
  const [, days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = match.map((part) =>
    Number(part ?? 0),
  );
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds;
}

/** Whose headers a client knows. */
export type HeaderStyle = "openai" | "anthropic";

/**
 * What a call's limits say in the headers of its response; null where there is nothing to say.
 * @param now_ms on the host's clock, in milliseconds since 1970: Anthropic's resets are times (RFC 3339)
 * Sources: OpenAI, "Rate limits in headers"; https://platform.claude.com/docs/en/api/rate-limits#response-headers
 */
export function limitHeaders(
  sets: readonly LimitSet[],
  tools: ReservationTools,
  style: HeaderStyle,
  now_ms: number,
): Readonly<Record<string, string>> | null {
  let headers: Record<string, string> | null = null;
  for (const of of ["requests", "tokens"] as const) {
    const window = tightestWindow(sets, of, tools);
    if (window === null) continue;
    headers ??= {};
    const { limit, remaining, reset_ms } = window;
    if (style === "openai") {
      headers[`x-ratelimit-limit-${of}`] = String(limit);
      headers[`x-ratelimit-remaining-${of}`] = String(remaining);
      headers[`x-ratelimit-reset-${of}`] = openaiDuration(reset_ms);
    } else {
      headers[`anthropic-ratelimit-${of}-limit`] = String(limit);
      headers[`anthropic-ratelimit-${of}-remaining`] = String(remaining);
      headers[`anthropic-ratelimit-${of}-reset`] = rfc3339(now_ms + reset_ms);
    }
  }
  return headers;
}

/** Whole seconds, rounded up: before that the limit is not reset. */
function rfc3339(at_ms: number): string {
  return new Date(Math.ceil(at_ms / 1_000) * 1_000).toISOString().replace(".000Z", "Z");
}
