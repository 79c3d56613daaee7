// The part of a call that asks for all who ask the same: what it hears it tells them, and keeps for those who come later.

import type { CacheEntry } from "../cache/entry.ts";
import type { Flight } from "../cache/flight.ts";
import type { CacheKey } from "../cache/key.ts";
import type { Recording, Server } from "../cache/recording.ts";
import type { CachePlan } from "../config/plan.ts";
import type { ClientFormatName } from "../dialects/client_format.ts";
import type { WireError } from "../dialects/openai/error.ts";
import type { Usage } from "../dialects/usage.ts";
import { brokenAnswer, type FailedAnswer } from "./failure.ts";
import { keptEvents } from "./kept_answer.ts";

/** A kept answer that was found after all: to the same request, or to a similar one. */
export interface FoundAnswer {
  readonly key: CacheKey;
  readonly entry: CacheEntry;
  /** Null: it is the same. */
  readonly similarity: number | null;
}

/** What a leader needs of the caches. */
export interface Keeper {
  readonly max_entry_bytes: number;
  /** Keeps an answer; resolves when equal calls find it, or never will. */
  keep(entry: CacheEntry): Promise<void>;
}

/** Who leads, and what for. */
export interface LeadOptions {
  readonly key: CacheKey;
  readonly flight: Flight<FailedAnswer>;
  readonly plan: CachePlan;
  readonly keeper: Keeper;
  /** The model as the client asked for it. */
  readonly model: string;
  /** What the answer is in. */
  readonly format: ClientFormatName;
  readonly tags: readonly string[];
  /** When its call arrived: on the host's clock, in milliseconds since 1970. */
  readonly arrived_ms: number;
}

/** An answer that came to its end. */
export interface LedAnswer {
  readonly kind: CacheEntry["kind"];
  readonly server: Server;
  readonly usage: Usage | null;
  readonly finish_reason: string | null;
  readonly cost_nano_usd: number | null;
  /** Whether it came from where the model's answers come from: one of a fallback does for those who wait, and no longer. */
  readonly is_own: boolean;
  /** Whether it has the form that was asked for, as far as anybody looked: others do for nobody who comes later. */
  readonly is_fit: boolean;
}

/** Finish reasons of answers that somebody has taken something out of. */
const FILTERED: ReadonlySet<string | null> = new Set(["content_filter", "safety", "SAFETY"]);

/** The leading part of a call. */
export class Lead {
  readonly options: LeadOptions;
  #is_over = false;

  constructor(options: LeadOptions) {
    this.options = options;
  }

  /** Whether anybody else waits for the answer. */
  get is_wanted(): boolean {
    return !this.#is_over && this.options.flight.is_wanted;
  }

  /** The answer has come whole. */
  answered(body: Uint8Array, answer: LedAnswer): void {
    if (this.#is_over) return;
    this.#end(
      this.#entryOf(body, answer),
      answer.is_own && answer.is_fit && !FILTERED.has(answer.finish_reason),
    );
  }

  /** The answer comes as a stream. */
  flows(recording: Recording): void {
    this.options.flight.flow(recording);
  }

  /** The call's client is gone, and the stream goes on for the others; `onUnwanted` when they are gone as well. */
  goOnWithout(onUnwanted: () => void): void {
    this.options.flight.goOnWithout(onUnwanted);
  }

  /** The stream is over: well, or by an error. */
  flowed(recording: Recording, answer: LedAnswer, error: WireError | null): void {
    recording.end({ error, cost_nano_usd: answer.cost_nano_usd });
    if (this.#is_over) return;
    const body = error === null ? recording.bytes() : null;
    if (body !== null) this.answered(keptEvents(body, this.options.format), answer);
    else if (error === null) this.scatter();
    else this.failed(brokenAnswer(error));
  }

  /** No target has answered. */
  failed(error: FailedAnswer): void {
    const { plan } = this.options;
    this.#close(plan.retries_errors ? { kind: "alone" } : { kind: "error", error });
  }

  /** Whatever comes is not to be shared. */
  scatter(): void {
    this.#close({ kind: "alone" });
  }

  /** The call ends before anything has come, for a reason of its own. */
  leave(): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.options.flight.abandon();
  }

  /** A kept answer does. */
  found({ key, entry, similarity }: FoundAnswer): void {
    this.#close({ kind: "answer", key, entry, similarity });
  }

  #close(joined: Parameters<Flight<FailedAnswer>["end"]>[0]): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.options.flight.end(joined);
    this.options.flight.forget();
  }

  #end(entry: CacheEntry, is_good: boolean): void {
    const { flight, keeper, key } = this.options;
    this.#is_over = true;
    flight.end({ kind: "answer", key, entry, similarity: null });
    if (!is_good || entry.body.length > keeper.max_entry_bytes) flight.forget();
    // Until it can be found where it is kept, it is found here.
    else void keeper.keep(entry).finally(() => flight.forget());
  }

  #entryOf(body: Uint8Array, answer: LedAnswer): CacheEntry {
    const { plan, model, tags, arrived_ms } = this.options;
    const { kind, server, usage, finish_reason, cost_nano_usd } = answer;
    const now_ms = Date.now();
    return {
      ...{ kind, body, usage, finish_reason, model, tags, cost_nano_usd },
      provider: server.provider,
      served_model: server.model,
      created_ms: now_ms,
      fresh_until_ms: now_ms + plan.ttl_ms,
      stale_until_ms: now_ms + plan.ttl_ms + plan.stale_ms,
      took_ms: now_ms - arrived_ms,
    };
  }
}
