// Whether a kept answer may be given: what the caller wishes (RFC 9111, 5.2.1, and the gateway's own header), and how old it is.

import { GatewayError } from "../errors.ts";
import type { CacheEntry } from "./entry.ts";

/** What a caller wishes. */
export interface CacheWish {
  /**
   * `use` what is there, else ask. `refresh`: ask, and keep the answer. `only`: never ask. `off`: ask, and neither look nor keep.
   */
  readonly mode: "use" | "refresh" | "only" | "off";
  /** The oldest answer that will do; milliseconds. */
  readonly max_age_ms: number;
  /** How much longer it has to be fresh. */
  readonly min_fresh_ms: number;
  /** How stale it may be, should it be kept for that long: as the configuration says by default (null). */
  readonly max_stale_ms: number | null;
  /** Similarity that a similar request's answer needs, where that is more than is configured. */
  readonly min_similarity: number;
}

const ANYTHING: CacheWish = {
  mode: "use",
  max_age_ms: Number.POSITIVE_INFINITY,
  min_fresh_ms: 0,
  max_stale_ms: null,
  min_similarity: 0,
};

const MODES: ReadonlySet<string> = new Set(["off", "refresh", "only"]);

/** Reads a caller's wish from its headers. What cannot be understood of `cache-control` is ignored, as RFC 9111 (5.2) has it. */
export function readWish(headers: { get(name: string): string | null }): CacheWish | GatewayError {
  const own = headers.get("x-venturi-cache");
  const control = headers.get("cache-control");
  const similarity = headers.get("x-venturi-similarity");
  if (own === null && control === null && similarity === null) return ANYTHING;
  if (own !== null && !MODES.has(own)) {
    return new GatewayError("invalid_value", "'x-venturi-cache' must be off, refresh or only.", {
      param: "x-venturi-cache",
    });
  }
  const min_similarity = similarity === null ? 0 : Number(similarity);
  if (!(min_similarity >= 0 && min_similarity <= 1)) {
    return new GatewayError("invalid_value", "'x-venturi-similarity' must be a number from 0 to 1.", {
      param: "x-venturi-similarity",
    });
  }
  const wish = { ...ANYTHING, ...(control === null ? {} : wishOfControl(control)), min_similarity };
  return own === null ? wish : { ...wish, mode: own as CacheWish["mode"] };
}

function wishOfControl(control: string): Partial<CacheWish> {
  const wish: { -readonly [name in keyof CacheWish]?: CacheWish[name] } = {};
  const directives = new Map<string, string>();
  for (const part of control.toLowerCase().split(",")) {
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    directives.set(
      name,
      equals < 0
        ? ""
        : part
            .slice(equals + 1)
            .trim()
            .replaceAll('"', ""),
    );
  }
  const milliseconds = (name: string): number | null => {
    const seconds = directives.get(name);
    return seconds !== undefined && /^\d{1,12}$/.test(seconds) ? Number(seconds) * 1_000 : null;
  };
  const max_age_ms = milliseconds("max-age");
  if (max_age_ms !== null) wish.max_age_ms = max_age_ms;
  const min_fresh_ms = milliseconds("min-fresh");
  if (min_fresh_ms !== null) wish.min_fresh_ms = min_fresh_ms;
  if (directives.has("max-stale")) {
    wish.max_stale_ms = milliseconds("max-stale") ?? Number.POSITIVE_INFINITY;
  }
  if (directives.has("only-if-cached")) wish.mode = "only";
  else if (directives.has("no-cache") || max_age_ms === 0) wish.mode = "refresh";
  if (directives.has("no-store")) wish.mode = "off";
  return wish;
}

/** How an answer stands to a wish: to be given, to be given while it is asked for anew, or not to be given. */
export function judge(entry: CacheEntry, wish: CacheWish, now_ms: number): "fresh" | "stale" | "unfit" {
  if (now_ms - entry.created_ms > wish.max_age_ms) return "unfit";
  if (now_ms + wish.min_fresh_ms < entry.fresh_until_ms) return "fresh";
  // Whoever asks for more than freshness does not want less.
  if (wish.min_fresh_ms > 0 && wish.max_stale_ms === null) return "unfit";
  const stale_until_ms = Math.min(
    entry.stale_until_ms,
    entry.fresh_until_ms + (wish.max_stale_ms ?? Number.POSITIVE_INFINITY),
  );
  return now_ms < stale_until_ms ? "stale" : "unfit";
}

/** The age of an answer in whole seconds (RFC 9111, 5.1). */
export function ageSeconds(entry: CacheEntry, now_ms: number): number {
  return Math.max(0, Math.floor((now_ms - entry.created_ms) / 1_000));
}
