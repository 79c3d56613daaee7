// The log of calls: which lines are written, that its file is rotated, and what becomes of lines that nobody takes.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { CallLog, type CallLogSettings } from "../../src/ledger/call_log.ts";
import { type LedgerRow, shownRow } from "../../src/ledger/row.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import { chat, Venturi } from "../chaos/harness.ts";
import { temporaryFolder } from "../memory/folder.ts";
import { ledgerRow } from "./store/rows.ts";

const undone: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of undone.splice(0)) await undo();
});

const linesOf = (...rows: readonly LedgerRow[]) => Buffer.from(rows.map(writeRow).join("\n"));
const parsed = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LedgerRow & { event: string });

function callLog(changes: Partial<CallLogSettings>, takes = true) {
  const folder = temporaryFolder();
  const [written, said]: [string[], string[]] = [[], []];
  const sink = {
    write(lines: string) {
      if (takes) written.push(lines);
      return takes;
    },
  };
  const settings: CallLogSettings = {
    ...{ format: "text", level: "info", calls: "on", rotate_mb: 1, keep_files: 2 },
    ...changes,
  };
  const log = new CallLog(settings, { folder, sink, log: (line) => said.push(line) });
  undone.push(() => log.close());
  return { log, folder, written, said, settings };
}

describe("the log of calls", () => {
  test("has a line of JSON for each call, as it is shown elsewhere", () => {
    const { log, written } = callLog({});
    const rows = [ledgerRow(), ledgerRow({ user: "line\nend" })];
    log.add(linesOf(...rows));
    expect(parsed(written.join(""))).toEqual(rows.map((row) => ({ event: "call", ...shownRow(row) })));
  });

  test("has those that failed alone, where that is wanted, or none", () => {
    const { log, written, settings } = callLog({ calls: "errors" });
    const failed = ledgerRow({ status: 503, error: "unavailable" });
    const cut = ledgerRow({ error: "client_closed" });
    log.add(linesOf(ledgerRow(), failed, cut));
    expect(parsed(written.join("")).map(({ id }) => id)).toEqual([failed.id, cut.id]);
    log.configure({ ...settings, calls: "off" });
    log.add(linesOf(failed));
    expect(written).toHaveLength(1);
  });

  test("goes to a file that is rotated, of which only so many are kept", () => {
    const { log, folder } = callLog({ file: "log/calls.ndjson" });
    const rows = Array.from({ length: 500 }, () => ledgerRow());
    for (let batch = 0; batch < 16; batch++) log.add(linesOf(...rows));
    const names = readdirSync(join(folder, "log")).sort();
    expect(names).toHaveLength(3);
    expect(names[0]).toBe("calls.ndjson");
    for (const name of names) {
      const lines = parsed(readFileSync(join(folder, "log", name), "utf8"));
      expect(lines.length).toBeGreaterThan(0);
    }
  });

  test("goes to another file from now on", () => {
    const { log, folder, settings } = callLog({ file: "one" });
    log.add(linesOf(ledgerRow({ key: "a" })));
    log.configure({ ...settings, file: "two" });
    log.add(linesOf(ledgerRow({ key: "b" })));
    expect(["one", "two"].map((name) => parsed(readFileSync(join(folder, name), "utf8"))[0]!.key)).toEqual([
      ...["a", "b"],
    ]);
  });

  test("tells once of lines that nobody takes, and of a file that cannot be written", () => {
    const unread = callLog({}, false);
    unread.log.add(linesOf(ledgerRow(), ledgerRow()));
    unread.log.add(linesOf(ledgerRow()));
    expect(unread.said).toEqual(["2 lines of the log of calls were left out: nobody reads them"]);
    const broken = callLog({ file: "folder" });
    mkdirSync(join(broken.folder, "folder"));
    broken.log.add(linesOf(ledgerRow()));
    expect(broken.said).toEqual([expect.stringContaining("1 lines of the log of calls were left out: ")]);
  });
});

test("a gateway that runs writes its calls, without what privacy keeps of them", async () => {
  const gateway = await new Venturi({
    config: `log: { calls: on, file: calls.ndjson }
models: { quiet: { targets: [sim/echo], privacy: { mode: redact, entities: [EMAIL] } } }
`,
  }).ready();
  undone.push(() => gateway.end());
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "x-venturi-user": "ada@example.com", "x-venturi-feature": "search" },
    body: chat("quiet", "write to ada@example.com"),
  });
  expect(answer.status).toBe(200);
  gateway.kill("SIGTERM");
  await gateway.exited;
  const text = readFileSync(join(gateway.folder, "data", "calls.ndjson"), "utf8");
  expect(parsed(text)).toMatchObject([{ event: "call", model: "quiet", feature: "search", status: 200 }]);
  expect(text).not.toContain("ada@example.com");
});
