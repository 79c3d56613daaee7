// Opening the ledger's file: to write, with every commit on the disk before it counts; to read, beside a gateway that writes.
// A file that is damaged is set aside, and a new one begun: calls go on, and what is left of the old one can be looked at.

import { Database } from "bun:sqlite";
import { chmodSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { MIGRATIONS, migrate, unreadable, versionOf } from "./schema.ts";

/** How long a lock of another process is waited for. */
const BUSY_MS = 5000;
/** Pages of the log after which it is copied into the file: 16 MiB. */
const CHECKPOINT_PAGES = 4096;
/** What is left of the log's file after that, at most. */
const WAL_MAX_BYTES = 64 * 1024 * 1024;
/** Memory for pages, in KiB: of who writes, at the ends of few tables; of who asks, all over them. */
const WRITE_CACHE_KIB = 16_384;
const READ_CACHE_KIB = 65_536;

/** The ledger's file in a data folder. */
export function ledgerPath(folder: string): string {
  return join(folder, "ledger.sqlite");
}

/** What SQLite calls an error; empty for what is none of its errors. */
export function sqliteCode(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}

/** Whether an error means that the file itself is damaged, or is no database. */
export function isCorruption(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(error));
}

/** Whether an error is the disk's, the memory's or another process', so that the same may work later. */
export function isPassing(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED|NOMEM|READONLY|IOERR|FULL|CANTOPEN|PERM|PROTOCOL)/.test(sqliteCode(error));
}

/** Opens the file to write, and makes it if it is not there. In words, why it cannot be. `log` is told what a person should know. */
export function openToWrite(
  path: string,
  log: (line: string) => void,
): Database | { readonly fault: string } {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return prepared(path, log);
  } catch (error) {
    if (!isCorruption(error)) return { fault: `${path} cannot be opened: ${messageOf(error)}` };
    setAside(path, messageOf(error), log);
  }
  try {
    return prepared(path, log);
  } catch (error) {
    return { fault: `${path} cannot be opened: ${messageOf(error)}` };
  }
}

function prepared(path: string, log: (line: string) => void): Database | { readonly fault: string } {
  const db = new Database(path, { create: true, readwrite: true });
  try {
    // It names users and says what they did.
    chmodSync(path, 0o600);
    db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // Only an empty file takes it: pages that retention frees can be given back.
    db.run("PRAGMA auto_vacuum = INCREMENTAL");
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = FULL");
    db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.run(`PRAGMA journal_size_limit = ${WAL_MAX_BYTES}`);
    db.run(`PRAGMA cache_size = -${WRITE_CACHE_KIB}`);
    const version = versionOf(db);
    if (version > 0 && version < MIGRATIONS.length) {
      log(
        `${path} is brought from format ${version} to ${MIGRATIONS.length}: a minute for five million calls`,
      );
    }
    const fault = migrate(db);
    if (fault !== null) {
      db.close();
      return { fault: `${path}: ${fault}` };
    }
    // Damage to what every write touches shows here; looking at every page would take minutes.
    for (const table of ["calls", "cursors", "spend", "alerts", "groups", "rollup_day"]) {
      db.query(`SELECT * FROM ${table} LIMIT 1`).all();
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Renames a damaged file, and what belongs to it, so that a new one can be begun. */
export function setAside(path: string, why: string, log: (line: string) => void): void {
  const stamp = new Date().toISOString().replaceAll(/[-:.]/g, "");
  const aside = `${path}.damaged-${stamp}`;
  for (const ending of ["", "-wal", "-shm"]) {
    if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
  }
  log(
    `THE LEDGER IS DAMAGED (${why}): ${path} is now ${aside}, and a new one is begun; rows and sums from before are in the old file alone`,
  );
}

/** Opens the file to read, whether a gateway writes to it or not. In words, why it cannot be. */
export function openToRead(path: string): Database | { readonly fault: string } {
  if (!existsSync(path)) return { fault: `there is no ledger at ${path}` };
  try {
    const db = new Database(path, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    db.run(`PRAGMA cache_size = -${READ_CACHE_KIB}`);
    db.run("PRAGMA temp_store = MEMORY");
    const fault = unreadable(db);
    if (fault === null) return db;
    db.close();
    return { fault: `${path}: ${fault}` };
  } catch (error) {
    return { fault: `${path} cannot be read: ${messageOf(error)}` };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
