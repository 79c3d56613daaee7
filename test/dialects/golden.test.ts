// The pairs of formats in which most can go wrong write what they are known to write.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FOLDER, golden } from "./golden.ts";

const files = golden();

test("there is a file for each, and no other", () => {
  expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(files).sort());
});

test.each(Object.entries(files))(
  "golden/%s is what is written; `bun test/dialects/golden.ts` makes it so",
  (name, text) => {
    expect(text).toBe(readFileSync(new URL(name, FOLDER), "utf8"));
  },
);
