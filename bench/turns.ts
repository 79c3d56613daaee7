// How long a large request keeps everything else in its process waiting while it is looked through for personal data.

import { Mapping } from "../src/privacy/mapping.ts";
import { makeRecogniser, RECOGNISED } from "../src/privacy/recognisers/recognisers.ts";
import { redactInSteps } from "../src/privacy/redact_request.ts";
import { inTurns } from "../src/privacy/steps.ts";
import { chatBody, KB } from "./bodies.ts";
import { caseOf, type Part, type Sample } from "./part.ts";

const MESSAGE_BYTES = 256 * KB;
const PERSONAL =
  "Ada lives at 24 Clarke Avenue, was born on 12.03.1987, pays with 4556 9174 0029 7557 and can be reached at +1 212-555-2368 or ada@example.com. ";

function oneMessage(piece: string): Buffer {
  const content = piece.repeat(Math.ceil(MESSAGE_BYTES / piece.length));
  return Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content }] }));
}

function bodies(): readonly (readonly [row: string, bytes: Buffer])[] {
  return [
    ["agent's chat, 1 MB", chatBody(KB).bytes],
    ["agent's chat, 10 MB", chatBody(10 * KB).bytes],
    ["one message of digits, 256 KB", oneMessage("1 ")],
    ["one message of card numbers, 256 KB", oneMessage("4111 1111 1111 1111 ")],
    ["one message of look-alikes, 256 KB", oneMessage("[EMAIL_1]")],
    ["one message of personal data, 256 KB", oneMessage(PERSONAL)],
  ];
}

/** Redacts a body in turns, while something else asks for its turn again and again. */
async function sample(bytes: Buffer): Promise<Sample> {
  const steps = redactInSteps(bytes, {
    ...{ endpoint: "/chat/completions", mode: "redact", recognise: makeRecogniser() },
    ...{ mapping: new Mapping(), entities: RECOGNISED, secret: new Uint8Array(32) },
  });
  let longest_ms = 0;
  let last_ms = performance.now();
  let is_over = false;
  const look = () => {
    const now_ms = performance.now();
    longest_ms = Math.max(longest_ms, now_ms - last_ms);
    last_ms = now_ms;
    if (!is_over) setImmediate(look);
  };
  setImmediate(look);
  const begin_ms = performance.now();
  const { fault } = await inTurns(steps);
  const whole_ms = performance.now() - begin_ms;
  is_over = true;
  await new Promise(setImmediate);
  return { values: { longest_ms, whole_ms }, fault, raw: { longest_ms, whole_ms } };
}

/** The longest turn, and the time of the whole, by body. */
export const turns: Part = {
  name: "turns",
  about:
    "Large requests that all recognisers search, in turns with the rest of the process: the longest turn, and all of them.",
  usual: { rounds: 5 },
  run: async ({ rounds }, log) => {
    const cases = [];
    for (const [row, bytes] of bodies()) {
      log(row);
      // The first one warms the code up.
      const samples: Sample[] = [];
      for (let round = 0; round <= rounds; round++) samples.push(await sample(bytes));
      cases.push(caseOf(row, "venturi", samples.slice(1)));
    }
    return cases;
  },
};
