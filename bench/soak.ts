// A mixed load for minutes: plain calls small and large, streams, clients that leave streams, refused calls, all at once.
// What is looked at is the level of the memory: after the first sixth of the time it must not grow.

import { median } from "./figures.ts";
import { memoryOf } from "./memory.ts";
import { caseOf, onStage, orderFor, type Part } from "./part.ts";
import { VENTURI, WRONG_AUTHORIZATION } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

const SAMPLE_EVERY_MS = 500;
/** The memory of the second sixth of the time is compared with that of the last: 5 of 30 minutes warm up. */
const SHARES = 6;
const CHUNKS = 50;

/** Memory under mixed load. */
export const soak: Part = {
  name: "soak",
  about:
    "Plain calls of 1 and 100 KB, paced streams, streams left in the middle and refused calls at once: private memory of all processes in the second and in the last sixth of the time.",
  usual: { minutes: 1 },
  run: (sizes, log) =>
    onStage(sizes, log, [VENTURI], async (stage) => {
      const target = stage.targets[1];
      if (target === undefined) return [];
      await stage.provider.play({ ...PLAIN_SCRIPT, answer: "as_asked", chunks: CHUNKS, interval_ms: 10 });
      const seconds = sizes.minutes * 60;
      const order = (changes: Parameters<typeof orderFor>[2]) =>
        stage.generator.run(orderFor(stage, target, { seconds, ...changes }));
      const streamed = { is_stream: true, events: CHUNKS + 2, ramp_ms: 500 };
      let is_over = false;
      const samples: { at_ms: number; private_mb: number }[] = [];
      const begin_ms = performance.now();
      const watching = (async () => {
        while (!is_over) {
          samples.push({
            at_ms: Math.round(performance.now() - begin_ms),
            private_mb: memoryOf(target).private_mb,
          });
          await Bun.sleep(Math.min(SAMPLE_EVERY_MS, (seconds * 1000) / 20));
        }
      })();
      const [refused, ...answered] = await Promise.all([
        order({ connections: 2, headers: WRONG_AUTHORIZATION, expect_status: 401 }),
        order({ connections: 8 }),
        order({ connections: 2, body_kb: 100 }),
        order({ ...streamed, connections: 40 }),
        order({ ...streamed, connections: 10, leave_after_events: 5 }),
      ]);
      is_over = true;
      await watching;
      const calls = answered.reduce((sum, result) => sum + result.calls, 0);
      const seen = (await stage.provider.counts()).calls;
      const failed = [refused!, ...answered].find((result) => result.errors > 0);
      let fault =
        failed === undefined ? null : `${failed.errors} of ${failed.calls} calls failed: ${failed.fault}`;
      if (seen !== calls) fault ??= `the provider saw ${seen} calls instead of ${calls}`;
      const level = (share: number) =>
        median(
          samples
            .filter(({ at_ms }) => Math.floor((at_ms / (seconds * 1000)) * SHARES) === share)
            .map(({ private_mb }) => private_mb),
        );
      const [early_mb, late_mb] = [level(1), level(SHARES - 1)];
      const values = { early_mb, late_mb, growth_percent: (late_mb / early_mb - 1) * 100 };
      return [caseOf("mixed load", target.name, [{ values, fault, raw: { calls, samples } }])];
    }),
};
