// Streams that are open and silent, as those of models that think: memory of one gateway process for each.

import { readFileSync } from "node:fs";
import { residentBytes } from "../test/chaos/processes.ts";
import { type Case, caseOf, onStage, orderFor, type Part, type Sample, type Stage } from "./part.ts";
import { bareServer, RELAYS, type Target } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Descriptors that a process needs besides those of its streams. */
const SPARE_FILES = 500;
/** Descriptors of a relay for each stream: the client's socket and the provider's. */
const FILES_PER_STREAM = 2;
/** Streams that are opened and left first, so that code and pools are there before the memory is read. */
const WARM_STREAMS = 100;
/** Private memory of all its processes. */
const residentOf = (target: Target) => target.pids().reduce((sum, pid) => sum + residentBytes(pid), 0);

/** How many files a process may have open. */
export function fileLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}

async function measureOnce(stage: Stage, target: Target, streams: number): Promise<Sample> {
  const shape = { loop: "hold", is_stream: true } as const;
  const settle = () => Bun.sleep(stage.sizes.seconds * 1000);
  const warm = await stage.generator.hold(
    orderFor(stage, target, { ...shape, connections: Math.min(WARM_STREAMS, streams) }),
  );
  await warm.release();
  await settle();
  const before = residentOf(target);
  const calls_before = (await stage.provider.counts()).calls;
  const held = await stage.generator.hold(orderFor(stage, target, { ...shape, connections: streams }));
  await settle();
  const bytes = residentOf(target) - before;
  const seen = (await stage.provider.counts()).calls - calls_before;
  const result = await held.release();
  let fault: string | null = null;
  if (result.errors > 0) fault = `${result.errors} of ${streams} streams failed: ${result.fault}`;
  else if (result.left !== streams)
    fault = `${streams - result.left} of ${streams} streams ended before their time`;
  else if (seen !== streams) fault = `the provider saw ${seen} streams instead of ${streams}`;
  return { values: { streams, kb_per_stream: bytes / streams / 1024 }, fault, raw: { bytes, streams } };
}

/** What takes turns. The bare server shows what of it is the runtime's. */
const PROGRAMS = [...RELAYS, bareServer("relay")];

/** Memory per idle stream. */
export const idle: Part = {
  name: "idle",
  about:
    "Streams open through one gateway process, silent after their first event: private memory of all its processes per stream. A fresh start each round.",
  usual: { rounds: 3, seconds: 2, streams: 10_000 },
  run: async (sizes, log) => {
    const most = Math.floor((fileLimit() - SPARE_FILES) / FILES_PER_STREAM);
    const streams = Math.min(sizes.streams, most);
    if (streams < sizes.streams)
      log(`the limit of ${fileLimit()} open files lets ${streams} streams be measured`);
    const samples = new Map(PROGRAMS.map(({ name }) => [name, [] as Sample[]]));
    for (let round = 0; round < sizes.rounds; round++) {
      for (const program of PROGRAMS) {
        const sample = await onStage(sizes, round === 0 ? log : () => {}, [program], async (stage) => {
          await stage.provider.play({ ...PLAIN_SCRIPT, answer: "stream", chunks: 2, is_held: true });
          const target = stage.targets[1];
          return target === undefined ? null : measureOnce(stage, target, streams);
        }).catch((error: Error): Sample => ({ values: {}, fault: error.message, raw: null }));
        if (sample !== null) samples.get(program.name)!.push(sample);
      }
    }
    return [...samples]
      .filter(([, all]) => all.length > 0)
      .map(([name, all]): Case => caseOf("idle streams", name, all));
  },
};
