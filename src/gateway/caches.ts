// The caches of a gateway process, and the stage of a call in which they are asked: is the answer there, is it on its way to
// somebody else who asked the same, does the answer to a similar request do?

import type { CacheEntry } from "../cache/entry.ts";
import type { ExactCache } from "../cache/exact/cache.ts";
import type { SharedAnswers } from "../cache/exact/shared_answers.ts";
import { type Fingerprint, type FingerprintSubject, Fingerprints } from "../cache/fingerprint.ts";
import { Flight, type Joined } from "../cache/flight.ts";
import { ageSeconds, type CacheWish, judge, readWish } from "../cache/freshness.ts";
import { CacheKey, type CacheScope } from "../cache/key.ts";
import type { Recording } from "../cache/recording.ts";
import { verdictsOfNotes } from "../cache/semantic/note.ts";
import { makeStripper } from "../config/patterns.ts";
import type { CachePlan, CacheScopeName, ModelPlan, Plan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { OtherMetric } from "../ledger/metrics.ts";
import type { CacheOutcome, Call } from "./call.ts";
import { type FailedAnswer, ownAnswer } from "./failure.ts";
import { KeptAnswers } from "./kept_answer.ts";
import { readTags } from "./labels.ts";
import { Lead } from "./lead.ts";
import type { Prepared } from "./prepare.ts";
import type { SimilarAnswer, SimilarAnswers, SimilarTurn } from "./similar.ts";

/** What the look into the caches came to. */
export type Found =
  /** Ask, and tell and keep what comes: the call's `lead`, where it has one. */
  | { readonly kind: "ask" }
  | {
      readonly kind: "give";
      readonly entry: CacheEntry;
      readonly bytes: Uint8Array;
      /** Where it is to be asked for anew. */
      readonly stale: CacheKey | null;
    }
  | { readonly kind: "follow"; readonly recording: Recording; readonly flight: Flight<FailedAnswer> }
  | { readonly kind: "refused"; readonly answer: FailedAnswer }
  | { readonly kind: "stopped" };

const ASK: Found = { kind: "ask" };
const STOPPED: Found = { kind: "stopped" };

/** Larger requests are not kept: to make a key of one would hold up all other calls for milliseconds. */
const REQUEST_MAX_BYTES = 1024 * 1024;

/** How long a process may take to ask for a stale answer anew before another may; milliseconds. */
const REFRESH_LEASE_MS = 120_000;

/** What the caches are made of; null for what there is not. */
export interface CachesOptions {
  /** What keys are hashed with. */
  readonly secret: Uint8Array;
  readonly exact: ExactCache | null;
  readonly similar: SimilarAnswers | null;
  /** Answers of all hosts, and how long they are waited for. */
  readonly elsewhere: { readonly answers: SharedAnswers; readonly budget_ms: number; close(): void } | null;
}

/** A call as the caches see it. */
interface Seen {
  readonly call: Call;
  readonly prepared: Prepared;
  readonly plan: CachePlan;
  readonly wish: CacheWish;
  readonly print: Fingerprint;
  readonly key: CacheKey;
  /** What it was fingerprinted by, and as what. */
  readonly prints: Fingerprints;
  readonly subject: FingerprintSubject;
}

/** A call that asks for others as well. */
interface Leading {
  readonly lead: Lead;
  readonly turn: SimilarTurn | null;
  /** A similar request's answer that may be right: it is compared with the one that comes. */
  doubt: SimilarAnswer | null;
}

/** What the caches would do for a call. */
export interface CachePreview {
  /** `hit`, `stale`, `miss`; `refresh` where the client wants it asked for anew; `bypass`: they are not asked. */
  readonly state: "hit" | "stale" | "miss" | "refresh" | "bypass";
  /** What its answer is kept under, in hexadecimal. */
  readonly fingerprint: string | null;
  readonly age_s: number | null;
  /** Whether answers to similar requests are looked for, where there is none to this. */
  readonly is_semantic: boolean;
}

/** The wish of who asks for a stale answer anew. */
const REFRESH: CacheWish = {
  mode: "refresh",
  max_age_ms: Number.POSITIVE_INFINITY,
  min_fresh_ms: 0,
  max_stale_ms: null,
  min_similarity: 0,
};

/** The caches of a gateway process. */
export class Caches {
  readonly #secret: Uint8Array;
  readonly #fingerprints = new WeakMap<Plan, Fingerprints>();
  readonly #exact: ExactCache | null;
  readonly #similar: SimilarAnswers | null;
  readonly #elsewhere: CachesOptions["elsewhere"];
  readonly #kept = new KeptAnswers();
  readonly #flights = new Map<string, Flight<FailedAnswer>>();

  constructor({ secret, exact, similar, elsewhere }: CachesOptions) {
    this.#secret = secret;
    this.#exact = exact;
    this.#similar = similar;
    this.#elsewhere = elsewhere;
  }

  /** Looks for an answer to a call of a model that keeps its answers. */
  async lookUp(call: Call, prepared: Prepared, plan: CachePlan): Promise<Found> {
    const wish = readWish(call.request.headers);
    if (wish instanceof GatewayError) return { kind: "refused", answer: ownAnswer(wish) };
    if (wish.mode === "off") return ASK;
    const seen = this.#see(call, prepared, plan, wish);
    if (seen === null) return wish.mode === "only" ? nothingKept() : ASK;
    call.cache = "miss";
    const kept = wish.mode === "refresh" ? null : this.#lookForKept(seen);
    if (kept !== null) return kept;
    if (wish.mode !== "only") return this.#joinOrLead(seen);
    const there = await this.#lookElsewhere(seen);
    if (there !== null) return this.#giveOfElsewhere(seen, there) ?? nothingKept();
    const similar = await this.#lookForSimilar(seen, this.#turnOf(seen));
    return (similar?.is_sure ? this.#giveSimilar(seen, similar) : null) ?? nothingKept();
  }

  /** What a look would come to at this moment: nothing is noted of it, and nobody is joined. */
  preview(call: Call, prepared: Prepared, plan: CachePlan): CachePreview | GatewayError {
    const wish = readWish(call.request.headers);
    if (wish instanceof GatewayError) return wish;
    const seen = wish.mode === "off" ? null : this.#see(call, prepared, plan, wish);
    if (seen === null) return { state: "bypass", fingerprint: null, age_s: null, is_semantic: false };
    const now_ms = Date.now();
    const about = { fingerprint: seen.key.hex, is_semantic: this.#turnOf(seen) !== null };
    if (wish.mode === "refresh") return { state: "refresh", age_s: null, ...about };
    const entry = this.#exact?.get(seen.key, now_ms, false) ?? null;
    const state = entry === null ? "unfit" : judge(entry, wish, now_ms);
    if (entry === null || state === "unfit") return { state: "miss", age_s: null, ...about };
    return { state: state === "fresh" ? "hit" : "stale", age_s: ageSeconds(entry, now_ms), ...about };
  }

  /** What a call is compared by; null: its answer is not to be kept. */
  #see(call: Call, prepared: Prepared, plan: CachePlan, wish: CacheWish): Seen | null {
    const { read_body, endpoint, model } = prepared;
    const scope = scopeOf(call, plan.scope);
    if (read_body === null || endpoint === null || scope === null) return null;
    if (read_body.length > REQUEST_MAX_BYTES) return null;
    const prints = this.#fingerprintsOf(call.plan);
    const subject = { endpoint, identity: identityOf(model), counts_user: plan.by_user };
    const print = prints.of(read_body, subject);
    if (print === null || print.choices > plan.max_choices) return null;
    if ((print.temperature ?? 0) > plan.max_temperature) return null;
    const key = new CacheKey(scope, print.hash);
    return { call, prepared, plan, wish, print, key, prints, subject };
  }

  #fingerprintsOf(plan: Plan): Fingerprints {
    let known = this.#fingerprints.get(plan);
    if (known === undefined) {
      known = new Fingerprints(this.#secret, makeStripper(plan.caches.volatile));
      this.#fingerprints.set(plan, known);
    }
    return known;
  }

  /** The very request's answer. */
  #lookForKept(seen: Seen): Found | null {
    const { key, wish } = seen;
    const now_ms = Date.now();
    const entry = this.#exact?.get(key, now_ms) ?? null;
    if (entry === null) return null;
    const state = judge(entry, wish, now_ms);
    if (state === "unfit") return null;
    return this.#give(seen, key, entry, state === "fresh" ? "hit" : "stale");
  }

  #joinOrLead(seen: Seen): Promise<Found> {
    const flight = this.#newFlight(seen);
    return flight === null ? this.#join(seen, this.#flights.get(nameOf(seen))!) : this.#lead(seen, flight);
  }

  /** A flight for a call that nobody else makes; null: somebody does. */
  #newFlight(seen: Seen): Flight<FailedAnswer> | null {
    const name = nameOf(seen);
    const there = this.#flights.get(name);
    // An answer that came before this call is not what somebody means who wants it asked for anew.
    const is_past = there?.is_over === true && seen.wish.mode === "refresh";
    if (there !== undefined && !is_past) return null;
    const flight: Flight<FailedAnswer> = new Flight(() => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    });
    this.#flights.set(name, flight);
    return flight;
  }

  /** An answer to be given in the form that was asked for; null where it cannot be put into that. */
  #give(
    { call, prepared, print }: Seen,
    key: CacheKey,
    entry: CacheEntry,
    outcome: CacheOutcome,
    similarity: number | null = null,
  ): Extract<Found, { kind: "give" }> | null {
    const { is_stream, asks_usage } = prepared;
    const { name: format } = call.format;
    const bytes = this.#kept.bytesOf(key, entry, { format, is_stream, asks_usage, choices: print.choices });
    if (bytes === null) return null;
    call.cache = outcome;
    call.kept_from = {
      provider: entry.provider,
      model: entry.served_model,
      age_s: ageSeconds(entry, Date.now()),
      similarity,
      cache_key: key,
    };
    return { kind: "give", entry, bytes, stale: outcome === "stale" ? key : null };
  }

  /** Waits with others for the answer to the same request. */
  async #join(seen: Seen, flight: Flight<FailedAnswer>): Promise<Found> {
    const { call, prepared } = seen;
    call.asked_ms = performance.now();
    const joined = await waitFor(call, flight, prepared.is_stream);
    call.answered_ms = performance.now();
    switch (joined?.kind) {
      case undefined:
        return STOPPED;
      case "answer":
        return this.#give(seen, joined.key, joined.entry, "joined", joined.similarity) ?? ASK;
      case "follow":
        call.cache = "joined";
        return { kind: "follow", recording: joined.recording, flight };
      case "error":
        call.cache = "joined";
        return { kind: "refused", answer: joined.error };
      case "lead":
        return this.#lead(seen, flight);
      case "alone":
        return ASK;
    }
  }

  /** Asks for all who ask the same, unless a similar request's answer does. */
  async #lead(seen: Seen, flight: Flight<FailedAnswer>): Promise<Found> {
    const { call, wish } = seen;
    const leading = this.#makeLead(seen, flight);
    const { lead, turn } = leading;
    const there = wish.mode === "refresh" ? null : await this.#lookElsewhere(seen);
    if (call.stopped !== null) {
      lead.leave();
      return STOPPED;
    }
    const kept = there === null ? null : this.#giveOfElsewhere(seen, there);
    if (kept !== null && there !== null) {
      lead.found({ key: seen.key, entry: there, similarity: null });
      return kept;
    }
    const similar = wish.mode === "refresh" ? null : await this.#lookForSimilar(seen, turn);
    if (call.stopped !== null) {
      lead.leave();
      return STOPPED;
    }
    if (similar === null) return ASK;
    const given = similar.is_sure ? this.#giveSimilar(seen, similar) : null;
    if (given !== null) lead.found(similar);
    else leading.doubt = similar;
    return given ?? ASK;
  }

  /** What another host has kept of the very request; null for nothing that does, or not in time. */
  async #lookElsewhere({ key, wish }: Seen): Promise<CacheEntry | null> {
    if (this.#elsewhere === null) return null;
    const { answers, budget_ms } = this.#elsewhere;
    const entry = await answers.get(key, budget_ms);
    const now_ms = Date.now();
    // What is refreshed is refreshed by a host that has it.
    if (entry === null || judge(entry, wish, now_ms) !== "fresh") return null;
    void this.#exact?.put(key, entry);
    return entry;
  }

  #giveOfElsewhere(seen: Seen, entry: CacheEntry): Found | null {
    return this.#give(seen, seen.key, entry, "hit");
  }

  #giveSimilar(seen: Seen, { key, entry, similarity }: SimilarAnswer): Found | null {
    return this.#give(seen, key, entry, "semantic", similarity);
  }

  #makeLead(seen: Seen, flight: Flight<FailedAnswer>): Leading {
    const { call, prepared, plan, key } = seen;
    const turn = this.#turnOf(seen);
    const lead = new Lead({
      ...{ key, flight, plan },
      keeper: {
        max_entry_bytes: call.plan.caches.max_entry_bytes,
        keep: async (entry) => {
          await this.#exact?.put(key, entry);
          void this.#elsewhere?.answers.put(key, entry);
          if (turn === null || this.#similar === null) return;
          if (leading.doubt !== null) await this.#similar.learn(turn, leading.doubt, entry);
          this.#similar.remember(turn, key, entry);
        },
      },
      model: prepared.model.name,
      format: call.format.name,
      tags: tagsOf(call),
      arrived_ms: call.wall_ms,
    });
    const leading: Leading = { lead, turn, doubt: null };
    call.lead = lead;
    return leading;
  }

  /** The answer to a similar request, be it sure or in doubt; null for none, or none in time. */
  async #lookForSimilar({ call, wish }: Seen, turn: SimilarTurn | null): Promise<SimilarAnswer | null> {
    if (turn === null || this.#similar === null) return null;
    return this.#similar.find(turn, wish, call.plan.caches.semantic_budget_ms);
  }

  /** What a call may be similar to others by; null for nothing. */
  #turnOf({ call, prepared, plan, prints, subject }: Seen): SimilarTurn | null {
    const { semantic } = plan;
    if (semantic === null || this.#similar === null) return null;
    const scope = scopeOf(call, semantic.scope);
    const last = scope === null ? null : prints.lastTurn(prepared.read_body!, subject, semantic);
    if (scope === null || last === null) return null;
    const neighbourhood = new CacheKey(scope, last.rest);
    const { name: format } = call.format;
    return { text: last.text, neighbourhood, model: prepared.model.name, format, plan: semantic };
  }

  /** Leads a call that asks for a stale answer anew; false: somebody asks already. */
  leadRefresh(call: Call, prepared: Prepared): boolean {
    const plan = prepared.model.cache;
    const seen = plan === null ? null : this.#see(call, prepared, plan, REFRESH);
    if (seen === null) return false;
    const flight = this.#newFlight(seen);
    if (flight === null) return false;
    call.cache = "miss";
    this.#makeLead(seen, flight);
    return true;
  }

  /** Whether this process is to ask for a stale answer anew: of all processes one is, for as long as it takes. */
  async takeRefresh(key: CacheKey): Promise<boolean> {
    return (await this.#exact?.takeRefresh(key, REFRESH_LEASE_MS)) ?? false;
  }

  endRefresh(key: CacheKey): void {
    this.#exact?.endRefresh(key);
  }

  /** How much is kept, and what the comparing of similar answers has come to. */
  metrics(): OtherMetric[] {
    const exact = this.#exact;
    if (exact === null) return [];
    const { entries, bytes } = exact.stats();
    const { compared, wrong } = verdictsOfNotes(exact.notes());
    const gauge = (name: string, help: string, samples: OtherMetric["samples"]): OtherMetric => ({
      ...{ name, help, samples, type: "gauge" },
    });
    return [
      gauge("venturi_cache_answers", "Answers that are kept.", { "": entries }),
      gauge("venturi_cache_bytes", "Bytes that the kept answers take.", { "": bytes }),
      gauge("venturi_cache_compared", "Similar answers that were compared with the model's, by verdict.", {
        '{verdict="right"}': compared - wrong,
        '{verdict="wrong"}': wrong,
      }),
    ];
  }

  async close(): Promise<void> {
    this.#similar?.close();
    this.#elsewhere?.close();
    await this.#exact?.close();
  }
}

/** What flights are found by: calls that share one are under the same guards. */
function nameOf({ call, key }: Seen): string {
  // What the guards of one key stop must not stop the calls of others.
  const { guards, name } = call.client!;
  return key.bytes.toString("latin1") + (guards === null ? "" : ` ${name}`);
}

function nothingKept(): Found {
  const error = new GatewayError(
    "cache_miss",
    "Only a kept answer was asked for, and there is none for this request.",
  );
  return { kind: "refused", answer: ownAnswer(error) };
}

/** Whose answers a call may get; null where it does not say who asks, and it matters. */
function scopeOf(call: Call, name: CacheScopeName): CacheScope | null {
  const { tenant, name: key } = call.client!;
  if (name === "tenant") return { tenant, within: "" };
  if (name === "key") return { tenant, within: `key:${key}` };
  const user = call.account?.user ?? null;
  return user === null ? null : { tenant, within: `user:${user}` };
}

const identities = new WeakMap<ModelPlan, string>();

/** A model's name, and all that its answers may come from: where that changes, what is kept is of another model. */
function identityOf(model: ModelPlan): string {
  let identity = identities.get(model);
  if (identity === undefined) {
    const targets = model.targets.map(({ provider, model: name }) => {
      const { host, port } = provider.origin;
      return [provider.name, provider.kind, host, port, provider.base_path, provider.query, name];
    });
    identity = JSON.stringify([model.name, targets, ...(model.cascade === null ? [] : [model.cascade])]);
    identities.set(model, identity);
  }
  return identity;
}

function tagsOf(call: Call): string[] {
  const tags = readTags(call.request.headers.get("x-venturi-tags"), call.discreet);
  return Object.entries(tags).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
}

/** Waits for what an equal call gets, but not beyond the end of one's own; null for that end. */
function waitFor(
  call: Call,
  flight: Flight<FailedAnswer>,
  follows: boolean,
): Promise<Joined<FailedAnswer> | null> {
  if (call.stopped !== null) return Promise.resolve(null);
  return new Promise((resolve) => {
    const waiter = {
      follows,
      settle: (joined: Joined<FailedAnswer>) => {
        call.listener = null;
        resolve(joined);
      },
    };
    call.listener = {
      onStop: () => {
        flight.leave(waiter);
        resolve(null);
      },
    };
    flight.join(waiter);
  });
}
