// The audit log of keys that hosts share: lines sealed like those of a file, in the database that has the keys.

import { readPostgresAddress } from "../../config/postgres_address.ts";
import { type Asker, Database, type Transaction } from "../../postgres/database.ts";
import { DatabaseFault, faultOf } from "../../postgres/fault.ts";
import { AUDIT_START, type AuditEvent, openLine, sealLine } from "./line.ts";
import type { RawLine } from "./log.ts";

/** Lines that are read at once. */
const PAGE = 1_000;

/** Adds entries, within the lock that changes of keys have. It throws where the log's end is not as it was written. */
export async function appendShared(
  tx: Transaction,
  events: readonly (readonly [event: AuditEvent, now_ms: number])[],
): Promise<void> {
  const [last] = await tx.ask<{ line: string }>("SELECT line FROM audit ORDER BY seq DESC LIMIT 1");
  let head = last === undefined ? AUDIT_START : openLine(last.line);
  if (head === null) throw new DatabaseFault("the end of the audit log is not as it was written", "AUDIT");
  for (const [event, now_ms] of events) {
    const sealed = sealLine(event, now_ms, head);
    await tx.ask("INSERT INTO audit VALUES (?, ?)", sealed.head.seq, sealed.line);
    head = sealed.head;
  }
}

/** The newest lines, the oldest of them first. */
export async function newestShared(asker: Pick<Asker, "ask">, limit: number): Promise<string[]> {
  const found = await asker.ask<{ line: string }>("SELECT line FROM audit ORDER BY seq DESC LIMIT ?", limit);
  return found.map(({ line }) => line).reverse();
}

/** All lines, one after another. It throws an error that says in words why they cannot be read. */
export async function* sharedLines(url: string): AsyncGenerator<RawLine> {
  const address = readPostgresAddress(url);
  if ("fault" in address) throw new Error(`the address of the keys ${address.fault}`);
  const db = new Database(address);
  try {
    for (let seq = 0; ; ) {
      const found = await db.ask<{ seq: bigint; line: string }>(
        "SELECT seq, line FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
        ...[seq, PAGE],
      );
      for (const { line } of found) yield { bytes: Buffer.from(line), is_whole: true };
      if (found.length < PAGE) return;
      seq = Number(found.at(-1)!.seq);
    }
  } catch (error) {
    throw new Error(`${address.shown} cannot be read: ${faultOf(error).message}`);
  } finally {
    await db.close();
  }
}
