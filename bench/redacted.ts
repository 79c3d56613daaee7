// Calls whose requests are looked through for personal data: what that costs, by the size of the body, and what streams wait for it.

import { measureCalls } from "./calls.ts";
import { type Case, onStage, type Part } from "./part.ts";
import { rowOfSize } from "./plain.ts";
import { measurePaced } from "./sse.ts";
import { PRIVATE_MODEL, RELAYS } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Sizes of the bodies. */
const SIZES_KB = [1, 10, 100];

/** CPU per call, calls per second and latencies by body size; the time to the first chunk with privacy off and on. */
export const redacted: Part = {
  name: "redacted",
  about:
    "Plain calls as in plain, to a model of Venturi whose requests are searched by all recognisers; and paced streams, without and with a value to put back.",
  usual: { rounds: 5, seconds: 1.5, connections: 32, streams: 50, chunks: 50 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      const cases: Case[] = [];
      for (const body_kb of SIZES_KB) {
        cases.push(...(await measureCalls(stage, rowOfSize(body_kb), { body_kb }, { model: PRIVATE_MODEL })));
      }
      cases.push(...(await measurePaced(stage, "streams, privacy off")));
      const personal = { model: PRIVATE_MODEL, text: "personal" } as const;
      cases.push(...(await measurePaced(stage, "streams, privacy on", personal)));
      return cases;
    }),
};
