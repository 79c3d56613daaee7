// Hosts that share limits, all in one process: each with a mapped file, a keeper and a connection of its own to a real server.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LimitSet } from "../../../src/access/limit_set.ts";
import {
  type Amounts,
  type Refusal,
  Reservation,
  type ReservationTools,
} from "../../../src/access/reservation.ts";
import { LeaseKeeper } from "../../../src/access/shared/keeper.ts";
import { type LeaseDesk, SharedLimits } from "../../../src/access/shared/limits.ts";
import { HELLO_SCRIPT, LEASE_SCRIPT } from "../../../src/access/shared/script.ts";
import type { StatePlan } from "../../../src/config/plan.ts";
import { readStateAddress } from "../../../src/config/state_address.ts";
import { REACHED } from "../../../src/memory/host_facts.ts";
import { createState, type State } from "../../../src/memory/state.ts";
import { openValkey } from "../../../src/valkey/connection.ts";

/** A host. */
export interface TestHost {
  readonly name: string;
  readonly state: State;
  readonly keeper: LeaseKeeper;
  readonly shared: SharedLimits;
  readonly tools: ReservationTools;
  readonly said: string[];
  /** Takes from limits; where this host's part is used up, it waits for more of it, as a call does. */
  take(sets: readonly LimitSet[], amounts?: Partial<Amounts>): Promise<Reservation | Refusal>;
  /** Is not heard of any more, as if its power were cut. */
  die(): void;
  /** Ends as it should. */
  close(): Promise<void>;
}

/** How a host is made. */
export interface HostOptions {
  readonly url: string;
  readonly name: string;
  readonly lease_ms?: number;
  readonly wait_ms?: number;
  readonly clock_ms?: () => number;
  /** What else its plan says. */
  readonly plan?: Partial<StatePlan>;
  /** Where another one has ended. */
  readonly folder?: string;
  /** How often it is looked whether it can take, every 10 ms. */
  readonly tries?: number;
}

/** A plan of shared state. */
export function statePlan(url: string, more: Partial<StatePlan> = {}): StatePlan {
  const address = readStateAddress(url);
  if ("fault" in address) throw new Error(address.fault);
  return {
    ...{ address, shown: url, prefix: "test", secret: null, ca: null, sentinel_password: null },
    ...{ lease_ms: 500, on_loss: "reject", budget_ms: 2_000, ...more },
  };
}

/** Starts a host; resolves when it can take. */
export async function startHost(options: HostOptions): Promise<TestHost> {
  const { url, name, lease_ms = 500, wait_ms = 2_000, clock_ms = () => Date.now() } = options;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "venturi-host-"));
  const state = createState(folder, { areas: 1, call_slots: 16 }, () => {});
  const said: string[] = [];
  const desk: LeaseDesk = { ask: (asks) => keeper.ask(asks), onAnswer: () => {} };
  const clocks = { steady_ms: () => performance.now(), wall_ms: clock_ms };
  const valkey = await openValkey({
    plan: statePlan(url, { lease_ms, ...options.plan }),
    scripts: { lease: LEASE_SCRIPT, hello: HELLO_SCRIPT },
    timeout_ms: 250,
    onChange: (is_up, why) => (is_up ? void keeper.greet() : keeper.lost(why)),
  });
  const keeper = new LeaseKeeper({
    ...{
      valkey,
      host: name,
      table: state.counters,
      facts: state.facts,
      prefix: "test",
      lease_ms,
      clock_ms,
      takes_over: false,
    },
    ...clocks,
    log: (line) => void said.push(line),
    onAnswers: () => desk.onAnswer(),
  });
  const shared = new SharedLimits({ table: state.counters, facts: state.facts, desk, ...clocks });
  shared.on_loss = "reject";
  const tools: ReservationTools = {
    ...{ counters: state.counters, column: 0, shared },
    now_ms: clock_ms,
    wall_ms: clock_ms,
  };
  const host: TestHost = {
    ...{ name, state, keeper, shared, tools, said },
    take: async (sets, amounts = {}) => {
      const end_ms = performance.now() + wait_ms;
      for (;;) {
        const taken = Reservation.take(sets, { tokens: 0, nano_usd: 0, ...amounts }, tools);
        if (taken instanceof Reservation || taken.lack === undefined) return taken;
        if (taken.lack === "lost" || !(await shared.answered(end_ms - performance.now()))) return taken;
      }
    },
    die: () => {
      valkey.close();
      keeper.abandon();
    },
    close: async () => {
      await keeper.close();
      valkey.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
  const { tries = 500 } = options;
  for (let one = 0; one < tries && state.facts.shared !== REACHED; one++) await Bun.sleep(10);
  return host;
}
