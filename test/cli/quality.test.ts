// `venturi quality` as a user runs it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerRow } from "../ledger/store/rows.ts";
import { LedgerFolder } from "./ledger_commands.ts";

const DAY_MS = 86_400_000;
const folder = new LedgerFolder();
const answers = (model: string, day: number, refused: number) =>
  Array.from({ length: 60 }, (_, index) =>
    ledgerRow({
      ...{ time: Date.now() - day * DAY_MS - 3_600_000, served_model: model },
      judged: { refused: index < refused, cut: index === 0, json: index > 0, tools: null },
    }),
  );

beforeAll(() =>
  folder.write([
    ...[4, 3, 2, 1].flatMap((day) => answers("steady", day, 1)),
    ...[4, 3, 2, 1].flatMap((day) => answers("changed", day, 1)),
    ...answers("steady", 0, 1),
    ...answers("changed", 0, 30),
    ...answers("new", 0, 0),
  ]),
);
afterAll(() => folder.remove());

test("prints a line for each model, and marks what is otherwise than usual", async () => {
  const { code, out, err } = await folder.run(["quality"]);
  expect([code, err]).toEqual([0, ""]);
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toMatch(
    /^How models answered in the 24 hours to 20.* UTC, in brackets in the 28 days before$/,
  );
  expect(lines[2]).toMatch(
    /^model +answers +refused +cut short +invalid JSON +tools failed +length +similarity$/,
  );
  const of = (model: string) => lines.find((line) => line.startsWith(`openai/${model} `));
  expect(of("steady")).toMatch(
    / 60 +1\.7 % \(1\.7 %\) +1\.7 % \(1\.7 %\) +1\.7 % \(1\.7 %\) +– +20 tokens \(20 tokens\) +–$/,
  );
  expect(of("changed")).toContain("50.0 % (1.7 %) !");
  expect(of("new")).toContain("0.0 % (–)");
  expect(lines.at(-1)).toContain("! is otherwise than usual");
});

test("prints JSON, of all or of one", async () => {
  const { code, out } = await folder.run(["quality", "--json", "--model", "openai/changed"]);
  expect(code).toBe(0);
  const { models } = JSON.parse(out);
  expect(models).toHaveLength(1);
  expect(models[0]).toMatchObject({ provider: "openai", model: "changed" });
  expect(models[0].measures[0]).toMatchObject({
    ...{ measure: "refusals", now: 0.5, shift: true, count_now: 60, count_usual: 240 },
    usual: expect.closeTo(1 / 60),
  });
  expect(models[0].days).toHaveLength(5);
  expect(models[0].days[0]).toMatchObject({ answers: 60, judged: 60, refusals: 0.5, similarity: null });
});

test("says what is wrong", async () => {
  expect(await folder.run(["quality", "--days", "3"])).toMatchObject({ code: 2 });
  expect((await folder.run(["quality", "--help"])).out).toContain("usage: venturi quality");
  const missing = await folder.run(["quality", "--data", "nowhere"]);
  expect(missing.code).toBe(1);
  expect(missing.err).toContain("venturi quality: ");
});
