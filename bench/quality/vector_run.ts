// Measures the vector index in a process of its own, so that its memory is its own: `fill FOLDER COUNT QUERIES` adds so many
// vectors to a partition and searches them, `load FOLDER COUNT QUERIES` opens what was filled. Prints figures as JSON.

import { openVectorIndex, type VectorIndex } from "../../src/inference/vectors/vector_index.ts";
import { residentBytes } from "../../test/chaos/processes.ts";
import { randomIntegers } from "../../test/memory/random.ts";

const DIMS = 256;
const PLACE = { partition: Buffer.from("bench"), space: "bench" };
/** Vectors around each centre, as texts about one thing. */
const CLUSTER = 40;

/** Vectors in clusters, the same in every run: those of the index, and the queries behind them. */
function* vectors(count: number): Generator<Float32Array> {
  const random = randomIntegers(17);
  // Sums of three are near enough to a bell.
  const bell = () => (random(65_536) + random(65_536) + random(65_536)) / 65_536 - 1.5;
  const centres = Array.from({ length: Math.ceil(count / CLUSTER) }, (_, at) => at);
  for (let at = 0; at < count; at++) {
    const centre = randomIntegers(1_000_003 * centres[random(centres.length)]!);
    const vector = new Float32Array(DIMS);
    let squares = 0;
    for (let dim = 0; dim < DIMS; dim++) {
      const value = (centre(65_536) + centre(65_536)) / 65_536 - 1 + 0.4 * bell();
      vector[dim] = value;
      squares += value * value;
    }
    const factor = 1 / Math.sqrt(squares);
    for (let dim = 0; dim < DIMS; dim++) vector[dim]! *= factor;
    yield vector;
  }
}

function open(folder: string, count: number): VectorIndex {
  const index = openVectorIndex({ folder, max_entries: 2 * count, log: console.error });
  if (index === null || "fault" in index) throw new Error(index?.fault ?? "another process has it");
  return index;
}

/** Memory that this process has to itself. */
function memoryMb(): number {
  Bun.gc(true);
  return residentBytes(process.pid) / 1e6;
}

function percentile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * share)]!;
}

/** The nearest of all vectors for each query, by a comparison with every one. */
function nearest(count: number, queries: readonly Float32Array[]): number[] {
  const best = queries.map(() => ({ at: -1, similarity: -2 }));
  let at = 0;
  for (const vector of vectors(count)) {
    for (const [query_at, query] of queries.entries()) {
      let similarity = 0;
      for (let dim = 0; dim < DIMS; dim++) similarity += query[dim]! * vector[dim]!;
      if (similarity > best[query_at]!.similarity) best[query_at] = { at, similarity };
    }
    at += 1;
  }
  return best.map((found) => found.at);
}

/** Queries: vectors of the index, turned a little. */
function queriesOf(count: number, wanted: number): Float32Array[] {
  const random = randomIntegers(23);
  const queries: Float32Array[] = [];
  const every = Math.max(1, Math.floor(count / wanted));
  let at = 0;
  for (const vector of vectors(count)) {
    if (at++ % every !== 0 || queries.length === wanted) continue;
    queries.push(vector.map((value) => value + 0.02 * (random(65_536) / 32_768 - 1)));
  }
  return queries;
}

async function search(index: VectorIndex, count: number, wanted: number) {
  const queries = queriesOf(count, wanted);
  const ask = (query: Float32Array) => index.search(PLACE, query, 1, 0.1, Date.now())[0];
  for (const query of queries) ask(query);
  const times: number[] = [];
  for (const query of queries) {
    const begin_ms = performance.now();
    ask(query);
    times.push((performance.now() - begin_ms) * 1000);
    await new Promise((turn) => setImmediate(turn));
  }
  const expected = nearest(count, queries.slice(0, 200));
  const right = expected.filter((at, query) => ask(queries[query]!)?.text === String(at));
  return {
    p50_us: percentile(times, 0.5),
    p99_us: percentile(times, 0.99),
    recall_percent: (100 * right.length) / expected.length,
  };
}

async function fill(folder: string, count: number, wanted: number) {
  const before_mb = memoryMb();
  const index = open(folder, count);
  const begin_ms = performance.now();
  const expires_ms = Date.now() + 86_400_000;
  let at = 0;
  for (const vector of vectors(count)) {
    const entry = {
      ...PLACE,
      id: Buffer.from(`id${at}`),
      text: String(at),
      model: "m",
      tags: [],
      expires_ms,
    };
    while (!index.add(entry, vector, Date.now())) await Bun.sleep(5);
    if (++at % 50 === 0) await new Promise((turn) => setImmediate(turn));
    if (at % 50_000 === 0) console.error(`${at} added, ${JSON.stringify(index.stats())}`);
  }
  await index.settled();
  const rows_per_s = (count / (performance.now() - begin_ms)) * 1000;
  const memory_mb = memoryMb() - before_mb;
  const found = await search(index, count, wanted);
  await index.close();
  return { rows: count, rows_per_s, memory_mb, ...found };
}

async function load(folder: string, count: number, wanted: number) {
  const before_mb = memoryMb();
  const begin_ms = performance.now();
  const index = open(folder, count);
  const [query] = queriesOf(1, 1);
  const opened_ms = performance.now();
  index.search(PLACE, query!, 1, 0.1, Date.now());
  const first_ms = performance.now() - begin_ms;
  await index.settled();
  const load_ms = performance.now() - opened_ms;
  const memory_mb = memoryMb() - before_mb;
  const { p50_us, p99_us, recall_percent } = await search(index, count, wanted);
  await index.close();
  return { rows: count, first_ms, load_ms, memory_mb, p50_us, p99_us, recall_percent };
}

const [what, folder = "", count, wanted] = process.argv.slice(2);
const run = what === "fill" ? fill : load;
console.log(JSON.stringify(await run(folder, Number(count), Number(wanted))));
process.exit(0);
