// Whether and when to try again: what a status means, how long to wait.
// Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), unless the provider says when.

/** Longest backoff, in milliseconds. */
const BACKOFF_MAX_MS = 10_000;

/**
 * What to do after a failed answer.
 * `same`: the target may do better in a moment. `key`: this provider key is refused, another may do.
 * `rest`: this key has to rest. `next`: another target may do, this one will not. `final`: the request itself is at fault.
 */
export type Verdict = "same" | "key" | "rest" | "next" | "final";

/** What a provider's status means for the next try. */
export function judgeStatus(status: number): Verdict {
  if (status === 401 || status === 402 || status === 403) return "key";
  if (status === 429) return "rest";
  if (status === 408 || status === 409 || status >= 500) return "same";
  // The model is not there, or the request is more than this target takes: the next may be another model.
  if (status === 404 || status === 405 || status === 410 || status === 413) return "next";
  return "final";
}

/** Whether a status says that the target does not do well: neither that the request is wrong, nor that its key asks too much. */
export function isIll(status: number): boolean {
  return status === 408 || (status >= 500 && status !== 501);
}

/** How long to wait before try number `attempt` (1 is the first retry), in milliseconds. */
export function backoffMs(attempt: number, base_ms: number, random: () => number = Math.random): number {
  return random() * Math.min(base_ms * 2 ** (attempt - 1), BACKOFF_MAX_MS);
}

/**
 * When a provider wants to be asked again, in milliseconds from now, or null.
 * Reads `retry-after-ms` and `x-ms-retry-after-ms` (Azure), then `retry-after` as seconds or a date (RFC 9110, 10.2.3).
 */
export function retryAfterMs(get: (name: string) => string | null, now_epoch_ms: number): number | null {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const value = Number(get(name) ?? Number.NaN);
    if (value >= 0 && Number.isFinite(value)) return value;
  }
  const value = get("retry-after");
  if (value === null || value.trim() === "") return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now_epoch_ms);
}
