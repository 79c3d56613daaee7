// Whether a backup can be restored: every file as it was written, and what is in the files as their programs want it.

import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { auditLines } from "../../console/audit/log.ts";
import { verifyAudit } from "../../console/audit/verify.ts";
import { lmdbTreeFault } from "../../memory/lmdb_tree.ts";
import { auditHeadOf } from "./audit_head.ts";
import { damageOf, type Manifest } from "./manifest.ts";

/** What the ledger in a folder adds up to; null where there is none. */
export function ledgerSums(folder: string): Manifest["ledger"] {
  const path = join(folder, "ledger.sqlite");
  if (!existsSync(path)) return null;
  const ledger = new Database(path, { readonly: true });
  try {
    const row = ledger
      .query<{ calls: number; last_seq: number; cost: string }, []>(
        `SELECT count(*) AS calls, coalesce(max(seq), 0) AS last_seq,
           (SELECT CAST(coalesce(sum(cost_nano_usd), 0) AS TEXT) FROM rollup_day) AS cost FROM calls`,
      )
      .get();
    return { calls: row!.calls, last_seq: row!.last_seq, cost_nano_usd: row!.cost };
  } finally {
    ledger.close();
  }
}

/** Everything that is wrong with a backup, in words. */
export async function verifyBackup(folder: string, manifest: Manifest): Promise<string[]> {
  // What is not as it was written is not opened.
  const damage = await damageOf(folder, manifest);
  if (damage.length > 0) return damage;
  const environments = manifest.files.filter(({ path }) => path.endsWith("data.mdb"));
  const faults = environments.flatMap(({ path }) => {
    const fault = lmdbTreeFault(join(folder, path));
    return fault === null ? [] : [`${path}: ${fault}`];
  });
  faults.push(...databaseFaults(folder, manifest));
  if (faults.length > 0) return faults;
  return [...ledgerFaults(folder, manifest), ...(await auditFaults(folder))];
}

function databaseFaults(folder: string, { files }: Manifest): string[] {
  return files
    .filter(({ path }) => path.endsWith(".sqlite"))
    .flatMap(({ path }) => {
      try {
        const database = new Database(join(folder, path), { readonly: true });
        const verdict = database
          .query<{ quick_check: string }, []>("PRAGMA quick_check(1)")
          .get()?.quick_check;
        database.close();
        return verdict === "ok" ? [] : [`${path}: ${verdict ?? "it cannot be checked"}`];
      } catch (error) {
        return [`${path}: ${error instanceof Error ? error.message : String(error)}`];
      }
    });
}

function ledgerFaults(folder: string, { ledger }: Manifest): string[] {
  const sums = ledgerSums(folder);
  return JSON.stringify(sums) === JSON.stringify(ledger)
    ? []
    : [`ledger.sqlite adds up to ${JSON.stringify(sums)}, and did to ${JSON.stringify(ledger)}`];
}

async function auditFaults(folder: string): Promise<string[]> {
  const verdict = await verifyAudit(auditLines(folder), await auditHeadOf(folder));
  return verdict.is_intact ? [] : [`audit.ndjson, line ${verdict.line}: ${verdict.fault}`];
}
