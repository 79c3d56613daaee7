// `venturi experiments` as a user runs it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { ledgerRow } from "../ledger/store/rows.ts";
import { LedgerFolder } from "./ledger_commands.ts";

const folder = new LedgerFolder();
const time = Date.now() - 60_000;
const arm = (model: string, index: number) =>
  ledgerRow({
    ...{ time, cache: "bypass", routing: { route: "ab", model, split: true }, cost_nano_usd: 2_000_000 },
    ...{ timings_us: { total: 1_000 * (index + 1) }, error: index === 0 ? "upstream_error" : null },
  });
const own = ledgerRow({ time, model: "chat" });
const shadow = ledgerRow({
  time,
  model: "candidate",
  shadow: { of: own.id, agreement: 0.5, of_refused: null },
});

beforeAll(() =>
  folder.write([
    ...Array.from({ length: 100 }, (_, index) => arm("cheap", index)),
    ...Array.from({ length: 3 }, (_, index) => arm("dear", index)),
    ...[own, shadow],
  ]),
);
afterAll(() => folder.remove());

test("prints a table for each, with the bounds of what is known", async () => {
  const { code, out, err } = await folder.run(["experiments"]);
  expect([code, err]).toEqual([0, ""]);
  const lines = out.trimEnd().split("\n");
  expect(lines[2]).toBe("split ab");
  expect(lines[3]).toMatch(/^arm +calls +errors +refused +cut +p50 ms +p95 ms +output +cost a call$/);
  expect(lines[5]).toMatch(
    /^cheap +100 +1\.0 % \(0\.2 % to 5\.4 %\) +0\.0 % \(0\.0 % to 3\.7 %\) .* 51 \(40 to 61\) .* \$0\.00200 \(\$0\.00200 to \$0\.00200\)$/,
  );
  // Of two answers no quantile is known.
  expect(lines[6]).toMatch(/^dear +3 .* – +– /);
  expect(lines[8]).toBe("shadow of chat");
});

test("prints JSON, of one rule where it is named", async () => {
  const { code, out } = await folder.run([
    "experiments",
    "--route",
    "ab",
    "--format",
    "json",
    "--since",
    "1h",
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    data: [
      {
        kind: "split",
        name: "ab",
        arms: [
          { name: "cheap", calls: 100 },
          { name: "dear", calls: 3 },
        ],
      },
    ],
  });
});

test("says what is wrong with its flags", async () => {
  for (const args of [["--since", "soon"], ["--format", "csv"], ["--nothing"]]) {
    const { code, err } = await folder.run(["experiments", ...args]);
    expect(code).toBe(2);
    expect(err).toContain("usage: venturi experiments");
  }
});

test("has nothing to tell where no test was", async () => {
  const { code, out } = await folder.run(["experiments", "--until", "1h"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^No calls of tests or shadows from /);
});
