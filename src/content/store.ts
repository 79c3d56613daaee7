// The store of content: calls by their ids, each a sealed card and the blobs that it shares with others of its tenant. What nobody
// needs any more is gone in the same transaction.

import type { Database } from "bun:sqlite";
import { Cards, type ContentKeys, contentOf } from "./cards.ts";
import { openContentFile } from "./file.ts";
import { piecesOf } from "./pieces.ts";
import type { Card, ContentCall, KeptContent } from "./record.ts";

/** Calls that are removed in one transaction: a writer waits no longer for it. */
const REMOVED_AT_ONCE = 200;

/** A call whose answer has the form in which it is kept. */
export interface WholeCall extends Omit<ContentCall, "answer"> {
  readonly answer: { readonly bytes: Uint8Array; readonly form: "whole" | "events" } | null;
}

/** Which calls are meant: those of whom all that is said holds. */
export interface ContentFilter {
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  /** Of that tenant. */
  readonly users?: readonly string[] | undefined;
  readonly before_ms?: number | undefined;
}

/** What the store holds. */
export interface ContentStats {
  readonly calls: number;
  /** On the disk. */
  readonly bytes: number;
  /** When its oldest call arrived, milliseconds since 1970; null where it has none. */
  readonly oldest_ms: number | null;
}

interface CallRecord {
  readonly seq: number;
  readonly id: string;
  readonly card: Uint8Array;
}

/** The store of a data folder, open. Its methods throw what SQLite throws. */
export class ContentStore {
  readonly #db: Database;
  readonly #cards: Cards;

  private constructor(db: Database, keys: ContentKeys) {
    this.#db = db;
    this.#cards = new Cards(keys);
  }

  /** Opens it, and makes it where there is none; in words, why it cannot be. */
  static open(folder: string, keys: ContentKeys): ContentStore | { readonly fault: string } {
    const db = openContentFile(folder);
    return "fault" in db ? db : new ContentStore(db, keys);
  }

  /** Keeps calls, all or none; one that is there already stays as it is. */
  keep(calls: readonly WholeCall[]): void {
    this.#db
      .transaction(() => {
        for (const call of calls) this.#keepOne(call);
      })
      .immediate();
  }

  #keepOne(call: WholeCall): void {
    const { user, request, answer, ...told } = call;
    const { id, tenant, time_ms } = call;
    const needed = new Set<number>();
    const card: Card = {
      ...told,
      request: this.#piecesOf(tenant, request, needed),
      answer:
        answer === null ? null : { form: answer.form, pieces: this.#piecesOf(tenant, answer.bytes, needed) },
    };
    const hashes = [
      this.#cards.tenantHash(tenant),
      user === null ? null : this.#cards.userHash(tenant, user),
    ];
    const added = this.#db
      .query<{ seq: number }, [string, Uint8Array | null, Uint8Array | null, number, Uint8Array]>(
        "INSERT INTO calls (id, tenant, user, time, card) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq",
      )
      .get(id, hashes[0]!, hashes[1]!, time_ms, this.#cards.sealCard(card));
    if (added === null) {
      this.#removeUnused([...needed]);
      return;
    }
    for (const blob of needed)
      this.#db.query("INSERT OR IGNORE INTO uses (call, blob) VALUES (?, ?)").run(added.seq, blob);
  }

  /** A body's pieces as a card has them: what another call may have too is put where both find it. */
  #piecesOf(tenant: string, body: Uint8Array, needed: Set<number>): (string | number)[] {
    return piecesOf(body).map(({ bytes, is_apart }) => {
      // Byte for byte, whatever the bytes are.
      if (!is_apart) return Buffer.from(bytes).toString("latin1");
      const blob = this.#blobOf(tenant, bytes);
      needed.add(blob);
      return blob;
    });
  }

  #blobOf(tenant: string, bytes: Uint8Array): number {
    const name = this.#cards.blobName(tenant, bytes);
    const known = this.#db
      .query<{ seq: number }, [Uint8Array]>("SELECT seq FROM blobs WHERE name = ?")
      .get(name);
    if (known !== null) return known.seq;
    const sealed = this.#cards.sealBlob(tenant, name, bytes);
    return this.#db
      .query<{ seq: number }, [Uint8Array, Uint8Array]>(
        "INSERT INTO blobs (name, sealed) VALUES (?, ?) RETURNING seq",
      )
      .get(name, sealed)!.seq;
  }

  /** What is kept of a call; null where nothing is, no longer, or what is cannot be opened. */
  find(id: string, now_ms = Date.now()): KeptContent | null {
    return this.#db.transaction(() => {
      const found = this.#db
        .query<CallRecord, [string]>("SELECT seq, id, card FROM calls WHERE id = ?")
        .get(id);
      const card = found === null ? null : this.#cards.openCard(id, found.card, now_ms);
      if (card === null) return null;
      const request = this.#joined(card.tenant, card.request);
      const answer = card.answer === null ? null : this.#joined(card.tenant, card.answer.pieces);
      return request === null ? null : contentOf(card, request, answer);
    })();
  }

  #joined(tenant: string, pieces: readonly (string | number)[]): Uint8Array | null {
    const parts: Uint8Array[] = [];
    for (const piece of pieces) {
      const bytes = typeof piece === "string" ? Buffer.from(piece, "latin1") : this.#blob(tenant, piece);
      if (bytes === null) return null;
      parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  #blob(tenant: string, seq: number): Uint8Array | null {
    const found = this.#db
      .query<{ name: Uint8Array; sealed: Uint8Array }, [number]>(
        "SELECT name, sealed FROM blobs WHERE seq = ?",
      )
      .get(seq);
    return found === null ? null : this.#cards.openBlob(tenant, found.name, found.sealed);
  }

  /** Removes a slice of the calls that are meant, the oldest first; gives how many: none when all are gone. */
  remove({ id, tenant, users, before_ms }: ContentFilter, at_most = REMOVED_AT_ONCE): number {
    const conditions: string[] = [];
    const values: (string | number | Uint8Array)[] = [];
    const add = (condition: string, value: string | number | Uint8Array) => {
      conditions.push(condition);
      values.push(value);
    };
    if (id !== undefined) add("id = ?", id);
    if (tenant !== undefined) add("tenant = ?", this.#cards.tenantHash(tenant));
    if (users !== undefined && tenant !== undefined) {
      conditions.push(`user IN (${users.map(() => "?").join(", ")})`);
      values.push(...users.map((user) => this.#cards.userHash(tenant, user)));
    }
    if (before_ms !== undefined) add("time < ?", before_ms);
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    return this.#db
      .transaction(() => {
        const found = this.#db
          .query<{ seq: number }, (string | number | Uint8Array)[]>(
            `SELECT seq FROM calls ${where} ORDER BY seq LIMIT ${Math.min(at_most, REMOVED_AT_ONCE)}`,
          )
          .all(...values);
        for (const { seq } of found) this.#removeCall(seq);
        return found.length;
      })
      .immediate();
  }

  #removeCall(seq: number): void {
    const used = this.#db
      .query<{ blob: number }, [number]>("DELETE FROM uses WHERE call = ? RETURNING blob")
      .all(seq);
    this.#db.query("DELETE FROM calls WHERE seq = ?").run(seq);
    this.#removeUnused(used.map(({ blob }) => blob));
  }

  #removeUnused(blobs: readonly number[]): void {
    const remove = this.#db.query(
      "DELETE FROM blobs WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM uses WHERE blob = ?1)",
    );
    for (const blob of blobs) remove.run(blob);
  }

  /** Gives back to the disk what was freed, and what is left of it in the log's file. */
  shrink(): void {
    // Each step of it frees one page.
    this.#db.query("PRAGMA incremental_vacuum").all();
    this.#db.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
  }

  stats(): ContentStats {
    const { calls, oldest } = this.#db
      .query<{ calls: number; oldest: number | null }, []>(
        "SELECT count(*) AS calls, min(time) AS oldest FROM calls",
      )
      .get()!;
    return { calls, bytes: this.bytes, oldest_ms: oldest };
  }

  /** Bytes of what is in it. */
  get bytes(): number {
    const number = (pragma: string) =>
      Object.values(this.#db.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0;
    return (number("page_count") - number("freelist_count")) * number("page_size");
  }

  close(): void {
    this.#db.close();
  }
}
