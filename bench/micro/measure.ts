// Measures short functions with tinybench: a sample is a batch of runs long enough for the clock to see.
// The figure is the median of the samples, because what else the machine does only ever adds.

import { Bench } from "tinybench";

/** Something to measure. */
export interface Task {
  readonly text: string;
  readonly name: string;
  /** Bytes that are worked through, for GB/s. */
  readonly bytes: number;
  /** Pieces of so many bytes that one run works through; 1 if not given. */
  readonly per_run?: number;
  /** What it returns is kept, so that the work cannot be left out. */
  readonly run: () => unknown;
}

/** What a task takes. */
export interface Figure {
  readonly text: string;
  readonly name: string;
  readonly bytes: number;
  readonly ns: number;
  readonly gb_per_s: number;
}

const BATCH_US = 50;

/** Somewhere to put results that nobody reads. */
let kept: unknown = null;

/** How many runs fill a batch, tried out, which also warms the code up. */
function runsPerBatch(run: () => unknown): number {
  for (let runs = 1; ; runs *= 2) {
    const start = performance.now();
    for (let i = 0; i < runs; i++) kept = run();
    if ((performance.now() - start) * 1000 >= BATCH_US) return runs;
  }
}

/** Measures each task for `time_ms`. */
export async function measure(tasks: readonly Task[], time_ms: number): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { text, name, bytes, per_run = 1, run } of tasks) {
    for (const until = performance.now() + time_ms / 4; performance.now() < until; ) kept = run();
    const runs = runsPerBatch(run);
    const bench = new Bench({ time: time_ms, warmup: false, iterations: 3 });
    bench.add(name, () => {
      for (let i = 0; i < runs; i++) kept = run();
    });
    const [task] = await bench.run();
    const result = task?.result;
    if (result === undefined || !("latency" in result)) throw new Error(`${text}, ${name}: not measured`);
    const ns = (result.latency.p50 * 1e6) / runs / per_run;
    figures.push({ text, name, bytes, ns, gb_per_s: bytes / ns });
  }
  return kept === measure ? [] : figures;
}
