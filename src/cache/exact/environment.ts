// The LMDB environment of the answers: `<data>/cache/answers`. Every process opens it and reads and writes by itself. A cache may be
// lost, so where its files are damaged the keeper, of which there is one, puts them aside and begins anew; the others only look, and
// go on without a cache until then. What a damaged file can do to a process cannot be caught, and so it is looked at beforehand.

import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { lmdb } from "../../memory/lmdb.ts";
import { lmdbFileFault } from "../../memory/lmdb_file.ts";
import { LMDB_READERS, makeLmdbLockFile } from "../../memory/lmdb_lock.ts";
import { lmdbTreeFault } from "../../memory/lmdb_tree.ts";

/** Longer keys are not stored: LMDB takes one byte more, so that the key behind each can still be named. */
export const MOST_KEY_BYTES = 1977;
/** Damaged folders that are kept for whoever wants to look at them. */
const KEPT_DAMAGED = 2;
/** What the library says of a file that it cannot be right in using, though its pages hang together. */
const DAMAGE = ["MDB_INVALID", "MDB_VERSION_MISMATCH", "MDB_CORRUPTED", "MDB_INCOMPATIBLE"] as const;

type Module = Exclude<typeof lmdb, { readonly fault: string }>;
type Root = ReturnType<Module["open"]>;
/** A database whose keys begin with those of `CacheKey`, or are them. */
export type Database = ReturnType<typeof openDatabase>;

/** The open environment. Versions of records are moments in milliseconds since 1970. */
export interface Environment {
  readonly folder: string;
  readonly root: Root;
  /** The answers themselves. */
  readonly answers: Database;
  /** Their cards; the version is the moment from which on the answer is given to nobody. */
  readonly cards: Database;
  /** When answers were last used, in seconds since 1970, as far as that was written down. */
  readonly used: Database;
  /** Bad answers' keys, to remember them; the version is until when. */
  readonly blocked: Database;
  /** Who refreshes what: the version is until when. */
  readonly refreshes: Database;
  /** What was learned of answers, a little for each key. */
  readonly notes: Database;
}

/** The folder of the answers in a data folder. */
export function answersFolder(data: string): string {
  return join(data, "cache", "answers");
}

/** Opens the answers of a data folder, or says why it cannot. Only a quick look is taken at what is there. */
export function openEnvironment(data: string, max_bytes: number): Environment | { readonly fault: string } {
  const folder = answersFolder(data);
  try {
    const damage = damageOf(folder, lmdbFileFault);
    if (damage !== null) return { fault: `answers cannot be kept: ${folder} is damaged (${damage})` };
    return open(folder, max_bytes);
  } catch (error) {
    return { fault: `answers cannot be kept: ${folder} cannot be opened (${messageOf(error)})` };
  }
}

/**
 * Opens the answers of a data folder as their keeper: all that LMDB would follow is looked at, and what is damaged is put aside and
 * replaced, which is told through `log`. There may be one keeper of a folder at a time.
 */
export function repairEnvironment(
  data: string,
  max_bytes: number,
  log: (line: string) => void,
): Environment | { readonly fault: string } {
  const folder = answersFolder(data);
  try {
    const damage = damageOf(folder, lmdbTreeFault);
    if (damage !== null) putAside(folder, damage, log);
    else dropIfFarTooLarge(folder, max_bytes, log);
    const opened = openEnvironment(data, max_bytes);
    const is_damaged = "fault" in opened && DAMAGE.some((word) => opened.fault.includes(word));
    if (!is_damaged) return opened;
    putAside(folder, opened.fault, log);
    return openEnvironment(data, max_bytes);
  } catch (error) {
    return { fault: `answers cannot be kept: ${folder} cannot be opened (${messageOf(error)})` };
  }
}

function open(folder: string, max_bytes: number): Environment | { readonly fault: string } {
  if ("fault" in lmdb) return { fault: `answers cannot be kept: ${lmdb.fault}` };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  makeLmdbLockFile(folder);
  const options = {
    path: folder,
    // Address space only. Free pages and old ones that a reader still holds come on top of what is kept; were it ever too little,
    // the library would map more by itself.
    mapSize: mapBytes(max_bytes),
    maxDbs: 8,
    maxReaders: LMDB_READERS,
    overlappingSync: false,
    // A transaction waits for its pages, not for its head: what a power cut may take is the last one, never the file's order.
    noMetaSync: true,
    // With it, the library would make a promise for each commit that nobody holds, and a failing one would end the process.
    eventTurnBatching: false,
  };
  const root = lmdb.open(options);
  return {
    folder,
    root,
    answers: openDatabase(root, "answers", false),
    cards: openDatabase(root, "cards", true),
    used: openDatabase(root, "used", false),
    blocked: openDatabase(root, "blocked", true),
    refreshes: openDatabase(root, "refreshes", true),
    notes: openDatabase(root, "notes", false),
  };
}

function openDatabase(root: Root, name: string, has_versions: boolean) {
  return root.openDB<Buffer, Uint8Array>(name, {
    encoding: "binary",
    keyEncoding: "binary",
    useVersions: has_versions,
  });
}

/** What is wrong with what lies where the answers should; null for nothing. */
function damageOf(folder: string, faultOf: (path: string) => string | null): string | null {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isDirectory()) return "it is no folder";
  for (const name of ["data.mdb", "lock.mdb"]) {
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    if (file !== undefined && !file.isFile()) return `${name} is no file`;
  }
  return faultOf(join(folder, "data.mdb"));
}

function mapBytes(max_bytes: number): number {
  return 3 * max_bytes + 256 * 1024 * 1024;
}

/** A file never becomes smaller: where the size was made much smaller, the disk is worth more than the answers. */
function dropIfFarTooLarge(folder: string, max_bytes: number, log: (line: string) => void): void {
  const file = statSync(join(folder, "data.mdb"), { throwIfNoEntry: false });
  if (file === undefined || file.size <= mapBytes(max_bytes)) return;
  rmSync(folder, { recursive: true });
  log(`the kept answers' file has ${file.size} bytes, far more than it may have; the cache begins empty`);
}

function putAside(folder: string, damage: string, log: (line: string) => void): void {
  const name = `answers.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
  renameSync(folder, join(dirname(folder), name));
  log(`the kept answers are damaged (${damage}); they are put aside as ${name}, and the cache begins empty`);
  const damaged = readdirSync(dirname(folder)).filter((other) => other.startsWith("answers.damaged-"));
  for (const old of damaged.toSorted().slice(0, -KEPT_DAMAGED)) {
    rmSync(join(dirname(folder), old), { recursive: true, force: true });
  }
}

/** What an error says, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
