// The stored keys: an LMDB environment that every process reads. Changes are transactions under LMDB's own lock between
// processes, so that any number of writers can be at work, and a counter tells the others of each at once.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Generation, openGeneration } from "../memory/generation.ts";
import { lmdb } from "../memory/lmdb.ts";
import { lmdbFileFault } from "../memory/lmdb_file.ts";
import { LMDB_READERS, makeLmdbLockFile } from "../memory/lmdb_lock.ts";
import type { KeyRecord } from "./key_record.ts";

/** Address space for the environment; the file grows as it is filled. */
const MAP_BYTES = 1024 * 1024 * 1024;

/** What may be done inside of a change. */
export interface KeyWriter {
  /** Stores a key, new or changed, with all that it can be found by. */
  put(record: KeyRecord): void;
  /** Stores a small value under a name. */
  setMark(name: string, value: string): void;
}

/** The stored keys of a data folder. */
export interface KeyStore {
  /** Counted up after every change, whoever made it. */
  readonly generation: Generation;
  /** What is read from here on is as new as the last change. */
  refresh(): void;
  isEmpty(): boolean;
  byId(id: string): KeyRecord | null;
  /** The key of this name that is not revoked. */
  byName(name: string): KeyRecord | null;
  /** The key that a secret of this hash belongs to, valid or not. */
  byHash(hash: Uint8Array): KeyRecord | null;
  /** Keys in the order in which they were made, those behind `after` (an id). */
  list(after?: string): Iterable<KeyRecord>;
  mark(name: string): string | null;
  /**
   * Makes a change, or as many as belong together: no other process makes one meanwhile, and what is read is the newest.
   * When it returns, all of it is on the disk and seen by every process; when it throws, nothing is changed.
   */
  change<T>(action: (writer: KeyWriter) => T): T;
  close(): Promise<void>;
}

/** The format of what is stored, and the mark that says it where it is another than the first. */
const FORMAT = 1;
const FORMAT_MARK = "format";

/** The folder of the stored keys in a data folder. */
function keysFolder(data: string): string {
  return join(data, "keys");
}

function dataFile(data: string): string {
  return join(keysFolder(data), "data.mdb");
}

/** Whether a data folder has ever had a store of keys. */
export function isThereKeyStore(data: string): boolean {
  return existsSync(dataFile(data));
}

/** Opens the store in a data folder, which is made if it is not there; or says why it cannot be. */
export function openKeyStore(data: string): KeyStore | { readonly fault: string } {
  if ("fault" in lmdb) return { fault: `stored keys cannot be used: ${lmdb.fault}` };
  const folder = keysFolder(data);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fault = lmdbFileFault(dataFile(data));
    if (fault !== null) {
      return {
        fault: `stored keys cannot be used: ${dataFile(data)} is damaged (${fault}); restore it, or move it away`,
      };
    }
    const generation = openGeneration(join(folder, "generation"));
    makeLmdbLockFile(folder);
    const root = lmdb.open({
      ...{ path: folder, mapSize: MAP_BYTES, maxDbs: 4, maxReaders: LMDB_READERS, overlappingSync: false },
    });
    const store = makeStore(root, generation);
    const format = Number(store.mark(FORMAT_MARK) ?? FORMAT);
    if (format <= FORMAT) return store;
    void store.close();
    return {
      fault: `stored keys cannot be used: ${folder} was written by a newer version of Venturi (its format is ${format}, this program knows ${FORMAT}); run that version, or use another data folder`,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { fault: `stored keys cannot be used: ${folder} cannot be opened (${message})` };
  }
}

type Root = ReturnType<Exclude<typeof lmdb, { readonly fault: string }>["open"]>;

function makeStore(root: Root, generation: Generation): KeyStore {
  const keys = root.openDB<KeyRecord, string>("keys", { encoding: "msgpack" });
  const secrets = root.openDB<string, Uint8Array>("secrets", { encoding: "string", keyEncoding: "binary" });
  const names = root.openDB<string, string>("names", { encoding: "string" });
  const marks = root.openDB<string, string>("marks", { encoding: "string" });

  const byId = (id: string) => keys.get(id) ?? null;
  const byFoundId = (id: string | undefined) => (id === undefined ? null : byId(id));

  const writer: KeyWriter = {
    put(record) {
      const old = byId(record.id);
      for (const { hash } of old?.secrets ?? []) secrets.removeSync(hash);
      for (const { hash } of record.secrets) secrets.putSync(hash, record.id);
      if (old !== null && old.revoked_ms === null) names.removeSync(old.name);
      if (record.revoked_ms === null) names.putSync(record.name, record.id);
      keys.putSync(record.id, record);
    },
    setMark: (name, value) => marks.putSync(name, value),
  };

  return {
    generation,
    refresh: () => root.resetReadTxn(),
    isEmpty: () => {
      for (const _ of keys.getKeys({ limit: 1 })) return false;
      return true;
    },
    byId,
    byName: (name) => byFoundId(names.get(name)),
    byHash: (hash) => byFoundId(secrets.get(hash)),
    *list(after) {
      const range = after === undefined ? {} : { start: after, exclusiveStart: true };
      for (const { value } of keys.getRange(range)) yield value;
    },
    mark: (name) => marks.get(name) ?? null,
    change(action) {
      const result = root.transactionSync(() => action(writer));
      generation.advance();
      return result;
    },
    close: () => root.close(),
  };
}

/** Whether keys are stored in a data folder; false also where that cannot be told. */
export function hasStoredKeys(data: string): boolean {
  if (!isThereKeyStore(data)) return false;
  const store = openKeyStore(data);
  if ("fault" in store) return false;
  try {
    return !store.isEmpty();
  } finally {
    void store.close();
  }
}
