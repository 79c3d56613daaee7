// `ledger: otlp`: every row arrives at the collector as a log record, at least once, whatever it answers meanwhile.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { parseConfig } from "../../../src/config/load.ts";
import { shownRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { ledgerSettings } from "../../../src/ledger/settings.ts";
import { Writer } from "../../../src/ledger/writer.ts";
import type { LedgerStoreStatus } from "../../../src/memory/host_facts.ts";
import { drawnRow, ledgerRow, randomFrom } from "../store/rows.ts";

/** What the collector is sent, by the protocol's own names (opentelemetry-proto, collector/logs/v1). */
const digits = z.string().regex(/^\d{19}$/);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z.array(z.strictObject({ key: z.string(), value }));
const request = z.strictObject({
  resourceLogs: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeLogs: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          logRecords: z.array(
            z.strictObject({
              ...{ timeUnixNano: digits, observedTimeUnixNano: digits, severityText: z.string() },
              ...{ severityNumber: z.int(), eventName: z.string(), attributes },
              body: z.strictObject({ stringValue: z.string() }),
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
            }),
          ),
        }),
      ),
    }),
  ),
});

let folder: string;
let server: Bun.Server<undefined>;
let answers: { status: number; body?: string }[];
let taken: unknown[];
let posts: number;
let writer: Writer | null;
let status: LedgerStoreStatus | null;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  [answers, taken, posts, writer, status, said] = [[], [], 0, null, null, []];
  server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    async fetch(asked) {
      posts += 1;
      expect(new URL(asked.url).pathname).toBe("/v1/logs");
      expect(asked.headers.get("x-token")).toBe("secret");
      const sent = request.parse(await asked.json());
      const { status: code, body = "{}" } = answers.shift() ?? { status: 200 };
      if (code === 200) {
        const records = sent.resourceLogs.flatMap(({ scopeLogs }) =>
          scopeLogs.flatMap((one) => one.logRecords),
        );
        taken.push(...records.map((record) => JSON.parse(record.body.stringValue)));
      }
      return new Response(body, { status: code, headers: { "content-type": "application/json" } });
    },
  });
});
afterEach(async () => {
  await writer?.close();
  await server.stop(true);
  rmSync(folder, { recursive: true });
});

function open(): Writer {
  const yaml = `ledger: otlp
telemetry: { otlp: { endpoint: "http://127.0.0.1:${server.port}", headers: { x-token: secret }, max_batch: 100 } }`;
  const loaded = parseConfig(Buffer.from(yaml), "test.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const made = Writer.open({
    ...{ folder, settings: ledgerSettings(loaded.config), log: (line: string) => void said.push(line) },
    onStatus: (told) => {
      status = told;
    },
  });
  if (!(made instanceof Writer)) throw new Error(made.fault);
  writer = made;
  return made;
}

test("every row is a log record, in order, as logs show it", async () => {
  const random = randomFrom(5);
  const rows = Array.from({ length: 250 }, (_, index) => ({
    ...drawnRow(random, 1_795_000_000_000 + index),
    id: crypto.randomUUID(),
  }));
  await open().write(rows.map(writeRow));
  expect(await writer!.flush(20_000)).toBe(true);
  expect(taken).toEqual(rows.map((row) => JSON.parse(JSON.stringify(shownRow(row)))));
  expect(posts).toBeGreaterThanOrEqual(3);
});

test("rows wait for a collector that is busy or does not let them in, and what it takes for faulty is left out", async () => {
  answers = [
    { status: 503 },
    { status: 200 },
    { status: 400 },
    { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"1"}}' },
  ];
  const ids = [0, 1, 2, 3].map(() => crypto.randomUUID());
  for (const id of ids.slice(0, 3)) {
    await opened().write([writeRow(ledgerRow({ id }))]);
    expect(await writer!.flush(20_000)).toBe(true);
  }
  // The second was refused for what it is.
  expect((taken as { id: string }[]).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  expect(said.join("\n")).toContain("the collector left out 1 of 1 rows: it answered 400");
  answers = Array.from({ length: 100 }, () => ({ status: 401 }));
  await writer!.write([writeRow(ledgerRow({ id: ids[3]! }))]);
  expect(await writer!.flush(300)).toBe(false);
  await writer!.close();
  writer = null;
  // Whoever comes next sends it.
  answers = [];
  expect(await open().flush(20_000)).toBe(true);
  expect((taken as { id: string }[]).at(-1)!.id).toBe(ids[3]!);
  expect(status).not.toBe(undefined);
  expect(said.join("\n")).not.toContain("secret");
});

/** The writer, opened once. */
function opened(): Writer {
  return writer ?? open();
}
