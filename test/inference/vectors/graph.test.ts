import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hnswlib } from "../../../src/inference/vectors/hnswlib.ts";
import {
  type IndexOptions,
  openVectorIndex,
  type VectorIndex,
} from "../../../src/inference/vectors/vector_index.ts";
import { randomIntegers } from "../../memory/random.ts";
import { clusteredVectors, cosine } from "./random_vectors.ts";

const DIMS = 64;
/** Small, so that graphs are soon made. */
const LIMITS = { graph_from: 800, tail_max: 200, scan_max: 100_000 };
const PLACE = { partition: Buffer.from("p"), space: "test" };

let folder: string;
let said: string[];
let open: VectorIndex[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-graph-"));
  said = [];
  open = [];
});
afterEach(async () => {
  for (const index of open) await index.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(options: Partial<IndexOptions> = {}): VectorIndex {
  const log = (line: string) => said.push(line);
  const index = openVectorIndex({ folder, max_entries: 100_000, limits: LIMITS, log, ...options });
  if (index === null || "fault" in index) throw new Error("it cannot be opened");
  open.push(index);
  return index;
}

async function stop(index: VectorIndex): Promise<void> {
  open.splice(open.indexOf(index), 1);
  await index.close();
}

function add(index: VectorIndex, at: number, vector: Float32Array): void {
  const entry = {
    ...PLACE,
    id: Buffer.from(`id${at}`),
    text: "",
    model: "",
    tags: [],
    expires_ms: Date.now() + 1e6,
  };
  expect(index.add(entry, vector, Date.now())).toBe(true);
}

function search(index: VectorIndex, vector: Float32Array, limit: number, min = 0): number[] {
  return index
    .search(PLACE, vector, limit, min, Date.now())
    .map(({ id }) => Number(Buffer.from(id).toString().slice(2)));
}

/** The share of queries whose best entry is the one that a comparison with all finds. */
function recall(
  index: VectorIndex,
  vectors: ReadonlyMap<number, Float32Array>,
  queries: readonly Float32Array[],
) {
  let right = 0;
  for (const query of queries) {
    let [best, best_cosine] = [-1, -2];
    for (const [at, vector] of vectors) {
      const similarity = cosine(query, vector);
      if (similarity > best_cosine) [best, best_cosine] = [at, similarity];
    }
    if (search(index, query, 1)[0] === best) right += 1;
  }
  return right / queries.length;
}

const graphs = () => readdirSync(join(folder, "store", "graphs")).toSorted();

async function fill(count: number, index: VectorIndex, next: () => Float32Array, first = 0) {
  const vectors = new Map<number, Float32Array>();
  for (let at = first; at < first + count; at++) {
    const vector = next();
    vectors.set(at, vector);
    add(index, at, vector);
    if (at % 200 === 0) await new Promise((turn) => setImmediate(turn));
  }
  await index.settled();
  return vectors;
}

test("the addon for graphs is there, else nothing here is tested", () => {
  expect(hnswlib).not.toHaveProperty("fault");
});

describe("a large partition", () => {
  test("has a graph that agrees with a scan of all its vectors", { timeout: 120_000 }, async () => {
    const next = clusteredVectors(21, DIMS, 60);
    const index = start();
    const vectors = await fill(5_000, index, next);
    expect(index.stats()).toMatchObject({ graphs: 1, vectors_loaded: 5_000, is_working: false });
    const queries = Array.from({ length: 200 }, next);
    expect(recall(index, vectors, queries)).toBeGreaterThanOrEqual(0.98);
    // Whatever was added is found at once, in the graph or beside it.
    for (const at of [0, 17, 2_500, 4_999]) expect(search(index, vectors.get(at)!, 1)).toEqual([at]);
    const scanned = start({ folder: join(folder, "other"), addon: null });
    for (const [at, vector] of vectors) add(scanned, at, vector);
    expect(scanned.stats().no_graphs).not.toBeNull();
    expect(recall(scanned, vectors, queries)).toBeGreaterThanOrEqual(0.98);
    expect(scanned.stats().graphs).toBe(0);
  });

  test("keeps up with what is replaced and removed, and its graph is made anew when it is worn", {
    timeout: 120_000,
  }, async () => {
    const next = clusteredVectors(22, DIMS, 60);
    const random = randomIntegers(9);
    let index = start();
    const vectors = await fill(2_000, index, next);
    for (let step = 0; step < 6_000; step++) {
      const at = random(2_400);
      if (random(3) === 0) {
        expect(await index.remove({ by: "id", id: Buffer.from(`id${at}`) })).toBe(vectors.has(at) ? 1 : 0);
        vectors.delete(at);
      } else {
        const vector = next();
        vectors.set(at, vector);
        add(index, at, vector);
      }
      if (step % 400 === 0) {
        const found = search(index, next(), 20);
        expect(found.filter((number) => !vectors.has(number))).toEqual([]);
      }
    }
    await index.settled();
    expect(index.stats().entries).toBe(vectors.size);
    expect(index.stats().vectors_loaded).toBe(vectors.size);
    const queries = Array.from({ length: 100 }, next);
    expect(recall(index, vectors, queries)).toBeGreaterThanOrEqual(0.97);
    // What is marked in the graph's file is not taken for more entries.
    await stop(index);
    index = start();
    search(index, next(), 1);
    await index.settled();
    expect(index.stats().vectors_loaded).toBe(vectors.size);
    expect(recall(index, vectors, queries)).toBeGreaterThanOrEqual(0.97);
  });

  test("is read again with its graph, which may be older than what is stored", {
    timeout: 120_000,
  }, async () => {
    const next = clusteredVectors(23, DIMS, 60);
    let index = start();
    const vectors = await fill(3_000, index, next);
    await stop(index);
    expect(graphs()).toHaveLength(2);
    const kept = graphs().map((name) => [name, readFileSync(join(folder, "store", "graphs", name))] as const);
    index = start();
    for (const [at, vector] of await fill(300, index, next, 3_000)) vectors.set(at, vector);
    for (let at = 0; at < 300; at++) {
      vectors.delete(at);
      await index.remove({ by: "id", id: Buffer.from(`id${at}`) });
    }
    await stop(index);
    for (const [name, bytes] of kept) writeFileSync(join(folder, "store", "graphs", name), bytes);
    index = start();
    search(index, next(), 1);
    await index.settled();
    expect(index.stats()).toMatchObject({ graphs: 1, vectors_loaded: 3_000, entries: 3_000 });
    expect(recall(index, vectors, Array.from({ length: 100 }, next))).toBeGreaterThanOrEqual(0.97);
    expect(said).toEqual([]);
  });

  test.each([
    ["is missing", (path: string) => rmSync(path)],
    ["is cut off", (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 5_000))],
    ["is something else", (path: string) => writeFileSync(path, Buffer.alloc(100_000, 0xff))],
    [
      "has one wrong bit",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
  ])("is made anew when its graph %s", { timeout: 60_000 }, async (_what, damage) => {
    const next = clusteredVectors(24, DIMS, 30);
    let index = start();
    const vectors = await fill(1_500, index, next);
    await stop(index);
    const [graph] = graphs();
    damage(join(folder, "store", "graphs", graph!));
    index = start();
    search(index, next(), 1);
    await index.settled();
    expect(index.stats()).toMatchObject({ graphs: 1, vectors_loaded: 1_500 });
    expect(recall(index, vectors, Array.from({ length: 50 }, next))).toBeGreaterThanOrEqual(0.96);
    await stop(index);
    expect(graphs()).toHaveLength(2);
  });

  test("that is gone takes its graph with it", async () => {
    let index = start();
    await fill(1_000, index, clusteredVectors(25, DIMS, 30));
    await stop(index);
    expect(graphs()).toHaveLength(2);
    index = start();
    expect(await index.remove({ by: "prefix", prefix: new Uint8Array() })).toBe(1_000);
    await stop(index);
    index = start();
    await index.settled();
    expect(graphs()).toEqual([]);
  });
});
