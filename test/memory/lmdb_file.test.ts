import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lmdb } from "../../src/memory/lmdb.ts";
import { lmdbFileFault } from "../../src/memory/lmdb_file.ts";

let folder: string;
const path = () => join(folder, "data.mdb");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-lmdb-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function makeEnvironment(): Promise<void> {
  if ("fault" in lmdb) throw new Error(lmdb.fault);
  const root = lmdb.open({ path: folder, overlappingSync: false });
  for (let index = 0; index < 50; index++) root.putSync(`key ${index}`, "x".repeat(1_000));
  await root.close();
}

describe("the file of an LMDB environment", () => {
  test("is right as the library left it, and where it is not there yet, or empty", async () => {
    expect(lmdbFileFault(path())).toBeNull();
    writeFileSync(path(), "");
    expect(lmdbFileFault(path())).toBeNull();
    await makeEnvironment();
    expect(lmdbFileFault(path())).toBeNull();
  });

  test.each([
    ["something else", "this is no database".repeat(500), "it is no LMDB environment"],
    ["too short for a head", "short", "it is no LMDB environment"],
    ["nothing but zeros", Buffer.alloc(8192), "it is no LMDB environment"],
  ])("is known to be wrong when it is %s", (_what, content, fault) => {
    writeFileSync(path(), content);
    expect(lmdbFileFault(path())).toBe(fault);
  });

  test("is known to be wrong when it was cut off", async () => {
    await makeEnvironment();
    truncateSync(path(), 8192);
    expect(lmdbFileFault(path())).toBe("its end is missing");
    truncateSync(path(), 4096);
    expect(lmdbFileFault(path())).toBe("its second head is damaged");
  });
});
