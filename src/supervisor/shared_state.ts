// The state that this host shares with others: the connection to it and the keeper of the host's leases, opened with the mapped file
// and closed when the last call has ended.

import { join } from "node:path";
import type { ReservationTools } from "../access/reservation.ts";
import type { LeaseAsk } from "../access/shared/ask.ts";
import { LeaseKeeper } from "../access/shared/keeper.ts";
import { SharedLimits } from "../access/shared/limits.ts";
import { HELLO_SCRIPT, LEASE_SCRIPT } from "../access/shared/script.ts";
import type { ExactCache } from "../cache/exact/cache.ts";
import { SharedAnswers } from "../cache/exact/shared_answers.ts";
import { CacheKey } from "../cache/key.ts";
import type { Plan, StatePlan } from "../config/plan.ts";
import type { Level } from "../config/say.ts";
import { monotonicMs } from "../memory/clock.ts";
import { NOT_SHARED } from "../memory/host_facts.ts";
import { openSecret } from "../memory/secret.ts";
import type { State } from "../memory/state.ts";
import type { Health } from "../routing/health/health.ts";
import { openValkey } from "../valkey/connection.ts";
import { HEALTH_SCRIPT, SharedHealth } from "./shared_health.ts";

/** A command that takes longer has failed: some times as long as calls wait. */
const COMMAND_PARTS = 4;
const COMMAND_MIN_MS = 250;

/** What a host shares its state with. */
export interface SharedState {
  /** A gateway process asks for more of limits. */
  ask(asks: readonly LeaseAsk[]): void;
  /** Kept answers of all hosts; null: each has its own. */
  readonly answers: SharedAnswers | null;
  /** For whoever tells how far limits are used up. */
  readonly limits: ReservationTools["shared"];
  /** Another supervisor of this data folder was to take over, and does not after all. */
  regain(): void;
  /** Gives back what was taken ahead, and ends. */
  close(): Promise<void>;
}

/** What it is opened with. */
export interface SharedStateOptions {
  readonly plan: StatePlan;
  readonly data: string;
  readonly state: State;
  /** Whether processes of a supervisor before this one still answer calls. */
  readonly takes_over: boolean;
  clock_ms(): number;
  log(line: string, level?: Level): void;
  /** Asks were answered. */
  onAnswers(): void;
  /** How targets do, as all processes of this host know it. */
  readonly health: Health;
  currentPlan(): Plan;
  /** This host's kept answers; null while it keeps none. */
  ownAnswers(): ExactCache | null;
}

/**
 * Opens it. A server that cannot be reached is no fault: it is tried again, and calls are treated meanwhile as the configuration
 * says. Waits for a server that has just started.
 */
export async function openSharedState(
  options: SharedStateOptions,
): Promise<SharedState | { readonly fault: string }> {
  const { plan, data, state, log, onAnswers } = options;
  const secret = openSecret(join(data, "host"));
  if ("fault" in secret) return { fault: `the state cannot be shared: ${secret.fault}` };
  // Others see a hash of it, by which nobody can pretend to be this host who does not know it.
  const host = Buffer.from(Bun.SHA256.hash(secret) as Uint8Array)
    .subarray(0, 8)
    .toString("hex");
  const offset_ms = monotonicMs() - performance.now();
  const clocks = {
    steady_ms: () => performance.now() + offset_ms,
    wall_ms: () => Date.now(),
  };
  const { promise: connected, resolve: onConnected } = Promise.withResolvers<void>();
  let keeper: LeaseKeeper | null = null;
  const valkey = await openValkey({
    plan,
    scripts: { lease: LEASE_SCRIPT, hello: HELLO_SCRIPT, health: HEALTH_SCRIPT },
    timeout_ms: Math.max(COMMAND_MIN_MS, plan.budget_ms * COMMAND_PARTS),
    onChange: (is_up, why) => {
      if (is_up) void keeper?.greet();
      else keeper?.lost(why);
      onConnected();
    },
  });
  const makeKeeper = () =>
    new LeaseKeeper({
      ...{ valkey, host, table: state.counters, facts: state.facts, log, onAnswers, ...clocks },
      ...{ prefix: plan.prefix, lease_ms: plan.lease_ms, clock_ms: options.clock_ms },
      takes_over: options.takes_over,
    });
  keeper = makeKeeper();
  await Promise.race([connected, Bun.sleep(CONNECT_WAIT_MS)]);
  await keeper.settled(plan.lease_ms);
  if (keeper.is_refused) {
    await keeper.close();
    valkey.close();
    return { fault: `the state at ${plan.shown} cannot be shared: ${keeper.fault}` };
  }
  log(
    `limits are shared at ${plan.shown}${keeper.fault === null ? "" : `, which cannot be reached (${keeper.fault})`}`,
  );
  const desk = { ask: () => {}, onAnswer: () => {} };
  let own = keeper;
  const answers =
    plan.secret === null
      ? null
      : new SharedAnswers({
          valkey,
          prefix: plan.prefix,
          secret: plan.secret,
          onFault: (line) => log(line, "warn"),
        });
  const telling = new SharedHealth({
    ...{ valkey, host, prefix: plan.prefix, health: options.health },
    plan: () => options.currentPlan(),
  });
  const purging = answers === null ? null : purgeAlike(answers, options.ownAnswers);
  return {
    answers,
    ask: (asks) => own.ask(asks),
    limits: new SharedLimits({ table: state.counters, facts: state.facts, desk, ...clocks }),
    regain: () => {
      if (!own.is_over) return;
      own = makeKeeper();
      keeper = own;
      void own.greet();
    },
    close: async () => {
      purging?.stop();
      telling.stop();
      if (!own.is_over) {
        await own.close();
        state.facts.shared = NOT_SHARED;
      }
      valkey.close();
    },
  };
}

/** How often is looked for what was purged elsewhere, and how long a bad answer's key is remembered, in milliseconds. */
const PURGES_MS = 500;
const BAD_MS = 90 * 86_400_000;

/** Purges here what was purged elsewhere. */
function purgeAlike(answers: SharedAnswers, own: () => ExactCache | null): { stop(): void } {
  let is_busy = false;
  const look = async () => {
    const cache = own();
    if (is_busy || cache === null) return;
    is_busy = true;
    for (const { filter, is_bad, at_ms } of await answers.purges()) {
      await cache.purge({ ...filter, before_ms: at_ms });
      const key =
        is_bad && filter.key_hex !== undefined ? CacheKey.parse(Buffer.from(filter.key_hex, "hex")) : null;
      if (key !== null) await cache.block(key, at_ms + BAD_MS);
    }
    is_busy = false;
  };
  const timer = setInterval(() => void look(), PURGES_MS);
  return { stop: () => clearInterval(timer) };
}

/** How long the first connection is waited for, in milliseconds. */
const CONNECT_WAIT_MS = 1_000;
