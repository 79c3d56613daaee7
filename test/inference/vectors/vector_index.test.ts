import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Place } from "../../../src/inference/vectors/entry.ts";
import {
  type IndexOptions,
  openVectorIndex,
  type VectorIndex,
} from "../../../src/inference/vectors/vector_index.ts";
import { lmdb } from "../../../src/memory/lmdb.ts";
import { randomIntegers } from "../../memory/random.ts";
import { until } from "../../until.ts";
import { clusteredVectors } from "./random_vectors.ts";

const DIMS = 64;
const HOUR_MS = 3_600_000;

let folder: string;
let said: string[];
let open: VectorIndex[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-index-"));
  said = [];
  open = [];
});
afterEach(async () => {
  for (const index of open) await index.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(options: Partial<IndexOptions> = {}): VectorIndex {
  const index = openVectorIndex({ folder, max_entries: 10_000, log: (line) => said.push(line), ...options });
  if (index === null || "fault" in index) throw new Error(index?.fault ?? "another process has it");
  open.push(index);
  return index;
}

async function stop(index: VectorIndex): Promise<void> {
  open.splice(open.indexOf(index), 1);
  await index.close();
}

const placeOf = (name: string): Place => ({ partition: Buffer.from(name), space: "test" });
const next = clusteredVectors(1, DIMS, 20);

interface Extra {
  readonly text?: string;
  readonly model?: string;
  readonly tags?: readonly string[];
  readonly expires_ms?: number;
  readonly now_ms?: number;
}

function add(index: VectorIndex, name: string, id: string, vector: Float32Array, extra: Extra = {}): boolean {
  const { text = `text of ${id}`, model = "m", tags = [], expires_ms = Date.now() + HOUR_MS } = extra;
  const entry = { ...placeOf(name), id: Buffer.from(id), text, model, tags, expires_ms };
  return index.add(entry, vector, extra.now_ms ?? Date.now());
}

function search(index: VectorIndex, name: string, vector: Float32Array, min = 0.99, limit = 64): string[] {
  return index
    .search(placeOf(name), vector, limit, min, Date.now())
    .map(({ id }) => Buffer.from(id).toString());
}

describe("an index", () => {
  test("finds what is like a vector, the most similar first, with all that is known of it", () => {
    const index = start();
    const vector = next();
    const near = vector.map((value, at) => value + (at === 0 ? 0.2 : 0));
    add(index, "p", "near", near, { text: "near it", tags: ["a"] });
    add(index, "p", "same", vector, { text: "the same" });
    add(
      index,
      "p",
      "far",
      vector.map((value) => -value),
    );
    const expires_ms = Date.now() + HOUR_MS;
    add(index, "p", "same", vector, { text: "the same", expires_ms });
    const found = index.search(placeOf("p"), vector, 5, 0.5, Date.now());
    expect(found.map(({ id }) => Buffer.from(id).toString())).toEqual(["same", "near"]);
    expect(found[0]).toMatchObject({ text: "the same", observations: [], expires_ms });
    expect(found[0]!.similarity).toBeGreaterThan(0.999);
    expect(found[1]!.similarity).toBeLessThan(0.999);
    expect(index.search(placeOf("p"), vector, 1, 0.5, Date.now())).toHaveLength(1);
    expect(search(index, "another", vector)).toEqual([]);
    expect(search(index, "p", next().subarray(1))).toEqual([]);
    expect(index.stats()).toMatchObject({ entries: 3, added: 4, no_graphs: null, is_fast: true });
  });

  test.each([
    ["scans", undefined],
    ["graphs", { graph_from: 12, tail_max: 4, scan_max: 1_000 }],
  ])("gives no partition anything of another, whatever is done, by %s", async (_how, given) => {
    const options = { max_entries: 250, ...(given === undefined ? {} : { limits: given }) };
    let graphs = 0;
    const names = ["a", "a\0", "ab", "b", "", "aa", `a${"x".repeat(1_300)}`, "a\xff", "\xff\xff"];
    const random = randomIntegers(77);
    let index = start(options);
    const vectors = Array.from({ length: 12 }, next);
    const owner = new Map<string, string>();
    let found = 0;
    for (let step = 0; step < 4_000; step++) {
      const name = names[random(names.length)]!;
      const vector = vectors[random(vectors.length)]!;
      const id = `id${random(60)}`;
      switch (random(8)) {
        case 0:
        case 1:
        case 2: {
          // The same ids are used in all partitions; the text says whose it is.
          const is_added = add(index, name, id, vector, { text: `${name}|${id}` });
          expect(is_added).toBe(name !== "" && is_added);
          if (is_added) owner.set(`${name}|${id}`, name);
          break;
        }
        case 3:
          index.observe(placeOf(name), Buffer.from(id), [0.9, random(2) === 0]);
          break;
        case 4:
          if (random(20) === 0) await index.remove({ by: "partition", partition: Buffer.from(name) });
          if (random(20) === 0) await index.remove({ by: "id", id: Buffer.from(id) });
          break;
        default:
          for (const candidate of index.search(placeOf(name), vector, 64, 0.1, Date.now())) {
            expect(candidate.text).toBe(`${name}|${Buffer.from(candidate.id).toString()}`);
            expect(owner.get(candidate.text)).toBe(name);
            found += 1;
          }
      }
      if (step % 500 === 499) {
        await stop(index);
        index = start(options);
      }
      if (step % 50 === 0) await index.settled();
      graphs = Math.max(graphs, index.stats().graphs);
    }
    expect(found).toBeGreaterThan(2_000);
    expect(graphs > 2).toBe(given !== undefined);
  });

  test("replaces an entry by one with its id, and lets it inherit verdicts only for the same text", () => {
    const index = start();
    const [first, second] = [next(), next()];
    const observations = () => index.search(placeOf("p"), second, 1, 0.9, Date.now())[0]?.observations;
    add(index, "p", "id", first, { text: "one" });
    expect(index.observe(placeOf("p"), Buffer.from("id"), [0.9, true])).toBe(true);
    add(index, "p", "id", second, { text: "one" });
    expect(search(index, "p", first)).toEqual([]);
    expect(search(index, "p", second)).toEqual(["id"]);
    expect(observations()).toEqual([[0.9, true]]);
    add(index, "p", "id", second, { text: "two" });
    expect(observations()).toEqual([]);
    expect(index.stats().entries).toBe(1);
    expect(index.observe(placeOf("p"), Buffer.from("other"), [0.9, true])).toBe(false);
    expect(index.observe(placeOf("q"), Buffer.from("id"), [0.9, true])).toBe(false);
    for (let verdict = 0; verdict < 100; verdict++) {
      index.observe(placeOf("p"), Buffer.from("id"), [verdict, verdict % 2 === 0]);
    }
    expect(observations()).toHaveLength(64);
    expect(observations()!.at(-1)).toEqual([99, false]);
    expect(observations()![0]).toEqual([36, true]);
  });

  test("does not find what has expired, and forgets it", async () => {
    const index = start();
    const vector = next();
    const now_ms = Date.now();
    add(index, "p", "long", vector);
    add(index, "p", "short", vector, { expires_ms: now_ms - 1, now_ms: now_ms - 1_000 });
    expect(index.stats().entries).toBe(2);
    expect(search(index, "p", vector)).toEqual(["long"]);
    expect(add(index, "p", "over", vector, { expires_ms: now_ms - 1 })).toBe(false);
    await until(() => index.stats().expired === 1);
    expect(index.stats()).toMatchObject({ entries: 1, refused: 1 });
  });

  test("is there again after it was closed, in all that it knew", async () => {
    let index = start();
    const vectors = Array.from({ length: 1_500 }, next);
    for (const [at, vector] of vectors.entries()) {
      add(index, `p${at % 3 === 0 ? 0 : at}`, `id${at}`, vector, { tags: ["t"] });
    }
    index.observe(placeOf("p0"), Buffer.from("id3"), [0.95, false]);
    await index.block(Buffer.from("id6"), Date.now() + HOUR_MS);
    await stop(index);
    index = start();
    expect(index.stats()).toMatchObject({ entries: 1_499, partitions_loaded: 0 });
    expect(search(index, "p1", vectors[1]!)).toContain("id1");
    expect(index.search(placeOf("p0"), vectors[3]!, 1, 0.99, Date.now())[0]!.observations).toEqual([
      [0.95, false],
    ]);
    expect(search(index, "p0", vectors[6]!)).not.toContain("id6");
    expect(add(index, "p0", "id6", vectors[6]!)).toBe(false);
    expect(search(index, "p0", vectors[1_497]!)).toContain("id1497");
    expect(said).toEqual([]);
  });

  test("lets an id that is blocked not be added until its time is over, in any partition", async () => {
    const index = start();
    const vector = next();
    for (const name of ["p", "q"]) add(index, name, "bad", vector);
    add(index, "p", "bad2", vector);
    expect(await index.block(Buffer.from("bad"), Date.now() + HOUR_MS)).toBe(true);
    expect(search(index, "p", vector)).toEqual(["bad2"]);
    expect(search(index, "q", vector)).toEqual([]);
    expect(add(index, "p", "bad", vector)).toBe(false);
    expect(
      add(index, "p", "bad", vector, { now_ms: Date.now() + 2 * HOUR_MS, expires_ms: Date.now() * 2 }),
    ).toBe(true);
    expect(await index.block(new Uint8Array(), 5)).toBe(false);
  });

  test("removes by id, partition, prefix, model and tag, whether loaded or not", async () => {
    let index = start();
    const vectors = Array.from({ length: 60 }, next);
    for (const [at, vector] of vectors.entries()) {
      const extra = { model: `m${at % 2}`, tags: at % 5 === 0 ? ["five", "other"] : [] };
      add(index, `tenant${at % 3}/${at % 4}`, `id${at}`, vector, extra);
    }
    const left = new Set(vectors.keys());
    const drop = (isGone: (at: number) => boolean) => {
      const gone = [...left].filter(isGone);
      for (const at of gone) left.delete(at);
      return gone.length;
    };
    const check = () => {
      for (const [at, vector] of vectors.entries()) {
        const found = search(index, `tenant${at % 3}/${at % 4}`, vector, 0.999);
        expect(found.includes(`id${at}`), `entry ${at}`).toBe(left.has(at));
      }
      expect(index.stats().entries).toBe(left.size);
    };
    expect(await index.remove({ by: "id", id: Buffer.from("id7") })).toBe(drop((at) => at === 7));
    expect(await index.remove({ by: "id", id: Buffer.from("id") })).toBe(0);
    check();
    expect(await index.remove({ by: "tag", tag: "five" })).toBe(drop((at) => at % 5 === 0));
    check();
    await stop(index);
    index = start();
    const partition = Buffer.from("tenant1/2");
    expect(await index.remove({ by: "partition", partition })).toBe(
      drop((at) => at % 3 === 1 && at % 4 === 2),
    );
    expect(await index.remove({ by: "partition", partition: Buffer.from("tenant1/") })).toBe(0);
    check();
    expect(await index.remove({ by: "prefix", prefix: Buffer.from("tenant2") })).toBe(
      drop((at) => at % 3 === 2),
    );
    check();
    expect(await index.remove({ by: "model", model: "m1" })).toBe(drop((at) => at % 2 === 1));
    check();
    expect(await index.remove({ by: "prefix", prefix: new Uint8Array() })).toBe(drop(() => true));
    check();
    await stop(index);
    index = start();
    check();
    // What has no entries is forgotten.
    await index.settled();
    expect(add(index, "tenant0/0", "id0", vectors[0]!)).toBe(true);
    expect(search(index, "tenant0/0", vectors[0]!)).toEqual(["id0"]);
  });

  test("stays within its limit: the oldest go, but not those that were found", async () => {
    const index = start({ max_entries: 1_000 });
    const vectors = Array.from({ length: 3_000 }, next);
    for (const [at, vector] of vectors.entries()) {
      add(index, `p${at % 7}`, `id${at}`, vector);
      if (at % 100 === 0) expect(search(index, "p0", vectors[0]!)).toContain("id0");
      if (at % 50 === 0) await index.settled();
      expect(index.stats().entries).toBeLessThanOrEqual(1_100);
    }
    await index.settled();
    expect(index.stats().entries).toBeLessThanOrEqual(1_000);
    expect(index.stats().entries).toBeGreaterThan(950);
    expect(index.stats().evicted).toBeGreaterThan(1_900);
    expect(search(index, "p1", vectors[1]!)).not.toContain("id1");
    expect(search(index, `p${2_999 % 7}`, vectors[2_999]!)).toContain("id2999");
    index.limit(100);
    await index.settled();
    expect(index.stats().entries).toBeLessThanOrEqual(100);
  });

  test("takes nothing that is out of bounds", () => {
    const index = start();
    const vector = next();
    expect(add(index, "", "id", vector)).toBe(false);
    expect(add(index, "p", "", vector)).toBe(false);
    expect(add(index, "p".repeat(1_401), "id", vector)).toBe(false);
    expect(add(index, "p", "i".repeat(1_401), vector)).toBe(false);
    expect(add(index, "p", "id", vector, { text: "x".repeat(8_193) })).toBe(false);
    expect(add(index, "p", "id", new Float32Array(DIMS))).toBe(false);
    expect(add(index, "p", "id", new Float32Array(DIMS).fill(Number.NaN))).toBe(false);
    expect(add(index, "p", "id", new Float32Array(4_097).fill(1))).toBe(false);
    expect(add(index, "p".repeat(1_400), "i".repeat(1_400), vector)).toBe(true);
    expect(search(index, "p".repeat(1_400), vector)).toEqual(["i".repeat(1_400)]);
    expect(index.stats()).toMatchObject({ entries: 1, refused: 8 });
  });

  test("forgets a partition whose vectors have become others", async () => {
    const index = start();
    const vector = next();
    add(index, "p", "old", vector);
    const wider = clusteredVectors(2, 2 * DIMS, 3)();
    expect(search(index, "p", wider)).toEqual([]);
    expect(add(index, "p", "new", wider)).toBe(true);
    expect(search(index, "p", wider)).toEqual(["new"]);
    expect(search(index, "p", vector)).toEqual([]);
    await index.settled();
    expect(index.stats().entries).toBe(1);
  });

  test("belongs to one process: another that has it is waited for", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dirname, "holding_child.ts"), folder], {
      stdout: "pipe",
    });
    const reader = child.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("holding\n");
    expect(openVectorIndex({ folder, max_entries: 10, log: () => {} })).toBeNull();
    child.kill("SIGKILL");
    await child.exited;
    expect(search(start(), "held", new Float32Array(4).fill(1))).toEqual(["held"]);
  });
});

describe("damage", () => {
  const vector = next();

  async function fill(): Promise<string> {
    const index = start();
    for (let at = 0; at < 200; at++) add(index, "p", `id${at}`, at === 0 ? vector : next());
    await stop(index);
    return join(folder, "store", "data.mdb");
  }

  test.each([
    ["is something else", (path: string) => writeFileSync(path, "no database".repeat(5_000))],
    ["was cut off", (path: string) => truncateSync(path, 8_192)],
  ])("of the file that %s makes the index begin anew, and is told of", async (_what, damage) => {
    damage(await fill());
    const index = start();
    expect(search(index, "p", vector)).toEqual([]);
    expect(index.stats().entries).toBe(0);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("begins empty");
    expect(existsSync(join(folder, "store.damaged"))).toBe(true);
    expect(add(index, "p", "new", vector)).toBe(true);
    expect(search(index, "p", vector)).toEqual(["new"]);
  });

  test("is what another version has stored, too", async () => {
    await fill();
    if ("fault" in lmdb) throw new Error(lmdb.fault);
    const root = lmdb.open({ path: join(folder, "store"), maxDbs: 8 });
    await root.openDB({ name: "marks", keyEncoding: "uint32", encoding: "msgpack" }).put(1, 99);
    await root.close();
    const index = start();
    expect(said).toEqual([expect.stringContaining("it is of another version")]);
    expect(add(index, "p", "new", vector)).toBe(true);
    await stop(index);
    expect(search(start(), "p", vector)).toEqual(["new"]);
  });

  test("that killed those who opened it is not opened again", async () => {
    await fill();
    const index = start({ is_distrusted: true });
    expect(index.stats().entries).toBe(0);
    expect(said[0]).toContain("died");
    expect(readdirSync(folder).toSorted()).toEqual(["owner", "store", "store.damaged"]);
  });

  test("by a disk that is full is told of once, and what is stored stays right", {
    timeout: 60_000,
  }, async () => {
    const child = join(import.meta.dirname, "filling_child.ts");
    // No file may get longer than 8 MB, and to try is an error instead of a signal.
    const limited = `trap '' XFSZ; ulimit -f 16384; exec "$0" "$@"`;
    const { stdout } = Bun.spawn(["bash", "-c", limited, process.execPath, child, folder], {
      stderr: "ignore",
    });
    const { told, found } = JSON.parse(await new Response(stdout).text()) as {
      told: string[];
      found: number;
    };
    expect(told).toEqual([expect.stringContaining("cannot be read or written")]);
    expect(found).toBeGreaterThan(0);
    const index = start();
    const { entries } = index.stats();
    expect(entries).toBeGreaterThan(200);
    expect(index.search(placeOf("p"), clusteredVectors(5, DIMS, 10)(), 5, 0.1, Date.now())).toHaveLength(5);
    expect(await index.remove({ by: "model", model: "m" })).toBe(entries);
  });

  test("of the folder is told in words", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const index = openVectorIndex({ folder: file, max_entries: 10, log: () => {} });
    expect(index).toMatchObject({ fault: expect.stringContaining("cannot be opened") });
  });
});
