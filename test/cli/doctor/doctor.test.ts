// `venturi doctor`: what is found of a host as the kernel tells it, and what the command makes of it.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { synchronised } from "../../../src/cli/doctor/clock.ts";
import { fileSystem, space, syncSpeed } from "../../../src/cli/doctor/disk.ts";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { checkKernel, cores, kernelVersion, memory, openFiles } from "../../../src/cli/doctor/kernel.ts";
import { venturi } from "../command.ts";

const LOAD = { workers: 1, max_calls: 1_000 };

describe("a host is judged by what the kernel tells", () => {
  test("its version", () => {
    expect(kernelVersion("linux", "4.19.0-1")).toMatchObject({ verdict: "fail" });
    expect(kernelVersion("linux", "5.4.0-200-generic")).toMatchObject({ verdict: "warn" });
    expect(kernelVersion("linux", "6.1.0-28-amd64")).toMatchObject({
      verdict: "ok",
      found: "linux 6.1.0-28-amd64",
    });
    expect(kernelVersion("darwin", "24.0.0")).toMatchObject({ verdict: "note" });
  });

  test("open files, for as many calls as are configured", () => {
    const limits = (soft: string, hard: string) =>
      `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 ${hard}                 files\n`;
    expect(openFiles(limits("1024", "524288"), LOAD)).toMatchObject({ verdict: "ok" });
    expect(openFiles(limits("1024", "unlimited"), LOAD)).toMatchObject({ verdict: "ok" });
    expect(openFiles(limits("1024", "3000"), LOAD)).toMatchObject({
      ...{
        verdict: "warn",
        advice: expect.stringContaining("allow 3024 (listen.max_calls is 1000): LimitNOFILE="),
      },
    });
    expect(openFiles(limits("256", "256"), LOAD)).toMatchObject({ verdict: "fail" });
    expect(openFiles(null, LOAD)).toBeNull();
  });

  test("a container's limits", () => {
    const limited = (max: string) =>
      memory(
        (path) => ({ "/sys/fs/cgroup/memory.max": max, "/sys/fs/cgroup/memory.current": "0" })[path] ?? null,
        LOAD,
      );
    expect(limited("400000000")).toMatchObject({
      ...{ verdict: "warn", found: "400 MB available of a limit of 400 MB" },
      advice: expect.stringContaining("allow 500 MB for 1 gateway process"),
    });
    expect(limited("100000000")).toMatchObject({ verdict: "fail" });
    expect(limited("max").found).not.toContain("limit");
    expect(cores("50000 100000", LOAD)).toMatchObject({
      verdict: "warn",
      found: expect.stringContaining("0.5 may be used"),
    });
    expect(cores("max 100000", LOAD)).toMatchObject({ verdict: "ok" });
    expect(cores(null, { ...LOAD, workers: 10_000 })).toMatchObject({ verdict: "warn" });
  });

  test("settings that a busy server meets", () => {
    const told: Record<string, string> = {
      "/proc/sys/net/core/somaxconn": "128",
      "/proc/sys/net/ipv4/ip_local_port_range": "60000\t61000",
      "/proc/sys/vm/overcommit_memory": "2",
      "/sys/fs/cgroup/pids.max": "20",
    };
    const verdicts = new Map(
      checkKernel(LOAD, (path) => told[path] ?? null).map((one) => [one.what, one.verdict]),
    );
    for (const what of ["waiting connections", "local ports", "overcommit", "threads"])
      expect([what, verdicts.get(what)]).toEqual([what, "warn"]);
  });

  test("its clock, and its disk", () => {
    expect(synchronised({ status: 0x2001, max_error_us: 12_000 })).toMatchObject({
      ...{ verdict: "ok", found: "synchronised, off by 12 ms at most" },
    });
    expect(synchronised({ status: 0x40, max_error_us: 0 })).toMatchObject({ verdict: "warn" });
    expect(synchronised({ status: 0, max_error_us: 2_000_000 })).toMatchObject({ verdict: "warn" });
    expect(fileSystem(0x6969)).toMatchObject({ verdict: "fail", found: "NFS" });
    // Node tells some types as negative numbers.
    expect(fileSystem(0xff534d42 | 0)).toMatchObject({ verdict: "fail", found: "CIFS" });
    expect(fileSystem(0x01021994)).toMatchObject({ verdict: "warn" });
    expect(fileSystem(0xef53)).toMatchObject({ verdict: "ok" });
    expect([space(1e8), space(1e9), space(1e11)].map(({ verdict }) => verdict)).toEqual([
      "fail",
      "warn",
      "ok",
    ]);
    expect([syncSpeed(1), syncSpeed(50), syncSpeed(900)].map(({ verdict }) => verdict)).toEqual([
      "ok",
      "warn",
      "fail",
    ]);
  });
});

describe("the command", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "venturi-doctor-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const findings = (stdout: string) => (JSON.parse(stdout) as { findings: Finding[] }).findings;

  test("tells what is in the way, as JSON, and ends with 1", async () => {
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const secret = `sk-${"a1".repeat(20)}`;
    writeFileSync(
      join(folder, "venturi.yaml"),
      `listen: { port: ${taken.port} }\nproviders: { openai: { kind: openai, api_keys: ["${secret}"] } }\n`,
    );
    mkdirSync(join(folder, "data"));
    chmodSync(join(folder, "data"), 0o755);
    const { code, stdout } = await venturi(folder, "doctor", "--json");
    taken.stop(true);
    expect(code).toBe(1);
    expect(stdout).not.toContain(secret);
    const found = new Map(findings(stdout).map((one) => [one.what, one]));
    expect(found.get("port")).toMatchObject({ verdict: "fail", found: expect.stringContaining("is in use") });
    expect(found.get("data folder")).toMatchObject({ verdict: "warn", advice: "chmod 700 ./data" });
    expect(found.get("configuration file")).toMatchObject({
      verdict: "warn",
      advice: "chmod o-r venturi.yaml",
    });
    for (const { verdict, advice } of findings(stdout)) expect(advice === null).toBe(verdict === "ok");
  });

  test("tells a person, each finding in a line and what to change below it", async () => {
    writeFileSync(join(folder, "venturi.yaml"), "listen: { prot: 1 }\n");
    const { code, stdout } = await venturi(folder, "doctor");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^FAIL {2}configuration {2,}venturi\.yaml:1:11: unknown key "prot".*\n +→ correct it/,
    );
    expect(stdout).toMatch(/\n\d+ ok, \d+ to know, \d+ to mend, \d+ in the way\n$/);
  });
});
