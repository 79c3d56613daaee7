// `venturi backup` and `venturi restore`: taken from a gateway under load, put into another folder, and all of it adds up there. What is
// damaged, newer or in the way is told, and changes nothing.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Manifest, readManifest } from "../../../src/cli/backup/manifest.ts";
import { STORES } from "../../../src/cli/backup/stores.ts";
import { verifyBackup } from "../../../src/cli/backup/verify.ts";
import { chat, Venturi } from "../../chaos/harness.ts";
import { type Ran, venturi as run } from "../command.ts";

const CONFIG = `
telemetry: { content: { store: on } }
models: { m: { targets: [sim/echo], price: { input_per_mtok: 1000, output_per_mtok: 1000 } } }
keys: [{ name: shop, key: key-shop, limits: { usd_per_month: 1000, tokens_per_day: 1000000 } }]
`;

let folder = "";
let venturi: Venturi | null = null;
const data = () => join(venturi!.folder, "data");
const taken = () => join(folder, "taken");

const runCli = (args: readonly string[]): Promise<Ran> => run(folder, ...args);

async function call(): Promise<number> {
  const answer = await fetch(`${venturi!.url}/v1/chat/completions`, {
    ...{ method: "POST", headers: { authorization: "Bearer key-shop" }, body: chat("m") },
  });
  await answer.text();
  return answer.status;
}

/** Calls and their cost, as a data folder's ledger adds them up. */
async function usageIn(where: string): Promise<{ calls: number; cost_usd: number }> {
  const { stdout } = await runCli(["usage", "--by", "key", "--format", "json", "--data", where]);
  const rows = JSON.parse(stdout) as { calls: number; cost_usd: number }[];
  return { calls: rows[0]?.calls ?? 0, cost_usd: rows[0]?.cost_usd ?? 0 };
}

const manifestOf = (where: string) =>
  JSON.parse(readFileSync(join(where, "manifest.json"), "utf8")) as Manifest;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "venturi-backup-"));
  venturi = new Venturi({ args: ["--workers", "1"], config: CONFIG });
  await venturi.ready();
  for (const name of ["one", "two"]) await runCli(["keys", "create", "--name", name, "--data", data()]);
  for (let number = 0; number < 20; number++) expect(await call()).toBe(200);

  // Calls go on while it is taken.
  let is_over = false;
  let answered = 20;
  const press = async () => {
    for (; !is_over; answered++) expect(await call()).toBe(200);
  };
  const pressing = Promise.all([press(), press(), press()]);
  const { code, stdout, stderr } = await runCli(["backup", taken(), "--data", data()]);
  is_over = true;
  await pressing;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(
    /^.*taken: \d.* MB of .* calls \(keys, audit, ledger, content, counters, privacy key\)\n$/,
  );
  const { calls } = manifestOf(taken()).ledger!;
  expect(calls).toBeGreaterThanOrEqual(20);
  expect(calls).toBeLessThanOrEqual(answered);
});

afterAll(async () => {
  await venturi?.end();
  rmSync(folder, { recursive: true, force: true });
});

describe("a backup", () => {
  test("is for its owner alone, and says what is in it", () => {
    expect(statSync(taken()).mode & 0o777).toBe(0o700);
    const files = readdirSync(taken(), { recursive: true, encoding: "utf8" }).filter((name) =>
      statSync(join(taken(), name)).isFile(),
    );
    for (const name of files) expect(statSync(join(taken(), name)).mode & 0o777).toBe(0o600);
    expect(manifestOf(taken()).files.map(({ path }) => path)).toEqual(
      files.filter((name) => name !== "manifest.json").sort(),
    );
  });

  test("has every part of the data folder that is not made anew", () => {
    const made_anew = new Set([
      ...["state", "cache", "installed-prices.json", "dashboard-sessions.json", "host"],
      ...["admin.sock", "inference.sock", "venturi.pid"],
    ]);
    const kept = new Set(STORES.map(({ path }) => path.split("/")[0]!));
    // Whatever is new in the data folder has to be one or the other; what SQLite has beside its files goes into their copies.
    const names = readdirSync(data()).filter((name) => !/\.sqlite-(wal|shm)$/.test(name));
    expect(names.filter((name) => !kept.has(name) && !made_anew.has(name))).toEqual([]);
  });

  test("restored elsewhere has the rows of its time, the keys, the audit log, and what budgets have counted", async () => {
    const restored = join(folder, "restored");
    expect(await runCli(["restore", taken(), "--data", restored])).toMatchObject({ code: 0, stderr: "" });
    const ledger = manifestOf(taken()).ledger!;
    expect(await usageIn(restored)).toEqual({
      calls: ledger.calls,
      cost_usd: Number(ledger.cost_nano_usd) / 1e9,
    });
    const { stdout } = await runCli(["audit", "verify", "--data", restored]);
    expect(stdout).toContain("intact: 2 entries");

    const second = new Venturi({
      command: ["serve", "--port", "0", "--data", restored, "--workers", "1"],
      config: CONFIG,
    });
    try {
      await second.ready();
      const limits = await runCli(["keys", "list", "--format", "json", "--data", restored]);
      expect(JSON.parse(limits.stdout).map(({ name }: { name: string }) => name)).toEqual(["one", "two"]);
      const answer = await fetch(`${second.url}/v1/chat/completions`, {
        ...{ method: "POST", headers: { authorization: "Bearer key-shop" }, body: chat("m") },
      });
      const left = Number(answer.headers.get("x-ratelimit-remaining-tokens"));
      // What was counted before is counted still.
      expect(1_000_000 - left).toBeGreaterThan(ledger.calls * 4);
    } finally {
      await second.end();
    }
  });

  test("is intact, until a byte of it is not", async () => {
    expect(await runCli(["backup", "--verify", taken()])).toMatchObject({
      ...{ code: 0, stdout: expect.stringMatching(/taken: intact; /) },
    });
    const damaged = join(folder, "damaged");
    for (const { path } of manifestOf(taken()).files) {
      cpSync(taken(), damaged, { recursive: true });
      const bytes = readFileSync(join(damaged, path));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(join(damaged, path), bytes);
      const manifest = (await readManifest(damaged)) as Manifest;
      expect(await verifyBackup(damaged, manifest)).toEqual([`${path} is not what was written`]);
    }
    const told = await runCli(["restore", damaged, "--data", join(folder, "never")]);
    expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing was restored") });
    rmSync(damaged, { recursive: true });
    expect(existsSync(join(folder, "never"))).toBe(false);
  });

  test("with less than all of its files, or of a newer version, is refused", async () => {
    const damaged = join(folder, "damaged");
    cpSync(taken(), damaged, { recursive: true });
    rmSync(join(damaged, "privacy.key"));
    const missing = await runCli(["backup", "--verify", damaged]);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("privacy.key is missing") });
    writeFileSync(join(damaged, "manifest.json"), JSON.stringify({ format: 2, all: "different" }));
    const newer = await runCli(["restore", damaged, "--data", join(folder, "never")]);
    expect(newer.stderr).toMatch(
      /was written by a newer version of Venturi \(its format is 2, this program knows 1\)/,
    );
    writeFileSync(join(damaged, "manifest.json"), "{");
    expect((await runCli(["backup", "--verify", damaged])).stderr).toContain("it is not JSON");
    const elsewhere = { ...manifestOf(taken()), files: [{ path: "../out", bytes: 0, sha256: "" }] };
    writeFileSync(join(damaged, "manifest.json"), JSON.stringify(elsewhere));
    expect((await runCli(["restore", damaged, "--data", join(folder, "never")])).stderr).toContain(
      "outside of it",
    );
    expect((await runCli(["backup", "--verify", folder])).stderr).toContain("is no backup");
    rmSync(damaged, { recursive: true });
  });
});

describe("a data folder", () => {
  afterEach(() => rmSync(join(folder, "used"), { recursive: true, force: true }));

  test("that a gateway uses is not restored into", async () => {
    const told = await runCli(["restore", taken(), "--data", data(), "--replace"]);
    expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining("a gateway runs on") });
  });

  test("that is not empty is replaced only when it is said, and then moved aside", async () => {
    const used = join(folder, "used");
    mkdirSync(used);
    writeFileSync(join(used, "mine"), "kept");
    const refused = await runCli(["restore", taken(), "--data", used]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty") });
    expect(readdirSync(used)).toEqual(["mine"]);
    expect(await runCli(["restore", taken(), "--data", used, "--replace"])).toMatchObject({
      code: 0,
      stderr: "",
    });
    const aside = readdirSync(used).find((name) => name.startsWith("before-restore-"));
    expect(readFileSync(join(used, aside!, "mine"), "utf8")).toBe("kept");
    expect(readdirSync(used)).toContain("ledger.sqlite");
  });

  test("is not written over by a backup, and nothing is left of one that fails", async () => {
    expect((await runCli(["backup", taken(), "--data", data()])).stderr).toContain("is there already");
    const inside = await runCli(["backup", join(data(), "inside"), "--data", data()]);
    expect(inside.stderr).toContain("is in the data folder");
    const used = join(folder, "used");
    mkdirSync(join(used, "keys"), { recursive: true });
    const wrong = await runCli(["backup", join(folder, "failed"), "--data", used]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("is it the data folder?") });
    writeFileSync(join(used, "keys", "data.mdb"), "no environment".repeat(1000));
    const told = await runCli(["backup", join(folder, "failed"), "--data", used]);
    expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining("is damaged") });
    expect(readdirSync(folder).filter((name) => name.startsWith("failed"))).toEqual([]);
  });
});
