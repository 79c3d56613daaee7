// Answers to requests that mean the same: found by the inference process, judged here. Whatever it takes too long for, or cannot
// do, is no similar answer: the call goes on as if there were none.

import type { CacheEntry } from "../cache/entry.ts";
import type { CacheWish } from "../cache/freshness.ts";
import type { CacheKey } from "../cache/key.ts";
import type { SemanticPlan } from "../config/plan.ts";

/** What a call may be similar to others by. */
export interface SimilarTurn {
  /** What its user said last. */
  readonly text: string;
  /** What else it says: the same of all that it is compared with. */
  readonly neighbourhood: CacheKey;
  readonly tenant: string;
  readonly plan: SemanticPlan;
}

/** The answer to a similar request. */
export interface SimilarAnswer {
  /** Where it is kept. */
  readonly key: CacheKey;
  readonly entry: CacheEntry;
  readonly similarity: number;
  /** Whether it may be given; else it is to be compared with the answer that the call gets. */
  readonly is_sure: boolean;
}

/** The answers to similar requests. */
export interface SimilarAnswers {
  find(turn: SimilarTurn, wish: CacheWish, budget_ms: number): Promise<SimilarAnswer | null>;
  learn(turn: SimilarTurn, doubt: SimilarAnswer, entry: CacheEntry): void;
  remember(turn: SimilarTurn, key: CacheKey, entry: CacheEntry): void;
}
