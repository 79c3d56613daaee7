// The health of all targets: what calls ask before they choose, and tell of when they have tried.
// It lies in shared memory (docs/routing-health.md), so that all gateway processes learn together and a killed one forgets nothing.

import type { ProviderKey, ProviderPlan, TargetPlan } from "../../config/plan.ts";
import { CarefulMark } from "../../memory/careful.ts";
import type { CounterTable } from "../../memory/counter_table.ts";
import type { Drill, DrillTable } from "../../memory/drill_table.ts";
import { keyIdentity } from "../key_identity.ts";
import { CLOSED, DRILLED, PROBING } from "./breaker.ts";
import { Circuit, type HealthMemory } from "./circuit.ts";
import type { Quantile } from "./latency.ts";
import { TargetHealth } from "./target_health.ts";
import { type Reason, Trial } from "./trial.ts";

/** What a probe is waited for at least, in milliseconds, and how many answers have to be known of before it is not waited for longer. */
const PATIENCE_MIN_MS = 5_000;
const PATIENCE_SAMPLES = 20;

/** What a process' view of health is made of. */
export interface HealthOptions extends Pick<HealthMemory, "column" | "columns" | "now_ms"> {
  readonly table: CounterTable;
  readonly drills: DrillTable;
  log(line: string): void;
}

/** How a target does, in words and numbers. */
export interface HealthReport {
  /** `off`: it has no breaker. `slow_start`: it has come back, and its share of calls grows. */
  readonly state: "closed" | "open" | "probing" | "slow_start" | "off";
  readonly reason: string;
  /** When the next call may probe it, in milliseconds; null where it is not passed over. */
  readonly probe_in_ms: number | null;
  readonly failures_in_row: number;
  /** Of the last half minute. */
  readonly calls: number;
  readonly failures: number;
  readonly in_flight: number;
  /** Peak-sensitive average time to the first byte; null where it was not measured. */
  readonly average_ms: number | null;
  readonly p95_ms: number | null;
  /** What the p95 is of. */
  readonly samples: number;
}

/** The health of targets, as one process sees it. */
export class Health {
  readonly #memory: HealthMemory;
  readonly #careful: CarefulMark;
  readonly #drills: DrillTable;
  readonly #targets = new WeakMap<TargetPlan, TargetHealth>();
  readonly #keys = new WeakMap<ProviderKey, Circuit>();
  readonly #checks = new WeakMap<ProviderPlan, TargetHealth>();

  constructor(options: HealthOptions) {
    const { table, drills, column, columns, log } = options;
    const careful = new CarefulMark(table.words);
    this.#careful = careful;
    this.#drills = drills;
    this.#memory = {
      ...{ table, column, columns },
      now_ms: () => options.now_ms(),
      beCareful: (for_ms) => careful.raise(options.now_ms() + for_ms),
      isDrilled: (provider, model) => drills.find(provider, model, options.now_ms()) !== null,
      onChange: (circuit, is_open, why) =>
        log(
          is_open
            ? `${wordFor(circuit)} is passed over from now on: its calls fail (${why})`
            : `${wordFor(circuit)} is asked again: ${why}`,
        ),
    };
  }

  /** Whether calls have to look before they choose: not while no breaker is open and nothing is rehearsed. */
  get is_careful(): boolean {
    return this.#careful.isUp(this.#memory.now_ms());
  }

  /** The drills that are under way. */
  get drills(): readonly Drill[] {
    return this.#drills.list(this.#memory.now_ms());
  }

  /** The drill that makes a target fail; null where none does. */
  drillOf({ provider, model }: TargetPlan): Drill | null {
    return this.is_careful ? this.#drills.find(provider.name, model, this.#memory.now_ms()) : null;
  }

  /** What is known of a target. */
  of(target: TargetPlan): TargetHealth {
    let health = this.#targets.get(target);
    if (health === undefined) {
      const { provider, model } = target;
      health = new TargetHealth(this.#memory, provider.name, model, [...addressOf(provider), model]);
      this.#targets.set(target, health);
    }
    return health;
  }

  /** What is known of one of several keys of a provider. */
  ofKey(provider: ProviderPlan, key: ProviderKey): Circuit {
    let health = this.#keys.get(key);
    if (health === undefined) {
      const identity = ["key", keyIdentity(provider, key)];
      health = new Circuit(this.#memory, provider.name, key.name, identity);
      this.#keys.set(key, health);
    }
    return health;
  }

  /** Whether a key should not be used while its provider has others: its calls fail, and this one is not to find out whether still. */
  isKeyIll(provider: ProviderPlan, key: ProviderKey): boolean {
    const { breaker, keys } = provider;
    if (breaker === null || keys.length < 2 || !this.is_careful) return false;
    const health = this.ofKey(provider, key);
    const admission = health.look(breaker);
    return admission === "open" || (admission === "probe" && health.takeProbe(breaker) === 0);
  }

  /** Counts what a try showed of the key that it was made with. */
  countKey(provider: ProviderPlan, key: ProviderKey, is_ill: boolean, took_ms: number, why: string): void {
    const { breaker, keys } = provider;
    if (breaker !== null && keys.length > 1)
      this.ofKey(provider, key).countKey(breaker, is_ill, took_ms, why);
  }

  /** Whether this process is to check a provider now: one of all in any `every_ms`. */
  takeCheck(provider: ProviderPlan, every_ms: number): boolean {
    let health = this.#checks.get(provider);
    if (health === undefined) {
      health = new TargetHealth(this.#memory, provider.name, "", ["check", ...addressOf(provider)]);
      this.#checks.set(provider, health);
    }
    return health.takeExploration(false, every_ms);
  }

  /** A try at a target begins; null: it was to probe, and somebody else does so already. */
  begin(target: TargetPlan, is_stream: boolean, reason: Reason = "free"): Trial | null {
    const health = this.of(target);
    const { breaker } = target;
    if (reason !== "probe" || breaker === null) return new Trial(health, breaker, is_stream, reason, 0);
    const probe = health.takeProbe(breaker);
    if (probe !== 0) return new Trial(health, breaker, is_stream, reason, probe);
    // It may have closed meanwhile.
    return health.look(breaker) === "free" ? new Trial(health, breaker, is_stream, "free", 0) : null;
  }

  /** The time to the first byte that 95 % of a target's answers of late did not exceed; null where there are none. */
  p95Ms(target: TargetPlan, is_stream: boolean): Quantile | null {
    return this.of(target).quantile(0.95, is_stream);
  }

  /** How long a probe is waited for where another target could answer: several times as long as most answers took; null: as any try. */
  patienceMs(target: TargetPlan, is_stream: boolean): number | null {
    const p95 = this.p95Ms(target, is_stream);
    return p95 === null || p95.samples < PATIENCE_SAMPLES ? null : Math.max(PATIENCE_MIN_MS, 3 * p95.ms);
  }

  /** How a target does, for whoever asks why it is tried or not. */
  healthOf(target: TargetPlan, is_stream: boolean): HealthReport {
    const health = this.of(target);
    const p95 = health.quantile(0.95, is_stream);
    const average_ms = health.averageMs(is_stream);
    return {
      ...stateOf(health, target),
      failures_in_row: health.breaker.in_row,
      ...health.counts,
      in_flight: health.load.in_flight,
      average_ms: average_ms === 0 ? null : average_ms,
      p95_ms: p95?.ms ?? null,
      samples: p95?.samples ?? 0,
    };
  }
}

/** What the log calls it: a target, or a key by its name. */
function wordFor({ provider, model }: Circuit): string {
  return model.startsWith(`${provider}#`) ? `key ${model}` : `${provider}/${model}`;
}

/** Whose health it is: that of a provider at another address is another's. */
function addressOf({ name, origin, base_path }: ProviderPlan): readonly string[] {
  return [name, `${origin.host}:${origin.port}${base_path}`];
}

function stateOf(
  health: TargetHealth,
  { breaker: plan }: TargetPlan,
): Pick<HealthReport, "state" | "reason" | "probe_in_ms"> {
  if (plan === null) return { state: "off", reason: "it has no breaker", probe_in_ms: null };
  const admission = health.look(plan);
  const { phase, left_ms } = health.breaker;
  if (admission === "free") {
    const share = health.startShare(plan);
    return share < 1
      ? {
          state: "slow_start",
          reason: `it has come back and gets ${Math.round(share * 100)} % of its share`,
          probe_in_ms: null,
        }
      : { state: "closed", reason: "its calls go through", probe_in_ms: null };
  }
  if (phase === PROBING && admission === "open")
    return {
      state: "probing",
      reason: "one call is finding out whether it answers again",
      probe_in_ms: left_ms,
    };
  const why = phase === DRILLED ? "a drill makes its calls fail" : "its calls failed";
  const when =
    admission === "probe" ? "the next call probes it" : `it is probed in ${Math.ceil(left_ms / 1_000)} s`;
  return {
    state: "open",
    reason: `${why}; ${when}`,
    probe_in_ms: Math.max(0, phase === CLOSED ? 0 : left_ms),
  };
}
