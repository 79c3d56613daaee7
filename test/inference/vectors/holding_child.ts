// A process that holds the index in a folder until it is killed.

import { openVectorIndex } from "../../../src/inference/vectors/vector_index.ts";

const index = openVectorIndex({ folder: process.argv[2]!, max_entries: 10, log: console.error });
if (index === null || "fault" in index) throw new Error("it cannot be opened");
const place = { partition: Buffer.from("held"), space: "test" };
const entry = {
  ...place,
  id: Buffer.from("held"),
  text: "",
  model: "",
  tags: [],
  expires_ms: Date.now() + 60_000,
};
index.add(entry, new Float32Array(4).fill(1), Date.now());
// A second after, all is committed.
await Bun.sleep(1_000);
console.log("holding");
setTimeout(() => process.exit(3), 60_000);
