// Plain calls of 1 KB to 1,000 KB over 32 connections in a closed loop: what relaying a call costs, by the size of its body.

import { BODY_SIZES_KB } from "./bodies.ts";
import { measureCalls } from "./calls.ts";
import { type Case, onStage, type Part } from "./part.ts";
import { RELAYS } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** The name of a body size's row. */
export const rowOfSize = (body_kb: number) => `${body_kb.toLocaleString("en")} KB`;

/** CPU per call, calls per second and latencies by body size. */
export const plain: Part = {
  name: "plain",
  about: "Plain calls by the size of the request's body, closed loop; the answer has 0.9 KB.",
  usual: { rounds: 5, seconds: 1.5, connections: 32, warm_seconds: 12 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      const cases: Case[] = [];
      for (const body_kb of BODY_SIZES_KB) {
        cases.push(...(await measureCalls(stage, rowOfSize(body_kb), { body_kb })));
      }
      return cases;
    }),
};
