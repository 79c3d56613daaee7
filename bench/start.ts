// Cold start: from the spawn of the first process to the first call that is answered with 200, through the provider.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Connection, type Outcome, requestOf } from "./load_connection.ts";
import { type Case, caseOf, onStage, orderFor, type Part, type Sample, type Stage } from "./part.ts";
import { executable, type Program, RELAYS, SOURCES, spawnProgram } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** How often it is tried, and how long. */
const TRY_EVERY_MS = 1;
const START_MAX_MS = 10_000;

async function startOnce(stage: Stage, program: Program): Promise<Sample | null> {
  const begin_ms = performance.now();
  const target = spawnProgram(program, stage.provider.port, stage.placement);
  if (target === null) return null;
  try {
    const order = orderFor(stage, target);
    const request = requestOf(order);
    while (performance.now() < begin_ms + START_MAX_MS && target.ended() === null) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const connection = await new Connection(order, request, resolve).open().catch(() => null);
      connection?.call(performance.now());
      const outcome = connection === null ? null : await promise;
      connection?.close();
      if (outcome === null || outcome.fault !== null) {
        await Bun.sleep(TRY_EVERY_MS);
        continue;
      }
      const first_200_ms = outcome.end_ms - begin_ms;
      return { values: { first_200_ms }, fault: null, raw: { first_200_ms } };
    }
    return { values: {}, fault: `it did not start: ${target.ended()}`, raw: null };
  } finally {
    await target.stop();
  }
}

/** Time to the first answer. */
export const start: Part = {
  name: "start",
  about:
    "From the spawn to the first call answered with 200, tried every millisecond; one gateway process. Venturi as `npm ci` leaves a checkout (with modules made of the sources), from the sources alone, and as the executable that `npx venturi build` makes.",
  usual: { rounds: 10 },
  run: async (sizes, log) => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-start-"));
    try {
      const made = await executable(folder, log);
      const programs = [...RELAYS, SOURCES, ...(made === null ? [] : [made])];
      return await onStage(sizes, log, [], (stage) => measure(stage, programs));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(stage: Stage, programs: readonly Program[]): Promise<Case[]> {
  await stage.provider.play(PLAIN_SCRIPT);
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < stage.sizes.rounds; round++) {
    for (const program of programs) {
      const sample = await startOnce(stage, program);
      if (sample === null) continue;
      samples.set(program.name, [...(samples.get(program.name) ?? []), sample]);
    }
  }
  return [...samples].map(([name, all]): Case => caseOf("cold start", name, all));
}
