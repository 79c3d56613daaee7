// The keeper of a host's leases, in the supervisor: it takes parts of limits ahead, so that calls need not ask, gives back what is not
// used, and asks for more where calls found too little. All that it knows of counters stands in their mapped entries, so that another
// one goes on where it ended.
//
// Of each group of counters one script is under way at a time, and each counter's words are numbered: what is late or lost on the way
// changes nothing. A part is made smaller here before the server hears of it, and larger when its answer is there.

import type { CounterTable } from "../../memory/counter_table.ts";
import { type HostFacts, LOST, NOT_SHARED, REACHED } from "../../memory/host_facts.ts";
import { messageOf, type Valkey } from "../../valkey/connection.ts";
import type { LeaseAsk } from "./ask.ts";
import { LeaseWords, type Moment } from "./lease.ts";
import { idOf, Leased, type LeaseRequest } from "./leased.ts";
import { GROUPS, STATE_SCHEMA } from "./script.ts";

/** Counters that are remembered while nobody uses them. */
const RESTING_MAX = 100_000;
/** Counters of one script at most. */
const BATCH_MAX = 64;
/** How long no more is asked for where there is no more, in milliseconds. */
const FULL_MIN_MS = 20;
const FULL_MAX_MS = 100;
/** When to expect room where nobody knows. */
const ROOM_GUESS_MS = 1_000;
/** How much longer than is said is waited until a server gives parts of limits, in milliseconds. */
const SETTLED_MS = 5;
/** Parts of a lease: after which it is made longer, how often is looked, and how often is told that the host lives. */
const RENEW_PART = 1 / 2;
const LOOK_PART = 1 / 80;
const LOOK_MIN_MS = 10;
const LOOK_MAX_MS = 100;
const HELLO_PART = 1 / 8;

/** What the keeper works with. */
export interface LeaseKeeperOptions {
  readonly valkey: Valkey;
  readonly table: CounterTable;
  readonly facts: HostFacts;
  /** What the host is called, for good. */
  readonly host: string;
  readonly prefix: string;
  readonly lease_ms: number;
  /** Whether processes of a supervisor before this one still answer calls, with the leases that they have. */
  readonly takes_over: boolean;
  /** The host's monotonic time; the clock of windows; the host's own. In milliseconds. */
  steady_ms(): number;
  clock_ms(): number;
  wall_ms(): number;
  log(line: string, level?: "warn" | "error"): void;
  /** Somebody's asks were answered, or cannot be. */
  onAnswers(): void;
}

/** The keeper. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #words: LeaseWords;
  readonly #counters = new Map<string, Leased>();
  /** Those that nobody uses now. */
  readonly #resting = new Map<string, Leased>();
  readonly #busy_groups = new Set<number>();
  readonly #look_timer: NodeJS.Timeout;
  readonly #hello_timer: NodeJS.Timeout;
  readonly #number = crypto.getRandomValues(new Int32Array(1))[0]!;
  #session = 0;
  #is_greeting = false;
  #is_closed = false;
  #is_ending = false;
  #fault: string | null = null;
  #is_settling = false;
  #is_refused = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#words = new LeaseWords(options.table);
    options.facts.keeper = this.#number;
    // Who takes over finds it as it is.
    if (options.facts.shared === NOT_SHARED || !options.takes_over) options.facts.shared = LOST;
    // Of leases of an earlier keeper this one knows nothing: whoever needs one asks, and so it hears of the counter.
    if (!options.takes_over) for (const at of options.table) this.#words.end(at);
    const { lease_ms } = options;
    const look_ms = Math.min(Math.max(lease_ms * LOOK_PART, LOOK_MIN_MS), LOOK_MAX_MS);
    this.#look_timer = setInterval(() => this.#look(), look_ms);
    this.#hello_timer = setInterval(() => void this.greet(), lease_ms * HELLO_PART);
  }

  /** Why the state cannot be used, in words; null: it can. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Whether another keeper of this data folder has followed, or it has ended: the rest is not this one's. */
  get is_over(): boolean {
    if (!this.#is_closed && this.#options.facts.keeper !== this.#number) this.abandon();
    return this.#is_closed;
  }

  /** Whether nothing but a person can help: a newer schema, or a host of the same name. */
  get is_refused(): boolean {
    return this.#is_refused;
  }

  /** Counters that it has leases of. */
  get size(): number {
    return this.#counters.size;
  }

  /** A process asks for more. */
  ask(asks: readonly LeaseAsk[]): void {
    const now_ms = this.#options.steady_ms();
    for (const ask of asks) {
      const id = idOf(ask.words);
      let leased = this.#counters.get(id);
      if (leased === undefined) {
        // Words that are under way are numbered, so that it goes on where it rested.
        leased = this.#resting.get(id) ?? new Leased(ask, now_ms);
        this.#resting.delete(id);
        this.#takeUp(leased);
        this.#counters.set(id, leased);
      }
      leased.limit = ask.limit;
      leased.is_asked = true;
    }
    this.#sendAll();
  }

  /**
   * Tells that the host lives, and hears who else does. Resolves to whether the state can be used: not while it cannot be reached, is of
   * a newer schema, or somebody else has taken the host's name.
   */
  async greet(): Promise<boolean> {
    if (this.#is_greeting || this.is_over) return this.#fault === null;
    this.#is_greeting = true;
    const { valkey, prefix, host, lease_ms, facts } = this.#options;
    try {
      const keys = [`${prefix}:{all}:schema`, `${prefix}:{all}:hosts`, `${prefix}:{all}:host:${host}`];
      const args = [STATE_SCHEMA, lease_ms, host, this.#session, 0];
      const [schema = 0, session = 0, hosts = 1] = numbersOf(await valkey.run("hello", { keys, args }));
      if (schema > STATE_SCHEMA) {
        this.#is_refused = true;
        this.#lose(`it was written by a newer version (schema ${schema}; this one knows ${STATE_SCHEMA})`);
        return false;
      }
      if (this.#session !== 0 && session > this.#session) {
        this.#is_refused = true;
        this.#lose("another gateway runs with a copy of this one's data folder: each needs its own");
        return false;
      }
      this.#is_refused = false;
      const is_new = this.#session === 0;
      this.#session = session;
      if (is_new || facts.shared !== REACHED) {
        if (
          this.#fault !== null &&
          !(await this.#tellAll([...this.#counters.values(), ...this.#restingOnes()]))
        )
          return false;
        this.#find((await this.#touchAll()) > 0);
      }
      // A server that has lost what it knew is told of those that it does not know of yet.
      if (facts.shared === REACHED) facts.hosts = hosts;
      return true;
    } catch (error) {
      this.#lose(messageOf(error));
      return false;
    } finally {
      this.#is_greeting = false;
    }
  }

  /** Resolves when parts of limits are given, which is not for one lease after the server has started: or when that time is over. */
  async settled(most_ms: number): Promise<void> {
    if (!(await this.greet())) return;
    const left_ms = Math.min(await this.#touchAll(), most_ms);
    if (left_ms <= 0) return;
    await Bun.sleep(left_ms + SETTLED_MS);
    await this.greet();
  }

  /** The connection has broken. */
  lost(why: string): void {
    this.#lose(why);
  }

  /** Ends without a word, here and to the server: what it has is another keeper's from now on, or comes back when its leases have ended. */
  abandon(): void {
    clearInterval(this.#look_timer);
    clearInterval(this.#hello_timer);
    this.#is_closed = true;
  }

  /** Gives back what is not used, and ends. */
  async close(): Promise<void> {
    if (this.is_over) return;
    clearInterval(this.#look_timer);
    clearInterval(this.#hello_timer);
    const { table, wall_ms } = this.#options;
    for (const leased of this.#counters.values()) {
      const at = table.find(leased.key, wall_ms());
      if (at >= 0) this.#words.end(at);
    }
    this.#is_ending = true;
    if (this.#fault === null) await this.#tellAll([...this.#counters.values()]);
    this.#is_closed = true;
  }

  /** Tells of counters; whether all of it was heard. */
  async #tellAll(all: readonly Leased[]): Promise<boolean> {
    const told = await Promise.all(
      Array.from(Map.groupBy(all, groupOf), async ([group, own]) => {
        for (let first = 0; first < own.length; first += BATCH_MAX)
          if (!(await this.#send(group, own.slice(first, first + BATCH_MAX)))) return false;
        return true;
      }),
    );
    return told.every(Boolean);
  }

  /** Counters that nobody uses, but of which something was used that still counts: the server may have forgotten. */
  #restingOnes(): Leased[] {
    const now_ms = this.#options.steady_ms();
    for (const [id, { kind, window_ms, told_ms }] of this.#resting)
      if (kind === "window" && now_ms - told_ms > window_ms * 1.1) this.#resting.delete(id);
    return [...this.#resting.values()];
  }

  #rest(leased: Leased): void {
    this.#counters.delete(leased.id);
    if (leased.used === 0) return;
    if (this.#resting.size >= RESTING_MAX) this.#resting.delete(this.#resting.keys().next().value!);
    this.#resting.set(leased.id, leased);
  }

  /** A counter's first look; it may have a lease of a keeper before. */
  #takeUp(leased: Leased): void {
    const { table, wall_ms, clock_ms, steady_ms } = this.#options;
    const at = table.at(leased.key, wall_ms());
    if (at < 0) return;
    leased.used = leased.look(table, at, clock_ms());
    const left_ms = this.#words.leftMs(at, this.#now());
    const { kind, unit } = leased;
    const share =
      kind === "money" ? Number(this.#words.shareOfMoney(at) / BigInt(unit)) : this.#words.share(at);
    leased.share = left_ms > 0 ? share : leased.used;
    leased.ends_ms = left_ms > 0 ? steady_ms() + left_ms : 0;
    leased.busy_ms = steady_ms();
  }

  /** Looks at all counters: which need more, which need less, whose lease has to last longer. */
  #look(): void {
    if (this.is_over || this.#fault !== null || this.#session === 0) return;
    const { table, wall_ms, clock_ms, lease_ms } = this.#options;
    const [now_ms, clock, wall] = [this.#options.steady_ms(), clock_ms(), wall_ms()];
    for (const leased of this.#counters.values()) {
      if (leased.is_under_way) continue;
      const at = table.find(leased.key, wall);
      if (at < 0) {
        // Nothing of it means anything any more.
        this.#counters.delete(leased.id);
        continue;
      }
      leased.learn(leased.look(table, at, clock), now_ms);
      const is_full = now_ms < leased.full_until_ms;
      if (this.#words.hasNeed(at) && !is_full) leased.is_asked = true;
      const room = leased.share - leased.used;
      const is_low = room * 2 < leased.ahead && now_ms >= leased.low_until_ms && leased.level < 0;
      const is_much = leased.share > leased.target * 1.25 && now_ms - leased.told_ms > lease_ms * HELLO_PART;
      const is_old = leased.ends_ms - now_ms < lease_ms * RENEW_PART;
      if (is_low || is_much || is_old || leased.used > Math.max(leased.share, leased.told))
        leased.is_asked = true;
    }
    this.#sendAll();
  }

  #isIdle(leased: Leased, now_ms: number): boolean {
    const is_held = leased.kind === "gauge" && leased.used > 0;
    return !is_held && now_ms - leased.busy_ms > this.#options.lease_ms;
  }

  #sendAll(): void {
    if (this.is_over || this.#fault !== null || this.#session === 0) return;
    const now_ms = this.#options.steady_ms();
    const groups = new Map<number, Leased[]>();
    for (const leased of this.#counters.values()) {
      const group = groupOf(leased);
      if (!leased.is_asked || this.#busy_groups.has(group)) continue;
      if (now_ms < leased.full_until_ms && leased.ends_ms - now_ms > this.#options.lease_ms * RENEW_PART)
        continue;
      const batch = groups.get(group);
      if (batch === undefined) groups.set(group, [leased]);
      else if (batch.length < BATCH_MAX) batch.push(leased);
    }
    for (const [group, batch] of groups) void this.#send(group, batch);
  }

  /** Tells and asks of some counters of a group; whether that was heard. */
  async #send(group: number, batch: readonly Leased[]): Promise<boolean> {
    const { valkey, prefix, host, lease_ms, facts } = this.#options;
    this.#busy_groups.add(group);
    const sent = this.#now();
    const sent_ms = this.#options.steady_ms();
    const requests = batch.map((leased) => this.#requestOf(leased, sent_ms));
    const tag = tagOf(prefix, group);
    let is_heard = false;
    try {
      const reply = await valkey.run("lease", {
        keys: [`${tag}:marker`, ...batch.map(({ id }) => `${tag}:${id}`)],
        args: [lease_ms, host, this.#session, facts.hosts, 0, ...requests.flatMap(({ args }) => args)],
      });
      const [, born = 0, ...rows] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
      const ends = { steady: (sent.steady + lease_ms) | 0, wall: (sent.wall + lease_ms) | 0 };
      for (const [index, leased] of batch.entries())
        this.#hear(leased, requests[index]!, [Number(born), ...numbersOf(rows[index])], ends, sent_ms);
      is_heard = true;
    } catch (error) {
      // Who waits is told: what becomes of it, its configuration says.
      this.#lose(messageOf(error));
    } finally {
      this.#busy_groups.delete(group);
      for (const leased of batch) leased.is_under_way = false;
    }
    this.#options.onAnswers();
    if (!this.#is_ending) this.#sendAll();
    return is_heard;
  }

  /** What to say of a counter; its part is made smaller at once, where it is more than is needed. */
  #requestOf(leased: Leased, now_ms: number): LeaseRequest {
    const { table, wall_ms, clock_ms } = this.#options;
    leased.is_asked = false;
    leased.is_under_way = true;
    const at = table.at(leased.key, wall_ms());
    if (at < 0) return leased.request(0, true, "");
    const need = this.#words.takeNeed(at);
    if (need > 0) {
      leased.busy_ms = now_ms;
      leased.grow(need);
    }
    leased.used = leased.look(table, at, clock_ms());
    const is_last = this.#is_ending || this.#isIdle(leased, now_ms);
    // A lease that has ended holds nothing but what was used.
    if (leased.ends_ms <= now_ms || is_last) leased.share = leased.used;
    else if (leased.share > leased.target) leased.share = leased.target;
    if (is_last) this.#words.end(at);
    this.#words.setShare(at, leased.asWord(leased.share));
    // Whoever took between the two looks took what was still allowed, and it is told as used.
    leased.used = leased.look(table, at, clock_ms());
    return leased.request(is_last ? 0 : need, is_last, leased.profile(table, at, clock_ms()));
  }

  #hear(
    leased: Leased,
    { need, base, is_last }: LeaseRequest,
    reply: readonly number[],
    ends: Moment,
    sent_ms: number,
  ): void {
    const { table, wall_ms, facts, lease_ms } = this.#options;
    const [born = 0, state = 0, share = 0, others = 0, level = -1, again = -1] = reply;
    if (this.is_over) return;
    if (state === 0) {
      leased.is_asked = true;
      return;
    }
    leased.told_ms = sent_ms;
    leased.level = level;
    leased.born_ms = born;
    leased.others = others;
    if (is_last) {
      // It may have been asked for meanwhile: then it begins anew.
      leased.ends_ms = 0;
      leased.share = leased.used;
      if (!leased.is_asked) this.#rest(leased);
      return;
    }
    const at = table.find(leased.key, wall_ms());
    if (at < 0) return;
    const is_unmet = need > 0 && share < base + need;
    leased.share = share;
    leased.ends_ms = sent_ms + lease_ms;
    const now_ms = this.#options.steady_ms();
    leased.full_until_ms = is_unmet ? now_ms + Math.min(Math.max(again, FULL_MIN_MS), FULL_MAX_MS) : 0;
    if (need === 0 && share < leased.target) leased.low_until_ms = now_ms + lease_ms * HELLO_PART;
    const room_ms = again < 0 ? ROOM_GUESS_MS : again;
    facts.countShared("answers");
    this.#words.answer(at, {
      share: leased.asWord(share),
      ends,
      elsewhere: leased.asWord(others),
      full: is_unmet ? { until: leased.full_until_ms | 0, room_at: (now_ms + room_ms) | 0 } : null,
    });
    if (state === 2) this.#settle();
  }

  /** Lets every group know that this host is there; resolves to how long nothing is given yet. */
  async #touchAll(): Promise<number> {
    const { valkey, prefix, host, lease_ms, facts } = this.#options;
    const groups = Array.from({ length: GROUPS }, (_, group) => group);
    const left = await Promise.all(
      groups.map(async (group) => {
        const keys = [`${tagOf(prefix, group)}:marker`];
        const reply = await valkey.run("lease", {
          keys,
          args: [lease_ms, host, this.#session, facts.hosts, 1],
        });
        return numbersOf(reply)[0] ?? 0;
      }),
    );
    return Math.max(...left);
  }

  #now(): Moment {
    return { steady: this.#options.steady_ms() | 0, wall: this.#options.wall_ms() | 0 };
  }

  #lose(why: string): void {
    const { facts, log } = this.#options;
    if (this.is_over) return;
    facts.shared = LOST;
    if (this.#fault === null || this.#fault !== why) log(`the shared state cannot be used: ${why}`, "warn");
    if (this.#fault === null) facts.countShared("losses");
    this.#fault = why;
    this.#options.onAnswers();
  }

  /** The server has just started: what is leased goes on and is told, and no more is given. */
  #settle(): void {
    const { facts, log } = this.#options;
    facts.shared = LOST;
    if (!this.#is_settling)
      log(
        "the server of the shared state has just started: it gives nothing until all hosts have told what they have",
        "warn",
      );
    this.#is_settling = true;
  }

  /** It can be reached. */
  #find(is_settling: boolean): void {
    const { facts, log } = this.#options;
    const was_lost = this.#fault !== null;
    this.#fault = null;
    if (is_settling) {
      this.#settle();
    } else {
      if (was_lost || this.#is_settling)
        log(`the shared state is reached; hosts that share it: ${facts.hosts}`);
      facts.shared = REACHED;
      this.#is_settling = false;
    }
    if (was_lost) for (const leased of this.#counters.values()) leased.is_asked = true;
    this.#sendAll();
  }
}

function groupOf({ key }: Leased): number {
  return key.words[0] & (GROUPS - 1);
}

function tagOf(prefix: string, group: number): string {
  return `${prefix}:{${group.toString(16).padStart(2, "0")}}`;
}

function numbersOf(reply: unknown): number[] {
  return Array.isArray(reply) ? reply.map(Number) : [];
}
