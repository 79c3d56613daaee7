// The functions over bytes, as a part of the suite: what `micro.ts` measures, in the form of the other results.

import type { Case, Part } from "./part.ts";

/** Each function over each text, at every level of native code and in TypeScript. */
export const bytes: Part = {
  name: "micro",
  about: "Functions over bytes, at every level of native code and in TypeScript; medians of samples.",
  usual: { seconds: 0.1 },
  run: async (sizes, log) => {
    // Loaded when it is run: native code that does not load must not keep the other parts from being measured.
    const { MICRO_PARTS, micro } = await import("./micro.ts");
    const cases: Case[] = [];
    for (const name of MICRO_PARTS) {
      for (const figure of await micro([name], sizes.seconds * 1000, 1, log)) {
        const values = { ns: [figure.ns], gb_per_s: [figure.gb_per_s] };
        const row = `${name}: ${figure.text}`;
        cases.push({ row, target: figure.name, fault: null, values, rounds: [figure] });
      }
    }
    return cases;
  },
};
