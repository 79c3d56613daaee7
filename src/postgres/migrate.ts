// Tables, brought forward step by step, by one program at a time: each step and the version that it makes are one transaction.
// What a newer version has made is not touched.

import type { Database, Transaction } from "./database.ts";
import { DatabaseFault, NEWER } from "./fault.ts";

/** What Venturi keeps in a database; each has its own tables and its own version. */
export type Subject = "ledger" | "keys" | "vectors";

/** Brings the tables of a subject to the newest version. It throws `DatabaseFault`. */
export async function migrate(db: Database, subject: Subject, steps: readonly string[]): Promise<void> {
  const { schema } = db.address;
  await db.transact(async (tx) => {
    await tx.lock("migrate");
    // Who may not make schemas may use one that is there.
    const [found] = await tx.ask("SELECT 1 AS is_there FROM pg_namespace WHERE nspname = ?", schema);
    if (found === undefined) await tx.run(`CREATE SCHEMA "${schema}"`);
    await tx.run("CREATE TABLE IF NOT EXISTS versions (subject text PRIMARY KEY, version integer NOT NULL)");
    const version = await versionOf(tx, subject);
    refuseNewer(version, subject, steps);
    for (const step of steps.slice(version)) await tx.run(step);
    await tx.ask(
      "INSERT INTO versions VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET version = excluded.version",
      ...[subject, steps.length],
    );
  });
}

/** For who only reads: in words, why the tables cannot be read as they are; null if they can. */
export async function unreadable(
  db: Database,
  subject: Subject,
  steps: readonly string[],
): Promise<string | null> {
  const [found] = await db.ask("SELECT to_regclass('versions') IS NOT NULL AS is_there");
  const version = found?.["is_there"] === true ? await versionOf(db, subject) : 0;
  if (version === steps.length) return null;
  if (version > steps.length) return newerThanKnown(version, subject, steps);
  return version === 0
    ? "it has no such tables; no gateway has written to it yet"
    : `its tables are of an older version of Venturi (${subject} ${version}); start a gateway once to bring them to ${steps.length}`;
}

async function versionOf(db: Database | Transaction, subject: Subject): Promise<number> {
  const [found] = await db.ask("SELECT version FROM versions WHERE subject = ?", subject);
  return Number(found?.["version"] ?? 0);
}

function refuseNewer(version: number, subject: Subject, steps: readonly string[]): void {
  if (version > steps.length) throw new DatabaseFault(newerThanKnown(version, subject, steps), NEWER);
}

function newerThanKnown(version: number, subject: Subject, steps: readonly string[]): string {
  return `its tables were made by a newer version of Venturi (${subject} ${version}, this program knows ${steps.length}); run that version, or name another schema`;
}
