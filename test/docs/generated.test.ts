// What is generated is as its sources are: `npm run generate` makes it so.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configurationReference } from "../../tools/configuration_reference.ts";
import { packageTable } from "../../tools/third_party_notices.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

test("docs/configuration.md tells of every key as it is (npm run generate)", () => {
  const page = configurationReference();
  expect(read("docs/configuration.md")).toBe(page);
  // Every table has rows, and links lead to what is there.
  for (const [, anchor] of page.matchAll(/\]\(#([a-z_]+)\)/g)) expect(page).toContain(`\n## ${anchor}\n`);
  for (const key of [
    "NAME.targets[].weight",
    "input[](denied_words).words",
    "tokens_per_hour",
    "otlp.headers",
  ])
    expect(page).toContain(`| \`${key}\` |`);
});

test("THIRD_PARTY_NOTICES names every package that runs, with its licence (npm run generate)", () => {
  const notices = read("THIRD_PARTY_NOTICES");
  expect(notices).toContain(packageTable());
  for (const source of ["CLINC150", "WordNet", "preact", "zod"]) expect(notices).toContain(source);
  expect(packageTable()).not.toContain("see its text");
});
