// What the generated files tell: every key of the configuration, links that lead somewhere, every licence. That they are as their
// sources are is a rule of the house (test/tidy.test.ts).

import { expect, test } from "vitest";
import { configurationReference } from "../../tools/configuration_reference.ts";
import { packageTable, thirdPartyNotices } from "../../tools/third_party_notices.ts";

test("the reference of the configuration tells of every key, and its links lead to what is there", () => {
  const page = configurationReference();
  const links = [...page.matchAll(/\]\(#([a-z_-]+)\)/g)].map((found) => found[1]);
  expect(links.length).toBeGreaterThan(5);
  for (const anchor of links) expect(page).toContain(`\n## ${anchor}\n`);
  for (const key of [
    ...["NAME.targets[].weight", "input[](denied_words).words", "tokens_per_hour", "otlp.headers"],
    ...["websocket.max_message_bytes", "NAME.cache.semantic.threshold", "[].when.tags"],
  ])
    expect(page).toContain(`| \`${key}\` |`);
  // A table without rows would tell nothing.
  expect(page).not.toMatch(/\| --- \| --- \| --- \| --- \|\n\n/);
});

test("the notices name every package that runs with its licence, and where the models' data come from", () => {
  const notices = thirdPartyNotices();
  expect(notices).toContain(packageTable());
  for (const source of ["CLINC150", "WordNet", "models.dev", "preact", "zod"])
    expect(notices).toContain(source);
  expect(packageTable()).not.toContain("see its text");
});
