// What a data folder keeps that must not be lost, and how each part is copied while a gateway writes to it. Whoever adds a part to the
// data folder adds a line to STORES; what is not named here is not in a backup.

import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openLine } from "../../console/audit/line.ts";
import { auditLines } from "../../console/audit/log.ts";
import { writeCounters } from "../../memory/counter_file.ts";
import { lmdb } from "../../memory/lmdb.ts";
import { lmdbFileFault } from "../../memory/lmdb_file.ts";
import { auditHeadOf } from "./audit_head.ts";

/** A part of a data folder. */
export interface Store {
  readonly name: string;
  /** What it is, to a person. */
  readonly what: string;
  /** Its file or folder in the data folder, and in a backup. */
  readonly path: string;
  /** Whether it is left out unless it is asked for: it can be made anew. */
  readonly is_cache?: true;
  /**
   * Copies it as it is at one moment.
   * @param from a data folder
   * @param to a folder that has the parts before it, and nothing else
   * @returns false where the data folder has none
   */
  copy(from: string, to: string): Promise<boolean>;
}

/** The parts, in the order in which they are copied: what refers to another comes before it. */
export const STORES: readonly Store[] = [
  lmdbStore("keys", "keys", "client keys: their hashes, limits and owners"),
  {
    ...{ name: "audit", path: "audit.ndjson", what: "who has changed what" },
    copy: copyAudit,
  },
  sqliteStore("ledger", "ledger.sqlite", "calls, their cost and who made them; sums; alerts"),
  sqliteStore("content", "content.sqlite", "prompts and answers that are kept, sealed"),
  {
    ...{ name: "counters", path: "counters.bin", what: "what limits and budgets have counted" },
    copy: async (from, to) => {
      if (!existsSync(join(from, "state"))) return false;
      writeCounters(from, join(to, "counters.bin"));
      return true;
    },
  },
  fileStore("quality key", "quality.key", "what requests are known by whose answers are compared"),
  fileStore("privacy key", "privacy.key", "the key that kept answers and personal data are sealed with"),
  folderStore("kept responses", "responses", "answers that conversations go on from, sealed"),
  folderStore("redactions", "privacy", "values behind placeholders, sealed"),
  fileStore("prices", "prices.json", "prices that were taken over"),
  { ...fileStore("cache key", "cache/secret", "what keys of the caches are hashed with"), is_cache: true },
  { ...lmdbStore("answers", "cache/answers", "answers of the caches"), is_cache: true },
  { ...lmdbStore("vectors", "cache/vectors/store", "what similar requests are found by"), is_cache: true },
];

/** An LMDB environment: a reader's snapshot of it, compacted. */
function lmdbStore(name: string, path: string, what: string): Store {
  return {
    ...{ name, path, what },
    async copy(from, to) {
      const source = join(from, path);
      const file = join(source, "data.mdb");
      if (!existsSync(file)) return false;
      if ("fault" in lmdb) throw new Error(lmdb.fault);
      const fault = lmdbFileFault(file);
      if (fault !== null) throw new Error(`${file} is damaged: ${fault}`);
      await mkdir(join(to, path), { recursive: true, mode: 0o700 });
      const environment = lmdb.open({ path: source, readOnly: true, maxDbs: 16 });
      try {
        await environment.backup(join(to, path), true);
      } finally {
        await environment.close();
      }
      return true;
    },
  };
}

function fileStore(name: string, path: string, what: string): Store {
  return {
    ...{ name, path, what },
    async copy(from, to) {
      if (!existsSync(join(from, path))) return false;
      await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
      await copyFile(join(from, path), join(to, path));
      return true;
    },
  };
}

/** Files that are there whole or not at all, and that come and go. */
function folderStore(name: string, path: string, what: string): Store {
  return {
    ...{ name, path, what },
    async copy(from, to) {
      const names = await readdir(join(from, path)).catch(() => null);
      if (names === null) return false;
      await mkdir(join(to, path), { recursive: true, mode: 0o700 });
      for (const file of names) {
        // One with a dot is being written.
        if (file.includes(".")) continue;
        await copyFile(join(from, path, file), join(to, path, file)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
        });
      }
      return true;
    },
  };
}

/** A database of SQLite's, which reads one moment of it and writes that anew, without free pages. */
function sqliteStore(name: string, path: string, what: string): Store {
  return {
    ...{ name, path, what },
    async copy(from, to) {
      if (!existsSync(join(from, path))) return false;
      const database = new Database(join(from, path), { readonly: true });
      try {
        database.run("PRAGMA busy_timeout = 10000");
        database.query("VACUUM INTO ?").run(join(to, path));
      } finally {
        database.close();
      }
      return true;
    },
  };
}

/** The log as far as the copied keys know it: an entry behind that tells of a change that they do not have. */
async function copyAudit(from: string, to: string): Promise<boolean> {
  if (!existsSync(join(from, "audit.ndjson"))) return false;
  const last = (await auditHeadOf(to))?.seq ?? Number.POSITIVE_INFINITY;
  const file = Bun.file(join(to, "audit.ndjson")).writer();
  for await (const { bytes, is_whole } of auditLines(from)) {
    file.write(is_whole ? Buffer.concat([bytes, Buffer.from("\n")]) : bytes);
    if ((openLine(bytes.toString())?.seq ?? 0) >= last) break;
  }
  await file.end();
  return true;
}
