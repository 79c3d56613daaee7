// Mapped files of earlier versions: what of them goes on in this one's. A version that moves what lies before the series, or changes what
// an area is, has to say here how it was.

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { HEADER_USED_BYTES, type HeaderWords, headerWords } from "./header.ts";
import {
  AREAS_MAX,
  COUNTERS,
  fileBytes,
  type Geometry,
  HEADER_BYTES,
  HEALTH,
  isPossible,
  LAYOUT_VERSION,
  SERIES_BLOCK_BYTES,
  SERIES_HEADER_BYTES,
  SERIES_MAX,
  SERIES_OFFSET,
  SUPERVISOR_WORD,
} from "./layout.ts";
import { OwnerMark } from "./liveness.ts";
import { SpinLock } from "./lock.ts";
import { mapFile } from "./mapping.ts";
import { ProcessArea } from "./process_area.ts";

/** Versions that differ from this one in the bytes of a series alone, and so in where areas begin. */
const SERIES_BYTES_OF: Readonly<Record<number, number>> = { 5: 6144 };

/** What was replaced, for as long as something of it is needed. */
const REPLACED = "state.replaced";
const PAGE_BYTES = HEADER_BYTES;

/** A file of an earlier version. */
export interface Earlier {
  readonly version: number;
  readonly geometry: Geometry;
  /** How much nearer its areas begin, in bytes. */
  readonly shift: number;
}

/** The version of a file that a newer program has made; null if none has. */
export function newerVersion(path: string): number | null {
  const version = readWords(path)?.version ?? 0;
  return version > LAYOUT_VERSION ? version : null;
}

/** What an earlier version's file is; null where it is none, or one of which nothing is known. */
export function earlierAt(path: string): Earlier | null {
  const words = readWords(path);
  const series_bytes = words === null ? undefined : SERIES_BYTES_OF[words.version];
  if (words === null || series_bytes === undefined) return null;
  const { version, geometry } = words;
  const block_bytes = SERIES_HEADER_BYTES + SERIES_MAX * series_bytes;
  const shift = AREAS_MAX * (SERIES_BLOCK_BYTES - block_bytes);
  const is_whole = isPossible(geometry) && statSync(path).size >= fileBytes(geometry) - shift;
  return is_whole ? { version, geometry, shift } : null;
}

function readWords(path: string): HeaderWords | null {
  if (!existsSync(path) || !statSync(path).isFile()) return null;
  const file = openSync(path, "r");
  try {
    const header = new Uint8Array(HEADER_USED_BYTES);
    return readSync(file, header, 0, HEADER_USED_BYTES, 0) === HEADER_USED_BYTES ? headerWords(header) : null;
  } finally {
    closeSync(file);
  }
}

/**
 * Puts a file of this version, which is whole but for its header's page, in the place of an earlier one, with that one's counters, health,
 * rests and drills. Gateway processes that have the earlier one mapped go on with it; what they left there is `earlierAreas`.
 * @param fresh the path of the new file, which has nothing but a header yet
 */
export function replaceEarlier(path: string, fresh: string): void {
  const { words, bytes } = mapFile(path, 0, SERIES_OFFSET);
  const supervisor_pid = new OwnerMark(words, SUPERVISOR_WORD).pid;
  if (supervisor_pid !== 0)
    throw new Error(`${path} is in use by another gateway, whose supervisor is process ${supervisor_pid}`);
  const locks = [new SpinLock(words, COUNTERS.lock), new SpinLock(words, HEALTH.lock)];
  const taken = locks.filter((lock) => lock.take());
  try {
    copyPages(bytes, fresh);
  } finally {
    for (const lock of taken) lock.release();
  }
  rmSync(join(path, "..", REPLACED), { force: true });
  linkSync(path, join(path, "..", REPLACED));
  renameSync(fresh, path);
}

/** Copies what is not empty, and none of the marks and locks of the living. */
function copyPages(from: Buffer, fresh: string): void {
  const file = openSync(fresh, "r+");
  try {
    for (let at = 0; at < SERIES_OFFSET; at += PAGE_BYTES) {
      const page = Buffer.from(from.subarray(at, at + PAGE_BYTES));
      if (at === 0) page.fill(0, SUPERVISOR_WORD * 4, (SUPERVISOR_WORD + 2) * 4);
      for (const { lock } of [COUNTERS, HEALTH]) if (at === 0) page.fill(0, lock * 4, lock * 4 + 4);
      const start = at === 0 ? HEADER_USED_BYTES : 0;
      if (page.some((byte) => byte !== 0)) writeSync(file, page, start, PAGE_BYTES - start, at + start);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The areas of the file that was replaced: those whose process is dead, and whether processes still live in others. */
export function earlierAreas(folder: string): {
  readonly left: readonly ProcessArea[];
  readonly is_anyone_there: boolean;
} {
  const path = join(folder, REPLACED);
  const earlier = earlierAt(path);
  if (earlier === null) return { left: [], is_anyone_there: false };
  const { geometry, shift } = earlier;
  const map = (offset: number, length_bytes: number) => mapFile(path, offset - shift, length_bytes);
  const areas = Array.from({ length: geometry.areas }, (_, index) => new ProcessArea(map, geometry, index));
  const left = areas.filter((area) => area.owner_pid === 0);
  return { left: left.filter((area) => !area.is_empty), is_anyone_there: left.length < areas.length };
}

/** Nothing of it is needed any more. */
export function forgetEarlier(folder: string): void {
  rmSync(join(folder, REPLACED), { force: true });
}

/** Puts a file that was replaced in its place again, if it is this one. */
export function putBack(folder: string, path: string, inode: number): void {
  const replaced = join(folder, REPLACED);
  const is_replaced = statSync(path, { throwIfNoEntry: false })?.ino !== inode;
  if (is_replaced && statSync(replaced, { throwIfNoEntry: false })?.ino === inode) renameSync(replaced, path);
}
