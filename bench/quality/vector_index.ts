// The index of the semantic cache at several sizes: how long a search takes, how often it finds the nearest entry of all, what an
// entry costs in memory, and how long it takes until all is there again after a start.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packVector, SCAN_BATCH, VectorMemory } from "../../src/inference/vectors/vector_memory.ts";
import { randomIntegers } from "../../test/memory/random.ts";
import { median } from "../figures.ts";
import { type Case, caseOf, type Part, type Sample } from "../part.ts";

const DIMS = 256;
/** Sizes that are measured, as far as they are not above the largest that is asked for. */
const SIZES: readonly number[] = [1_000, 20_000, 100_000, 1_000_000];

async function run(what: "fill" | "load", folder: string, count: number, queries: number): Promise<Sample> {
  const script = join(import.meta.dirname, "vector_run.ts");
  const command = [process.execPath, script, what, folder, String(count), String(queries)];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  const status = await child.exited;
  if (status !== 0) return { values: {}, fault: `it ended with status ${status}`, raw: null };
  const values: Record<string, number> = JSON.parse(output);
  return { values, fault: null, raw: values };
}

/** How long the comparison of a query with a vector takes, with the machine's SIMD instructions and without. */
function comparison(is_plain: boolean): Sample {
  const memory = new VectorMemory(DIMS, is_plain);
  const random = randomIntegers(5);
  const vector = () => Float32Array.from({ length: DIMS }, () => random(2_001) - 1_000);
  const addresses = Uint32Array.from({ length: SCAN_BATCH }, () => memory.add(packVector(vector())!)!);
  memory.setQuery(vector());
  const times: number[] = [];
  for (let batch = 0; batch < 100; batch++) {
    const begin_ms = performance.now();
    memory.scan(addresses);
    times.push(((performance.now() - begin_ms) * 1e6) / SCAN_BATCH);
  }
  const values = { ns: median(times) };
  return {
    values,
    fault: !is_plain && !memory.is_fast ? "there are no such instructions" : null,
    raw: values,
  };
}

/** Searches in partitions of several sizes. */
export const vectorIndex: Part = {
  name: "vectors",
  about:
    "The index of the semantic cache: a comparison of two vectors; one partition with so many clustered vectors of 256 numbers, filled and searched, then loaded by another process and searched; the nearest entry is found how often?",
  usual: { calls: 100_000, rounds: 1 },
  run: async (sizes, log) => {
    const cases: Case[] = [
      caseOf("comparing two vectors, SIMD", "venturi", [comparison(false)]),
      caseOf("comparing two vectors, plain", "venturi", [comparison(true)]),
    ];
    const counts = SIZES.filter((count) => count < sizes.calls);
    for (const count of [...counts, sizes.calls]) {
      const folder = mkdtempSync(join(tmpdir(), "venturi-bench-vectors-"));
      try {
        const queries = Math.min(500, count);
        for (const what of ["fill", "load"] as const) {
          log(`${count} vectors: ${what}`);
          const sample = await run(what, folder, count, queries);
          cases.push(caseOf(`${count.toLocaleString("en")} vectors, ${what}`, "venturi", [sample]));
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
    return cases;
  },
};
