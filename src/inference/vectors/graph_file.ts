// Graphs on the disk. They are only a shortcut: what is missing, damaged or of another time is made anew from what is stored.
// The addon believes what it reads, so a file counts only with its hash beside it.

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Graph } from "./graph.ts";
import type { Hnswlib } from "./hnswlib.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;

const pathOf = (folder: string, partition: number) => join(folder, `${partition}.graph`);
const hashPathOf = (path: string) => `${path}.hash`;

/** The hash of a file, read piece by piece so that others have their turn. */
async function hashOf(path: string): Promise<string> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const descriptor = openSync(path, "r");
  try {
    let hash = 0n;
    for (;;) {
      const size = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
      if (size === 0) return hash.toString(16);
      hash = Bun.hash.wyhash(chunk.subarray(0, size), hash);
      await new Promise((next) => setImmediate(next));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the graph of a partition; throws what the file system throws. */
export async function writeGraph(folder: string, partition: number, graph: Graph): Promise<void> {
  const path = pathOf(folder, partition);
  const fresh = `${path}.new`;
  await graph.write(fresh);
  const hash = await hashOf(fresh);
  // Until its hash is there, the file does not count.
  rmSync(hashPathOf(path), { force: true });
  renameSync(fresh, path);
  writeFileSync(hashPathOf(path), hash, { mode: 0o600 });
}

/** The graph of a partition as it was written last; null where there is none, or it is not whole. */
export async function readGraph(
  folder: string,
  partition: number,
  addon: Hnswlib,
  dims: number,
): Promise<Graph | null> {
  const path = pathOf(folder, partition);
  if (!existsSync(path)) return null;
  try {
    const is_whole = readFileSync(hashPathOf(path), "utf8") === (await hashOf(path));
    const graph = is_whole ? await Graph.read(addon, dims, path) : null;
    if (graph !== null) return graph;
  } catch {
    // As good as damaged.
  }
  removeGraph(folder, partition);
  return null;
}

/** Removes the graph of a partition, if there is one. */
export function removeGraph(folder: string, partition: number): void {
  const path = pathOf(folder, partition);
  for (const name of [hashPathOf(path), path, `${path}.new`]) rmSync(name, { force: true });
}

/** Removes the graphs of partitions that are not there any more. */
export function sweepGraphs(folder: string, isThere: (partition: number) => boolean): void {
  for (const name of readdirSync(folder)) {
    const partition = Number.parseInt(name, 10);
    if (!isThere(partition)) rmSync(join(folder, name), { force: true });
  }
}
