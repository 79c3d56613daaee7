import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lmdb } from "../../src/memory/lmdb.ts";
import { lmdbTreeFault } from "../../src/memory/lmdb_tree.ts";
import { temporaryFolder } from "./folder.ts";
import { randomIntegers } from "./random.ts";

/** Values of all lengths are put and removed, as many times as `rounds` says, from a seed. */
async function churn(folder: string, seed: number, rounds: number): Promise<void> {
  if ("fault" in lmdb) throw new Error(lmdb.fault);
  const random = randomIntegers(seed);
  const root = lmdb.open({ path: folder, overlappingSync: false, noSync: true, mapSize: 2 ** 30 });
  const databases = ["one", "two", "empty"].map((name) =>
    root.openDB<Buffer, Uint8Array>(name, {
      encoding: "binary",
      keyEncoding: "binary",
      useVersions: name === "two",
    }),
  );
  for (let round = 0; round < rounds; round++) {
    root.transactionSync(() => {
      for (let change = 0; change < 200; change++) {
        const database = databases[random(2)]!;
        const key = Buffer.from(`key ${random(900)}`.repeat(1 + random(20)));
        if (random(3) === 0) database.removeSync(key);
        else database.putSync(key, Buffer.alloc(random(4) === 0 ? random(40_000) : random(900), "v"), round);
      }
    });
  }
  await root.close();
}

describe("the trees of an LMDB environment", () => {
  test.each([1, 2, 3, 4, 5, 6])(
    "are right as the library leaves them, whatever was put and removed (%i)",
    async (seed) => {
      const folder = temporaryFolder();
      for (let round = 0; round < 8; round++) {
        await churn(folder, 10 * seed + round, 12);
        expect(lmdbTreeFault(join(folder, "data.mdb"))).toBeNull();
      }
    },
  );

  test("are right where nothing is in them, and where there is no file yet", async () => {
    const folder = temporaryFolder();
    expect(lmdbTreeFault(join(folder, "data.mdb"))).toBeNull();
    await churn(folder, 1, 0);
    expect(lmdbTreeFault(join(folder, "data.mdb"))).toBeNull();
    writeFileSync(join(folder, "data.mdb"), "");
    expect(lmdbTreeFault(join(folder, "data.mdb"))).toBeNull();
  });

  test("are known to be wrong where the end is missing, or a page is another's", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "data.mdb");
    await churn(folder, 1, 5);
    const right = readFileSync(path);
    truncateSync(path, right.length / 2);
    expect(lmdbTreeFault(path)).not.toBeNull();
    const wrong = Buffer.from(right);
    for (let page = 2; page < right.length / 4096; page++) wrong.copy(wrong, page * 4096, 2 * 4096, 3 * 4096);
    writeFileSync(path, wrong);
    expect(lmdbTreeFault(path)).not.toBeNull();
    writeFileSync(path, right);
    expect(lmdbTreeFault(path)).toBeNull();
  });
});
