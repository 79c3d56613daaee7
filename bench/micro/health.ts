// What the health of targets costs a call: the look before it, what is told of it behind it, and what the strategies read.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config/load.ts";
import type { ModelPlan } from "../../src/config/plan.ts";
import { clockBase, SteadyClock } from "../../src/memory/clock.ts";
import { createState } from "../../src/memory/state.ts";
import { admitted } from "../../src/routing/admission.ts";
import { Health } from "../../src/routing/health/health.ts";
import { orderTargets } from "../../src/routing/order.ts";
import type { Task } from "./measure.ts";

const CONFIG = `
providers: { a: { kind: openai, base_url: "http://127.0.0.1:9/v1", api_keys: [none] } }
models:
  priority: { targets: [a/one, a/two, a/three] }
  weighted: { strategy: weighted, targets: [a/one, a/two, a/three] }
  least-latency: { strategy: least-latency, targets: [a/one, a/two, a/three] }
  least-busy: { strategy: least-busy, targets: [a/one, a/two, a/three] }
  failing: { targets: [a/broken, a/one] }
`;
const WORKERS = 4;

/** The tasks, in a folder of their own; `end` when they have been measured. */
export function healthTasks(): { readonly tasks: readonly Task[]; end(): void } {
  const loaded = parseConfig(Buffer.from(CONFIG), "bench.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const models = loaded.plan.models;
  const folder = mkdtempSync(join(tmpdir(), "venturi-bench-"));
  const state = createState(folder, { areas: 2 * WORKERS + 2, call_slots: 8 }, () => {});
  const clock = new SteadyClock(clockBase());
  // Nothing is careful at first; the second sees what has opened.
  const make = () =>
    new Health({
      ...{ table: state.health, drills: state.drills, column: 0, columns: state.areas, log: () => {} },
      now_ms: () => clock.now_ms(),
    });
  const health = make();
  const chosen = (model: ModelPlan) => {
    const sight = { health, affinity: null, is_stream: true, may_measure: true, costOf: () => null };
    return admitted(orderTargets(model, { ...sight, random: Math.random }), health, () => {});
  };
  const [target] = models.get("priority")!.targets;
  const tryOnce = () => {
    const trial = health.begin(target!, true)!;
    trial.answered(200);
    trial.end();
  };
  for (const one of models.get("priority")!.targets) health.of(one).observe(200, true);
  let is_open = false;
  const of = (text: string, name: string, run: () => unknown): Task => ({ text, name, bytes: 0, run });
  return {
    tasks: [
      of("targets chosen", "priority", () => chosen(models.get("priority")!)),
      of("targets chosen", "weighted", () => chosen(models.get("weighted")!)),
      of("targets chosen", "least-latency", () => chosen(models.get("least-latency")!)),
      of("targets chosen", "least-busy", () => chosen(models.get("least-busy")!)),
      of("a try", "well", tryOnce),
      of("the p95", "of a target", () => health.p95Ms(target!, true)),
      of("targets chosen", "one is open", () => {
        if (!is_open) open(health, models.get("failing")!);
        is_open = true;
        return chosen(models.get("failing")!);
      }),
    ],
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function open(health: Health, { targets: [target] }: ModelPlan): void {
  for (let count = 0; count < 5; count++) {
    const trial = health.begin(target!, true)!;
    trial.shows("ill", "503");
    trial.end();
  }
}
