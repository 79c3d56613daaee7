import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { openExactCache } from "../../../src/cache/exact/cache.ts";
import { openCacheKeeper } from "../../../src/cache/exact/keeper.ts";
import { bodyOf } from "./checked_body.ts";
import { makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { makeData, openCache, openKeeper } from "./opened.ts";
import { putAndSee, seen } from "./seen.ts";

const answers = (data: string) => join(data, "cache", "answers");
const file = (data: string) => join(answers(data), "data.mdb");

/** A data folder with a thousand answers, that nobody has open. */
async function makeFilled(): Promise<string> {
  const data = makeData();
  const { cache } = openCache(data);
  for (let number = 0; number < 1_000; number++)
    cache.put(makeKey(number), makeEntry({ body: bodyOf(number) }));
  await seen(cache);
  await cache.close();
  return data;
}

function damaged(data: string): string[] {
  return readdirSync(join(data, "cache")).filter((name) => name.startsWith("answers.damaged-"));
}

describe("a damaged store", () => {
  test.each<[string, (data: string) => void]>([
    ["something else", (data) => writeFileSync(file(data), "this is no database".repeat(5_000))],
    ["zeros", (data) => writeFileSync(file(data), Buffer.alloc(1_000_000))],
    ["short", (data) => writeFileSync(file(data), "short")],
    ["cut off", (data) => truncateSync(file(data), readFileSync(file(data)).length / 2)],
    ["cut off behind its heads", (data) => truncateSync(file(data), 8192)],
    [
      "a folder",
      (data) => {
        rmSync(file(data));
        mkdirSync(file(data));
      },
    ],
    [
      "locked by a folder",
      (data) => {
        rmSync(join(answers(data), "lock.mdb"));
        mkdirSync(join(answers(data), "lock.mdb"));
      },
    ],
    [
      "a file where its folder should be",
      (data) => {
        rmSync(answers(data), { recursive: true });
        writeFileSync(answers(data), "file");
      },
    ],
  ])(
    "that is %s is refused by a gateway, and put aside by the keeper, which begins anew",
    async (_what, damage) => {
      const data = await makeFilled();
      damage(data);
      const told = {
        fault: expect.stringContaining(`answers cannot be kept: ${answers(data)} is damaged (`),
      };
      expect(openExactCache(data, { max_bytes: SIZE_BYTES, onFault: () => {} })).toEqual(told);
      expect(damaged(data)).toEqual([]);
      const { keeper, lines } = openKeeper(data);
      expect(lines).toEqual([
        expect.stringMatching(
          /^the kept answers are damaged \(.+\); they are put aside as answers\.damaged-/,
        ),
      ]);
      expect(damaged(data)).toHaveLength(1);
      expect(keeper.cache.stats()).toMatchObject({ entries: 0, faults: 0 });
      const { cache } = openCache(data);
      await putAndSee(cache, makeKey(1), makeEntry());
      expect(cache.get(makeKey(1), NOW_MS)).not.toBeNull();
    },
  );

  test("leaves two folders behind at most", async () => {
    const data = makeData();
    for (let round = 0; round < 5; round++) {
      mkdirSync(answers(data), { recursive: true });
      writeFileSync(file(data), `wrong ${round}`);
      const { keeper } = openKeeper(data);
      await keeper.close();
      rmSync(answers(data), { recursive: true });
    }
    expect(damaged(data)).toHaveLength(2);
    const contents = damaged(data).map((name) => readFileSync(join(data, "cache", name, "data.mdb"), "utf8"));
    expect(contents.toSorted()).toEqual(["wrong 3", "wrong 4"]);
  });

  test("begins empty and usable where its lock file is garbage, or is gone", async () => {
    const data = await makeFilled();
    writeFileSync(join(answers(data), "lock.mdb"), Buffer.alloc(36_864, 0xa5));
    const { cache } = openCache(data);
    expect(cache.get(makeKey(1), NOW_MS)).not.toBeNull();
    await cache.close();
    rmSync(join(answers(data), "lock.mdb"));
    expect(openCache(data).cache.get(makeKey(1), NOW_MS)).not.toBeNull();
  });

  test("with random bytes in its file ends no process and gives nothing that is wrong", {
    timeout: 120_000,
  }, async () => {
    const data = await makeFilled();
    const script = resolve(import.meta.dirname, "damaged_process.ts");
    const child = Bun.spawn([process.execPath, script, data, "11", "60"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = (await new Response(child.stdout).text()).trim().split("\n");
    expect({ code: await child.exited, last: said.at(-1) }).toEqual({
      code: 0,
      last: expect.stringContaining("{"),
    });
    const { repaired, read, wrong } = JSON.parse(said.at(-1)!);
    expect(wrong).toBe(0);
    // Some damages lie in free pages or in bodies, others do not.
    expect(repaired).toBeGreaterThan(10);
    expect(read).toBeGreaterThan(5_000);
  });

  test("does not give an answer whose bytes changed, or that lies under another key", async () => {
    const data = makeData();
    const { cache } = openCache(data);
    await putAndSee(
      cache,
      makeKey(1, { tenant: "shop-1" }),
      makeEntry({ body: Buffer.from("the secret answer") }),
    );
    await putAndSee(cache, makeKey(2), makeEntry({ body: Buffer.from("an answer of 0 euros") }));
    await cache.close();
    const bytes = readFileSync(file(data));
    for (const [from, to] of [
      ["shop-1", "shop-2"],
      ["of 0 euros", "of 9 euros"],
    ] as const) {
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from)) bytes.write(to, at);
    }
    writeFileSync(file(data), bytes);
    const { cache: changed, faults } = openCache(data);
    for (const tenant of ["shop-1", "shop-2"]) expect(changed.get(makeKey(1, { tenant }), NOW_MS)).toBeNull();
    expect(changed.get(makeKey(2), NOW_MS)).toBeNull();
    expect(faults).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)(
    "that may not be read is said to be so, and is left as it is",
    async () => {
      const data = await makeFilled();
      chmodSync(answers(data), 0o000);
      try {
        for (const opened of [
          openExactCache(data, { max_bytes: SIZE_BYTES, onFault: () => {} }),
          openCacheKeeper(data, { max_bytes: SIZE_BYTES, log: () => {} }),
        ]) {
          expect(opened).toEqual({ fault: expect.stringContaining("cannot be opened") });
        }
      } finally {
        chmodSync(answers(data), 0o700);
      }
      expect(damaged(data)).toEqual([]);
      expect(existsSync(file(data))).toBe(true);
    },
  );
});
