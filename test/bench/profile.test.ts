// Samples of `perf script` and where they are counted.

import { expect, test } from "vitest";
import { attribute } from "../../bench/profile.ts";

const CODES = [
  { start: 0x1000, end: 0x1100, name: "JSC-FTL: answerCall#abc" },
  { start: 0x1100, end: 0x1200, name: "JSC-Thunk: CallTrampoline" },
  { start: 0x1200, end: 0x1300, name: "JSC-DFG: #use#def" },
];

test("a sample counts under the innermost function of ours, and where it was taken", () => {
  const script = [
    // In our code.
    "\t    1010 (/tmp/perf-1.map)\n\t    9000 (/usr/bin/bun)",
    // In the runtime, called through a thunk from our code.
    "\t    9000 (/usr/bin/bun)\n\t    1110 (/tmp/perf-1.map)\n\t    1010 (/tmp/perf-1.map)",
    "\t    9000 (/usr/bin/bun)\n\t    1210 (/tmp/perf-1.map)",
    // Nobody of ours is to be seen.
    "\t    9000 (/usr/bin/bun)",
    "ffffffff81000000 ([kernel.kallsyms])\n\t    1010 (/tmp/perf-1.map)",
    "",
  ].join("\n\n");
  expect(Object.fromEntries(attribute(script, CODES))).toEqual({
    "answerCall: our code": 1,
    "answerCall: the runtime": 1,
    "#use: the runtime": 1,
    "the runtime by itself": 1,
    kernel: 1,
  });
});
