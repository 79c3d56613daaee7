// The protocol of the semantic cache's quality: texts of one set arrive one after another, each is answered from what was kept of
// those before it or else kept itself, and a hit is wrong when it is another intent's.

import {
  CANDIDATES_MAX,
  type Candidate,
  chooseHit,
  type HitSettings,
} from "../../src/cache/semantic/policy.ts";
import { type Observation, Reliability } from "../../src/cache/semantic/reliability.ts";
/** A text and what it asks for. */
export interface Query {
  readonly text: string;
  readonly intent: string;
}

/** An earlier arrival, by its place in the order of arrival. */
export interface Neighbour {
  readonly at: number;
  readonly similarity: number;
}

/** Fewer similar ones than this are looked at: those above a threshold are seldom more. */
const NEIGHBOURS_MAX = 256;
/** Nothing below is ever served. */
export const SIMILARITY_MIN = 0.6;

/** Uniform numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The items in another order. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** For each text the others that are similar. @param vectors of unit length */
export function nearOnes(vectors: readonly Float32Array[]): Neighbour[][] {
  const near: Neighbour[][] = vectors.map(() => []);
  for (const [at, vector] of vectors.entries()) {
    for (let other = 0; other < at; other += 1) {
      const similarity = dot(vector, vectors[other]!);
      if (similarity < SIMILARITY_MIN) continue;
      near[at]!.push({ at: other, similarity });
      near[other]!.push({ at, similarity });
    }
  }
  return near;
}

/** For each arrival the earlier ones that are similar, the most similar first. @param order which text arrives at each place */
export function neighboursOf(
  near: readonly (readonly Neighbour[])[],
  order: readonly number[],
): Neighbour[][] {
  const places = new Map(order.map((text, place) => [text, place]));
  return order.map((text, place) =>
    near[text]!.map(({ at, similarity }) => ({ at: places.get(at)!, similarity }))
      .filter(({ at }) => at < place)
      .sort((one, other) => other.similarity - one.similarity)
      .slice(0, NEIGHBOURS_MAX),
  );
}

/** The similarity of two vectors of unit length. */
export function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += one[i]! * other[i]!;
  return sum;
}

/** What became of all arrivals. */
export interface Served {
  readonly queries: number;
  readonly hits: number;
  readonly wrong: number;
}

/**
 * Lets everything arrive once.
 * @param mayServe whether an arrival may be answered with what is kept of an earlier one
 */
export function arrive(
  queries: readonly Query[],
  neighbours: readonly (readonly Neighbour[])[],
  threshold: number,
  mayServe: (asked: number, kept: number) => boolean,
): Served {
  const is_kept = new Uint8Array(queries.length);
  let hits = 0;
  let wrong = 0;
  for (const [at, query] of queries.entries()) {
    const hit = neighbours[at]!.find(
      (earlier) => earlier.similarity >= threshold && is_kept[earlier.at] === 1 && mayServe(at, earlier.at),
    );
    if (hit === undefined) is_kept[at] = 1;
    else {
      hits += 1;
      if (queries[hit.at]!.intent !== query.intent) wrong += 1;
    }
  }
  return { queries: queries.length, hits, wrong };
}

/** What became of all arrivals, some of which were asked about although something similar was kept. */
export interface Verified extends Served {
  readonly explored: number;
  /** The same after each tenth of the arrivals. */
  readonly tenths: readonly (Served & { readonly explored: number })[];
}

interface Kept extends Candidate {
  readonly intent: string;
  readonly observations: Observation[];
}

/** Lets everything arrive once at a cache that verifies: the verdict is whether the intents are the same. */
export function arriveVerified(
  queries: readonly Query[],
  neighbours: readonly (readonly Neighbour[])[],
  settings: Omit<HitSettings, "caller_threshold" | "reliability">,
  mayServe: (asked: number, kept: number) => boolean,
  random: () => number,
): Verified {
  const reliability = new Reliability();
  const kept: (Kept | null)[] = [];
  const tenths: (Served & { readonly explored: number })[] = [];
  let hits = 0;
  let wrong = 0;
  let explored = 0;
  for (const [at, { text, intent }] of queries.entries()) {
    // Those that `chooseHit` would look at; what the guard is known to stop is left out, because it takes the time.
    const candidates = neighbours[at]!.filter(
      ({ at: earlier, similarity }) => similarity >= settings.threshold && kept[earlier],
    )
      .slice(0, CANDIDATES_MAX)
      .filter(({ at: earlier }) => mayServe(at, earlier))
      .map(({ at: earlier, similarity }) => ({ ...kept[earlier]!, similarity }));
    const choice = chooseHit(text, candidates, { ...settings, caller_threshold: null, reliability }, random);
    if (choice.kind === "explore") {
      for (const { similarity, observations, intent: kept_intent } of [choice.candidate, ...choice.others]) {
        const verdict: Observation = [similarity, kept_intent === intent];
        reliability.add(verdict, observations);
        observations.push(verdict);
      }
      explored += 1;
    }
    if (choice.kind === "serve") {
      hits += 1;
      if (choice.candidate.intent !== intent) wrong += 1;
    }
    kept.push(choice.kind === "serve" ? null : { id: NO_ID, text, intent, similarity: 1, observations: [] });
    if (Math.floor((10 * (at + 1)) / queries.length) > tenths.length)
      tenths.push({ queries: at + 1, hits, wrong, explored });
  }
  return { queries: queries.length, hits, wrong, explored, tenths };
}

const NO_ID = new Uint8Array(0);
