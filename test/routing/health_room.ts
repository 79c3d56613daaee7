// Several gateway processes over one mapped file, on a clock that stands still until somebody moves it.

import { parseConfig } from "../../src/config/load.ts";
import type { ModelPlan, Plan, TargetPlan } from "../../src/config/plan.ts";
import { CounterTable } from "../../src/memory/counter_table.ts";
import { DrillTable } from "../../src/memory/drill_table.ts";
import { HEALTH, SERIES_OFFSET } from "../../src/memory/layout.ts";
import { ownMemory } from "../../src/memory/mapping.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { Health } from "../../src/routing/health/health.ts";
import type { Sight } from "../../src/routing/strategies.ts";

/** Processes that learn together. */
export interface HealthRoom {
  /** One per process. */
  readonly processes: readonly Health[];
  readonly said: string[];
  now_ms: number;
}

/** As many processes as wanted, over a new file in an empty folder. */
export function healthRoom(folder: string, count = 1): HealthRoom {
  createState(folder, { areas: count, call_slots: 8 }, () => {});
  const said: string[] = [];
  const room = {
    now_ms: Date.UTC(2026, 10, 26),
    said,
    processes: Array.from({ length: count }, (_, column): Health => {
      // A mapping of its own, as every process has.
      const { health: table, drills } = openState(folder);
      const log = (line: string) => said.push(line);
      return new Health({ table, drills, column, columns: count, now_ms: () => room.now_ms, log });
    }),
  };
  return room;
}

/** Compiles a configuration. */
export function planOf(yaml: string): Plan {
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan;
}

/** A model `chat` of providers a, b, c …, with more settings if wanted. */
export function chatModel(providers: readonly string[], settings = ""): ModelPlan {
  const lines = providers.map(
    (name) => `  ${name}: { kind: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [none] }`,
  );
  const targets = providers.map((name) => `${name}/m`).join(", ");
  return planOf(
    `providers:\n${lines.join("\n")}\nmodels:\n  chat: { targets: [${targets}], ${settings} }\n`,
  ).models.get("chat")!;
}

/** A try that ends at once, well or ill. */
export function tryOnce(health: Health, target: TargetPlan, is_well: boolean, reason?: "probe"): boolean {
  const trial = health.begin(target, true, reason);
  if (trial === null) return false;
  if (is_well) trial.answered(100);
  else trial.shows("ill", "503");
  trial.end();
  return true;
}

/** What an order is made by; nothing is known but what is given. */
export function sightOf(health: Health, more: Partial<Sight> = {}): Sight {
  return {
    ...{ health, affinity: null, is_stream: true, may_measure: true },
    costOf: () => null,
    random: Math.random,
    ...more,
  };
}

/** Health that nobody else shares, in memory of this process; of several processes if wanted. */
export function ownHealths(count: number, now_ms: () => number): readonly Health[] {
  const memory = ownMemory(SERIES_OFFSET);
  const [table, drills] = [new CounterTable(memory, HEALTH), new DrillTable(memory)];
  return Array.from({ length: count }, (_, column) => {
    return new Health({ table, drills, column, columns: count, now_ms, log: () => {} });
  });
}

/** The same of one, whose clock stands still. */
export function ownHealth(): Health {
  return ownHealths(1, () => Date.UTC(2026, 10, 26))[0]!;
}

/** Numbers in [0, 1), the same for the same seed (xorshift32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
