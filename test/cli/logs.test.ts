// `venturi logs` as a user runs it: calls a line each, and what comes while one looks.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shownRow } from "../../src/ledger/row.ts";
import { ledgerRow } from "../ledger/store/rows.ts";
import { LedgerFolder } from "./ledger_commands.ts";

const folder = new LedgerFolder();
const now = Date.now();
const rows = Array.from({ length: 120 }, (_, index) =>
  ledgerRow({ id: `call-${index}`, request_id: `request-${index % 60}`, time: now - (120 - index) * 60_000 }),
);
beforeAll(() => folder.write(rows));
afterAll(() => folder.remove());

const parsed = (out: string) =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("venturi logs", () => {
  test("prints the newest calls whole, the oldest first", async () => {
    const { code, out, err } = await folder.run(["logs", "--limit", "3"]);
    expect([code, err]).toEqual([0, ""]);
    expect(parsed(out)).toEqual(rows.slice(-3).map(shownRow));
  });

  test("prints a hundred when no number is given", async () => {
    expect(parsed((await folder.run(["logs"])).out).map(({ id }) => id)).toEqual(
      rows.slice(-100).map(({ id }) => id),
    );
  });

  test("prints every call of a request, or those since a time", async () => {
    const of = async (...args: string[]) =>
      parsed((await folder.run(["logs", ...args])).out).map(({ id }) => id);
    expect(await of("--request", "request-7")).toEqual(["call-7", "call-67"]);
    expect(await of("--request", "call-8")).toEqual(["call-8"]);
    expect(await of("--since", new Date(rows[117]!.time).toISOString())).toEqual([
      "call-117",
      "call-118",
      "call-119",
    ]);
  });

  test("says in words that there is no such call, on the side", async () => {
    expect(await folder.run(["logs", "--request", "nothing"])).toEqual({
      code: 0,
      out: "",
      err: "venturi logs: no such call\n",
    });
  });

  test.each([
    [["--limit", "0"], "--limit must be a whole number from 1 to 100000"],
    [["--format", "table"], '--format must be json, not "table"'],
    [["--since", "then"], "--since must be a time"],
  ])("refuses %j and says why", async (args, why) => {
    const { code, err } = await folder.run(["logs", ...args]);
    expect(code).toBe(2);
    expect(err).toContain(why);
  });

  test("goes on with what comes when it follows, and leaves none out", async () => {
    const child = folder.spawn(["logs", "--follow", "--limit", "1"]);
    const ids: string[] = [];
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      rest += chunk;
      const lines = rest.split("\n");
      rest = lines.pop()!;
      ids.push(...lines.map((line) => JSON.parse(line).id));
      // It looks already: what is written now is new.
      if (ids.length === 1) {
        await folder.write(Array.from({ length: 1500 }, (_, index) => ledgerRow({ id: `new-${index}` })));
      }
      if (ids.length >= 1501) child.kill("SIGTERM");
    }
    await child.exited;
    expect(ids).toEqual(["call-119", ...Array.from({ length: 1500 }, (_, index) => `new-${index}`)]);
  });
});
