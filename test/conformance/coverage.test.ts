// The page of what is carried between formats says what is carried, and nothing that is asked is lost without a word.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ASKED, CLIENTS } from "./coverage/asked.ts";
import { coveragePage, fateOfAsked, fateOfThoughts, PROVIDERS } from "./coverage.ts";

test("docs/providers.md is current; `bun test/conformance/coverage.ts > docs/providers.md` makes it so", () => {
  const shipped = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
  expect(shipped).toBe(coveragePage());
});

describe.each(CLIENTS)("clients of %s", (client) => {
  test("are told of everything that is left out", () => {
    const silent = PROVIDERS.flatMap((provider) => [
      ...ASKED.filter((asked) => fateOfAsked(asked, client, provider) === "silent").map(({ name }) => name),
      ...(fateOfThoughts(client, provider) === "silent" ? [`thoughts to ${provider.format}`] : []),
    ]);
    expect(silent).toEqual([]);
  });

  test("lose nothing at a provider of their own format but what its model does not take", () => {
    const provider = PROVIDERS.find(({ format }) => format === client)!;
    const lost = ASKED.filter(({ bodies }) => bodies[client] !== undefined)
      .filter((asked) => !["carried", "fetched"].includes(fateOfAsked(asked, client, provider)!))
      .map(({ name }) => name);
    const NOT_TAKEN = {
      // OpenAI has its own mark, and thinks by itself.
      chat: ["marks for the prompt cache"],
      responses: [],
      // Claude 4.5 Sonnet has budgets, Gemini 2.5 too.
      messages: ["effort of thinking"],
      gemini: ["effort of thinking"],
    };
    expect(lost).toEqual(NOT_TAKEN[client]);
  });
});
