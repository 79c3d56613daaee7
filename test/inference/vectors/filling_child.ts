// A process that adds entries to the index in a folder until the disk takes no more, and then a while longer; says what it was
// told, and whether what it has in memory is found.

import { openVectorIndex } from "../../../src/inference/vectors/vector_index.ts";
import { clusteredVectors } from "./random_vectors.ts";

const told: string[] = [];
const log = (line: string) => told.push(line);
const index = openVectorIndex({ folder: process.argv[2]!, max_entries: 100_000, log });
if (index === null || "fault" in index) throw new Error("it cannot be opened");
const place = { partition: Buffer.from("p"), space: "test" };
const next = clusteredVectors(5, 64, 10);
for (let at = 0, end = 100_000; at < end; at++) {
  const entry = { ...place, id: Buffer.from(`id${at}`), text: "x".repeat(4_000), model: "m", tags: [] };
  index.add({ ...entry, expires_ms: Date.now() + 1e6 }, next(), Date.now());
  if (at % 20 === 0) await Bun.sleep(1);
  if (told.length > 0 && end === 100_000) end = at + 500;
}
const found = index.search(place, next(), 5, 0.1, Date.now());
console.log(JSON.stringify({ told, found: found.length, entries: index.stats().entries }));
process.exit(0);
