// Answers to requests that mean the same: found by the inference process, judged here. Whatever it takes too long for, or cannot
// do, is no similar answer: the call goes on as if there were none.

import type { CacheEntry } from "../cache/entry.ts";
import type { ExactCache } from "../cache/exact/store.ts";
import { type CacheWish, judge } from "../cache/freshness.ts";
import { type CacheKey, tenantPrefix } from "../cache/key.ts";
import { chooseHit } from "../cache/semantic/policy.ts";
import { compareAnswers } from "../cache/semantic/verified.ts";
import type { SemanticPlan } from "../config/plan.ts";
import { assembleAnswer } from "../dialects/openai/assemble.ts";
import { answerText } from "../dialects/openai/written.ts";
import type { InferenceClient } from "../inference/client.ts";

/** Longer texts are compared with nothing. */
const TEXT_MAX_CHARS = 4_096;
/** How many of the most similar are looked at. */
const CANDIDATES_MAX = 8;

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
  readonly key: Buffer;
  readonly entry: CacheEntry;
  readonly similarity: number;
  /** Whether it may be given; else it is to be compared with the answer that the call gets. */
  readonly is_sure: boolean;
}
