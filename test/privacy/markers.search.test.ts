// The search for markers can find them: in every way of writing, and in every place that is looked into.

import { Database } from "bun:sqlite";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, describe, expect, test } from "vitest";
import { ENTITIES } from "../../src/config/entities.ts";
import { ALL_MARKERS, leaksIn, markedGateways, SLOW_MS } from "./marked_gateway.ts";
import { formsOf, MARKERS, MarkerSearch } from "./markers.ts";

const { started, end } = markedGateways();
const folder = mkdtempSync(join(tmpdir(), "venturi-markers-"));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await end();
});

const search = new MarkerSearch(ALL_MARKERS);

test("there are two hundred markers of every kind", () => {
  expect(MARKERS.length).toBeGreaterThanOrEqual(200);
  const entities = new Set(MARKERS.map(({ entity }) => entity));
  expect([...ENTITIES, "STAFF_NUMBER", "CASE_NAME"].filter((entity) => !entities.has(entity))).toEqual([]);
});

describe("a marker is found", () => {
  test("in every way of writing, behind anything", () => {
    for (const { value } of ALL_MARKERS) {
      for (const [form, bytes] of formsOf(value)) {
        for (const before of [0, 1, 2, 3]) {
          const text = Buffer.concat([Buffer.alloc(before, 0x41), bytes, Buffer.from("\0 and more")]);
          expect(
            search.in(text).some((found) => found.startsWith(value)),
            `${value} (${form})`,
          ).toBe(true);
        }
      }
      const written = Buffer.from(`x${value}`).toString("base64");
      expect(search.in(Buffer.from(written)).length, `${value} in Base64`).toBeGreaterThan(0);
    }
    expect(search.in(readFileSync(join(import.meta.dirname, "planted.ts")))).toEqual([]);
  });

  test("in files of SQLite, of its log, of LMDB, and in mapped memory", async () => {
    const [one, two, three] = MARKERS.slice(50, 53);
    const sqlite = new Database(join(folder, "planted.sqlite"));
    sqlite.run("PRAGMA journal_mode = WAL");
    sqlite.run("CREATE TABLE planted (text TEXT)");
    sqlite.run("INSERT INTO planted VALUES (?)", [one!.text]);
    const lmdb = open({ path: join(folder, "planted_lmdb") });
    await lmdb.put("text", two!.text);
    const mapped = join(folder, "planted_map");
    writeFileSync(mapped, Buffer.alloc(8_192));
    Bun.mmap(mapped, { shared: true }).set(Buffer.from(three!.text), 5_000);
    const found = (name: string) => search.in(readFileSync(join(folder, name))).length;
    expect([found("planted.sqlite-wal"), found("planted_lmdb/data.mdb"), found("planted_map")]).toEqual([
      1, 1, 1,
    ]);
    sqlite.run("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(found("planted.sqlite")).toBe(1);
    sqlite.close();
    await lmdb.close();
  });

  test("wherever the product leaves it that is not told to take it out", { timeout: SLOW_MS }, async () => {
    const gateway = await started({ mode: "off" });
    const value = "ADA@EXAMPLE.ORG";
    const headers = { "x-request-id": value, "x-venturi-user": value };
    const content = value;
    for (const model of ["chat", "refuses"]) {
      const body = { model, messages: [{ role: "user", content }], metadata: { nothing: content } };
      await gateway.post("/v1/chat/completions", body, { headers });
    }
    gateway.venturi.lines.push(`a line of the log with ${content}`);
    mkdirSync(join(gateway.data, "deeper"));
    writeFileSync(join(gateway.data, "deeper", "file"), content);
    const told = await gateway.told();
    await gateway.hooks.waitFor(() => gateway.hooks.requests.length > 0, SLOW_MS);
    await gateway.venturi.until(() => gateway.contents().size > 0, "content", SLOW_MS);
    const places = [told, gateway.files(), gateway.contents(), gateway.said(), gateway.sent()];
    const leaks = leaksIn(places, search).join("\n");
    for (const place of [
      "content of",
      ...["metrics", "admin calls", "admin usage", "log", "billing events", "request 0 to the provider"],
      ...["/deeper/file", "/ledger.sqlite", "/cache/answers/", "/billing.ndjson", "/state"],
    ]) {
      expect(leaks, place).toMatch(new RegExp(`${place}[^\n]*: [^\n]*${value}`));
    }
  });
});
