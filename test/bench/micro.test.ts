// The benchmark of functions, as small as it can be, so that it does not rot; and its texts, which must be what they say.
// How fast anything is, is not tested: that depends on the machine.

import { expect, test } from "vitest";
import { texts } from "../../bench/micro/texts.ts";
import { MICRO_PARTS, micro } from "../../bench/micro.ts";
import { FORMATS, PROVIDER_FORMATS } from "../../src/dialects/formats.ts";
import { implementations } from "../../src/wire/kernels.ts";

const SSE_TASKS = 4;
const PRIVACY_TASKS = 8;
/** Each is measured alone and beside another process. */
const MEMORY_TASKS = 2 * 8;
/** A call that is answered, and one that is refused. */
const ACCOUNT_TASKS = 3;
/** Targets chosen in five ways, a try, a quantile. */
const HEALTH_TASKS = 7;
/** Requests and texts. */
const RECOGNISER_TASKS = 10 + 15;
const NAME_TASKS = 1;
/** Each format is read; those that clients speak are written too. */
const TRANSLATION_TASKS = Object.keys(FORMATS).length + Object.keys(PROVIDER_FORMATS).length;
/** Seven tables and the classes alone, over prompts of four lengths. */
const POLICY_TASKS = 4 * 8;

test("every text is a JSON object, and no two are alike", () => {
  const all = texts(20);
  for (const { bytes } of all) expect(typeof JSON.parse(Buffer.from(bytes).toString())).toBe("object");
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test("every function is measured at every level, over every text", async () => {
  const lines: string[] = [];
  const figures = await micro(MICRO_PARTS, 1, 20, (line) => lines.push(line));
  const texts_count = texts(20).length;
  expect(figures.length).toBe(
    texts_count * (4 * implementations.length + 1) +
      (SSE_TASKS +
        PRIVACY_TASKS +
        RECOGNISER_TASKS +
        NAME_TASKS +
        MEMORY_TASKS +
        ACCOUNT_TASKS +
        TRANSLATION_TASKS +
        HEALTH_TASKS +
        POLICY_TASKS),
  );
  expect(lines.length).toBe(figures.length + MICRO_PARTS.length);
  for (const { ns, gb_per_s } of figures) {
    expect(ns).toBeGreaterThan(0);
    expect(Number.isFinite(gb_per_s)).toBe(true);
  }
});
