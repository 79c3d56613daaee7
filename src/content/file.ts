// The file of kept content: `data/content.sqlite`. Gateway processes write to it, each from a thread of its own; whoever reads or
// removes opens it for as long as that takes. Nothing in it is readable without the data folder's key but numbers and moments.

import { Database } from "bun:sqlite";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** How long a lock of another process is waited for. */
const BUSY_MS = 5_000;
/** What is left of the log's file when it was copied into the file, at most. */
const WAL_MAX_BYTES = 16 * 1024 * 1024;
const CACHE_KIB = 8_192;

const FORMAT = 1;

/** Tenants and users by keyed hashes, and names of blobs by one of tenant and bytes. What is sealed is sealed for its place. */
const TABLES = `
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  tenant BLOB NOT NULL,
  user BLOB,
  time INTEGER NOT NULL,
  card BLOB NOT NULL
) STRICT;
CREATE INDEX calls_by_time ON calls (time);
CREATE INDEX calls_by_tenant ON calls (tenant);
CREATE INDEX calls_by_user ON calls (user) WHERE user IS NOT NULL;

CREATE TABLE blobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  name BLOB NOT NULL UNIQUE,
  sealed BLOB NOT NULL
) STRICT;

-- Which calls need which blobs.
CREATE TABLE uses (
  call INTEGER NOT NULL,
  blob INTEGER NOT NULL,
  PRIMARY KEY (call, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_by_blob ON uses (blob);
PRAGMA user_version = ${FORMAT};
`;

/** The file of kept content in a data folder. */
export function contentPath(folder: string): string {
  return join(folder, "content.sqlite");
}

/** Whether anything was ever kept in a data folder. */
export function hasContent(folder: string): boolean {
  return existsSync(contentPath(folder));
}

/** Opens the file, and makes it where it is not there. In words, why it cannot be. */
export function openContentFile(folder: string): Database | { readonly fault: string } {
  const path = contentPath(folder);
  let db: Database | null = null;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new Database(path, { create: true, readwrite: true });
    chmodSync(path, 0o600);
    db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // Only an empty file takes it: pages that are freed can be given back.
    db.run("PRAGMA auto_vacuum = INCREMENTAL");
    db.run("PRAGMA journal_mode = WAL");
    // What a crash of the machine takes with it is no row of the ledger.
    db.run("PRAGMA synchronous = NORMAL");
    // What is removed is overwritten.
    db.run("PRAGMA secure_delete = ON");
    db.run(`PRAGMA journal_size_limit = ${WAL_MAX_BYTES}`);
    db.run(`PRAGMA cache_size = -${CACHE_KIB}`);
    const version = versionOf(db);
    if (version === 0) makeTables(db);
    else if (version !== FORMAT) {
      db.close();
      return {
        fault: `${path} was written by another version of Venturi (format ${version}, not ${FORMAT})`,
      };
    }
    return db;
  } catch (error) {
    db?.close();
    const message = error instanceof Error ? error.message : String(error);
    return {
      fault: `${path} cannot be used (${message}); where it is damaged, remove it, and another is made`,
    };
  }
}

/** Several processes may find an empty file at the same moment. */
function makeTables(db: Database): void {
  db.transaction(() => {
    if (versionOf(db) === 0) db.run(TABLES);
  }).immediate();
}

function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}
