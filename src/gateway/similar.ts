// Answers to requests that mean the same: found by the inference process, judged here. Whatever it takes too long for, or cannot
// do, is no similar answer: the call goes on as if there were none.

import type { CacheEntry } from "../cache/entry.ts";
import type { ExactCache } from "../cache/exact/cache.ts";
import type { SharedAnswers } from "../cache/exact/shared_answers.ts";
import { type CacheWish, judge } from "../cache/freshness.ts";
import { CacheKey, HASH_BYTES } from "../cache/key.ts";
import { type AnswerComparator, WORD_COMPARATOR } from "../cache/semantic/answers.ts";
import { noteOfReliability, reliabilityOfNote } from "../cache/semantic/note.ts";
import { chooseHit } from "../cache/semantic/policy.ts";
import { type Observation, Reliability } from "../cache/semantic/reliability.ts";
import type { SemanticPlan } from "../config/plan.ts";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { assembleAnswer } from "../dialects/openai/assemble.ts";
import { answerText } from "../dialects/openai/written.ts";
import { wholeOf, writtenIn } from "../dialects/other_form.ts";
import type { InferenceClient } from "../inference/client.ts";
import type { Candidate } from "../inference/vectors/entry.ts";

/** Longer texts are compared with nothing. */
const TEXT_MAX_CHARS = 4_096;
/** How many of the most similar are looked at. */
const CANDIDATES_MAX = 8;

/** Models and tenants of which is remembered what was learned. */
const LEARNED_MAX = 1_000;

/** What a call may be similar to others by. */
export interface SimilarTurn {
  /** What its user said last. */
  readonly text: string;
  /** What else it says: the same of all that it is compared with. */
  readonly neighbourhood: CacheKey;
  /** The model as clients ask for it. */
  readonly model: string;
  /** What its answer is in. */
  readonly format: ClientFormatName;
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
  /** Earlier verdicts on it. */
  readonly observations: readonly Observation[];
  /** Others that are to be compared with that answer as well. */
  readonly others: readonly SimilarAnswer[];
}

/** What similar answers are found with. */
export interface SimilarTools {
  readonly client: InferenceClient;
  readonly exact: ExactCache;
  /** Where answers are that other hosts have kept, if the index has their requests too. */
  readonly elsewhere?: Pick<SharedAnswers, "get"> | null;
  readonly comparator?: AnswerComparator;
}

/** The answers to similar requests. */
export class SimilarAnswers {
  readonly #client: InferenceClient;
  readonly #exact: ExactCache;
  readonly #elsewhere: Pick<SharedAnswers, "get"> | null;
  readonly #comparator: AnswerComparator;
  readonly #learned = new Map<string, { readonly note: Buffer; readonly reliability: Reliability }>();

  constructor({ client, exact, elsewhere = null, comparator = WORD_COMPARATOR }: SimilarTools) {
    this.#client = client;
    this.#exact = exact;
    this.#elsewhere = elsewhere;
    this.#comparator = comparator;
  }

  /** An answer that does, or may do; null for none within `budget_ms`. */
  async find(turn: SimilarTurn, wish: CacheWish, budget_ms: number): Promise<SimilarAnswer | null> {
    const { text, neighbourhood, plan } = turn;
    if (text.length > TEXT_MAX_CHARS) return null;
    const end_ms = performance.now() + budget_ms;
    const found = await this.#client.search(
      {
        partition: neighbourhood.bytes,
        embedder: plan.embedder,
        text,
        limit: CANDIDATES_MAX,
        min_similarity: Math.max(plan.threshold, wish.min_similarity),
      },
      budget_ms,
    );
    if ("fault" in found) return null;
    const settings = {
      ...{ threshold: plan.threshold, max_error: plan.max_error },
      caller_threshold: wish.min_similarity,
      reliability: this.#reliabilityOf(turn),
    };
    let candidates = found.candidates;
    for (;;) {
      const choice = chooseHit(text, candidates, settings, Math.random);
      if (choice.kind === "none") return null;
      const { candidate } = choice;
      const kept = await this.#answerOf(candidate, turn, wish, end_ms);
      if (kept !== null) {
        if (choice.kind === "serve") return { ...kept, is_sure: true };
        const others: SimilarAnswer[] = [];
        for (const other of choice.others) {
          const one = await this.#answerOf(other, turn, wish, end_ms);
          if (one !== null) others.push(one);
        }
        return { ...kept, others };
      }
      candidates = candidates.filter((other) => other !== candidate);
    }
  }

  /** The answer of a candidate, if it is there and may be given. */
  async #answerOf(
    { id, similarity, observations }: Candidate,
    turn: SimilarTurn,
    wish: CacheWish,
    end_ms: number,
  ): Promise<SimilarAnswer | null> {
    const key = CacheKey.parse(id);
    // The index keeps neighbourhoods apart; whose answer it is, is looked at once more all the same.
    if (key === null || key.scope.tenant !== turn.neighbourhood.scope.tenant) return null;
    const now_ms = Date.now();
    const is_blocked = this.#exact.isBlocked(key, now_ms);
    const own = is_blocked ? null : this.#exact.get(key, now_ms);
    const entry = own ?? (is_blocked ? null : await this.#answerOfElsewhere(key, end_ms));
    // What hosts share may be kept by another than this one.
    if (entry === null && this.#elsewhere === null) void this.#client.remove({ by: "id", id });
    if (entry === null || judge(entry, wish, now_ms) !== "fresh") return null;
    return { key, entry, similarity, observations, is_sure: false, others: [] };
  }

  /** An answer that another host has kept, if it comes in time. */
  async #answerOfElsewhere(key: CacheKey, end_ms: number): Promise<CacheEntry | null> {
    const left_ms = end_ms - performance.now();
    if (this.#elsewhere === null || left_ms <= 0) return null;
    const entry = await this.#elsewhere.get(key, left_ms);
    if (entry !== null) void this.#exact.put(key, entry);
    return entry;
  }

  /** The answer that a call got beside those that were in doubt: a verdict on each of them. */
  async learn(turn: SimilarTurn, doubt: SimilarAnswer, entry: CacheEntry): Promise<void> {
    const given = textOf(entry, turn.format);
    if (given === null) return;
    const { neighbourhood, plan } = turn;
    const reliability = this.#reliabilityOf(turn);
    for (const { key, entry: kept, similarity, observations } of [doubt, ...doubt.others]) {
      const text = textOf(kept, turn.format);
      if (text === null) continue;
      const is_right = await this.#comparator.compare(text, given);
      const place = { partition: neighbourhood.bytes, embedder: plan.embedder, id: key.bytes };
      this.#client.observe({ ...place, similarity, is_right });
      reliability.add([similarity, is_right], observations);
    }
    await this.#exact.writeNote(noteKey(turn), noteOfReliability(reliability));
  }

  /** An answer was kept: similar requests may be given it. */
  remember({ text, neighbourhood, plan }: SimilarTurn, key: CacheKey, entry: CacheEntry): void {
    if (text.length > TEXT_MAX_CHARS) return;
    this.#client.add({
      partition: neighbourhood.bytes,
      embedder: plan.embedder,
      id: key.bytes,
      text,
      model: entry.model,
      tags: entry.tags,
      expires_ms: entry.created_ms + plan.ttl_ms,
    });
  }

  close(): void {
    this.#client.close();
  }

  /** What all verdicts on a model's answers for a tenant have taught, those of other processes too. */
  #reliabilityOf(turn: SimilarTurn): Reliability {
    if (turn.plan.max_error === null) return NOTHING_LEARNED;
    const key = noteKey(turn);
    const note = this.#exact.readNote(key);
    const known = this.#learned.get(key.hex);
    // Reading it takes longer than to see that it is the same.
    if (known !== undefined && note !== null && known.note.equals(note)) return known.reliability;
    const reliability = reliabilityOfNote(note);
    if (note !== null) {
      if (this.#learned.size >= LEARNED_MAX) this.#learned.clear();
      this.#learned.set(key.hex, { note, reliability });
    }
    return reliability;
  }
}

const NOTHING_LEARNED = new Reliability();

/** Where is written what was learned of a model's answers. */
function noteKey({ neighbourhood, model, plan }: SimilarTurn): CacheKey {
  const { tenant } = neighbourhood.scope;
  const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify([model, plan.embedder])).digest();
  return new CacheKey({ tenant, within: "reliability" }, hash.subarray(0, HASH_BYTES));
}

function textOf({ kind, body }: CacheEntry, format: ClientFormatName): string | null {
  if (format === "responses" || format === "messages" || format === "gemini") {
    const whole = kind === "whole" ? body : wholeOf(format, body);
    return whole === null ? null : writtenIn(format, whole);
  }
  const answer = kind === "whole" ? body : assembleAnswer(body);
  return answer === null ? null : answerText(answer);
}
