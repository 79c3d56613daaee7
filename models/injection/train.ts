// Trains the injection score and writes its weights (README.md).
// `bun models/injection/train.ts [--data ../shared/data/injection/samples-dev.jsonl] [--out venturi-injection.bin]`

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { InjectionSource } from "../../src/privacy/guards/injection/injection.ts";
import { type SourceWeights, weightsFile } from "../../src/privacy/guards/injection/weights.ts";
import { ownExamples, readRows } from "./examples.ts";
import { learn, see } from "./learner.ts";
import { crossValidated, thresholdOf } from "./validation.ts";

/** What was learned is a logarithm of odds already. */
const SLOPE = 1;
const LARGEST = 127;

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/data/injection/samples-dev.jsonl" },
    out: { type: "string", default: join(import.meta.dir, "venturi-injection.bin") },
  },
});

const rows = readRows(values.data);
writeFileSync(values.out, weightsFile({ user: weightsOf("user"), tool: weightsOf("tool") }));

/** Learns from all texts; the threshold is of texts that were not learned from. */
function weightsOf(source: InjectionSource): SourceWeights {
  const examples = [...rows[source], ...ownExamples(source, rows[source])].map(see);
  const threshold = thresholdOf(source, crossValidated(examples, source));
  const { weights, long_bias, short_bias } = learn(examples, source);
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const scale = largest / LARGEST;
  const table = Int8Array.from(weights, (weight) => Math.round(weight / scale));
  const used = table.reduce((count, weight) => count + (weight === 0 ? 0 : 1), 0);
  const facts = `threshold ${threshold.toFixed(2)}, largest weight ${largest.toFixed(2)}`;
  console.log(`${source}: ${examples.length} texts, ${used} weights, ${facts}`);
  return { scale, long_bias, short_bias, threshold, slope: SLOPE, table };
}
