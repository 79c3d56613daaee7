// Where the ledger and the keys are kept: every way of writing it, and what is wrong with an address, without showing it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { readPostgresAddress } from "../../src/config/postgres_address.ts";
import { maskedConfig } from "../../src/console/masked_config.ts";

const URL = "postgres://venturi:s3cret@db:5433/calls";
const KEY = "{ name: a, key: secret-a }";

function load(yaml: string) {
  const result = parseConfig(Buffer.from(yaml), "test.yaml", { env: { PGURL: URL } });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problems(yaml: string): string[] {
  const result = parseConfig(Buffer.from(yaml), "test.yaml", { env: { PGURL: "postgres://db" } });
  return result.ok ? [] : result.problems.map(({ line, col, message }) => `${line}:${col} ${message}`);
}

describe("stores", () => {
  test("are the data folder where nothing is said", () => {
    const { ledger, keys, key_store } = load("data: d");
    expect([ledger.store, keys, key_store]).toEqual(["sqlite", [], null]);
  });

  test.each([`ledger: "${URL}"`, "ledger: $" + "{PGURL}", `ledger: { store: "${URL}", max_mb: 7 }`])(
    "%s",
    (yaml) => {
      const { ledger } = load(yaml);
      expect(ledger.store).toBe(URL);
      expect([ledger.retention_days, ledger.max_mb]).toEqual([400, yaml.includes("max_mb") ? 7 : 20_000]);
    },
  );

  test.each([
    [`keys: [${KEY}]`, ["a"], null],
    [`keys: "${URL}"`, [], URL],
    [`keys: { store: "${URL}" }`, [], URL],
    [`keys: { store: "${URL}", list: [${KEY}] }`, ["a"], URL],
  ])("%s", (yaml, names, store) => {
    const { keys, key_store } = load(yaml);
    expect(keys.map(({ name }) => name)).toEqual(names);
    expect(key_store).toBe(store);
  });

  test("that are wrong are told by their place, and never shown", () => {
    const found = [
      ...problems('ledger: "mysql://u:hush@db/x"'),
      ...problems('ledger: { store: "postgres://db/x" }'),
      ...problems('ledger: "postgres://u:hush@db/x?sslmode=maybe"'),
      ...problems('ledger: "postgres://u:hush@db/x?sslrootcert=nowhere.pem"'),
      ...problems("ledger: otlp"),
      ...problems('vectors: "postgres://u:hush@db/x"'),
      ...problems('keys: "postgres://u:hush@db/x?schema=No"'),
      ...problems("keys: $" + "{PGURL}"),
      ...problems(`keys: { store: "${URL}", list: [{ name: a, key: k, tier: none }] }`),
      ...problems("keys: [{ name: a }]"),
    ];
    expect(found).toEqual([
      "1:9 ledger must be sqlite, otlp or the URL of a Postgres database",
      "1:18 ledger.store names no user; write it like postgres://user:password@host:5432/database",
      "1:9 ledger has an sslmode that is none of disable, prefer, require, verify-full",
      "1:9 ledger names an sslrootcert that cannot be used: there is no such file; create it, or name another",
      "1:9 ledger is otlp, but telemetry.otlp names no collector; add its endpoint",
      "1:10 vectors needs state: { url: valkey://…, secret: … }, by which hosts share the answers to similar requests",
      "1:7 keys has a schema that is no name of lower-case letters, digits and _",
      expect.stringContaining("1:7 keys names no user"),
      expect.stringContaining('there is no tier "none"'),
      expect.stringContaining('"key" is missing in keys[0]'),
    ]);
    expect(found.join()).not.toContain("hush");
  });

  test("have their certificates found from the file's own folder", () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-"));
    writeFileSync(join(folder, "ca.pem"), "-----BEGIN CERTIFICATE-----\n");
    const yaml = 'ledger: "postgres://u:p@db/x?sslrootcert=ca.pem"';
    const result = parseConfig(Buffer.from(yaml), join(folder, "venturi.yaml"), { env: {} });
    rmSync(folder, { recursive: true });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const address = readPostgresAddress(result.config.ledger.store);
    expect(address).toMatchObject({ ca_file: join(folder, "ca.pem"), sslmode: "verify-full" });
  });

  test("are shown without their passwords", () => {
    const config = load(`ledger: "${URL}"\nkeys: "${URL}"`);
    expect(JSON.stringify(maskedConfig(config))).not.toContain("s3cret");
    expect(JSON.stringify(maskedConfig(config))).toContain("postgres://***@db:5433/calls");
    const address = readPostgresAddress(URL);
    expect("shown" in address && address.shown).toBe("postgres://venturi@db:5433/calls");
  });
});
