// Keys that hosts share: the database has them, and every host has a copy in its data folder, which its gateway processes read. A
// change is made in the database and told to all hosts; one that was not heard of is found within a second. While the database is
// away, keys that are known go on working, and none is changed.

import { readPostgresAddress } from "../../config/postgres_address.ts";
import { Database, type Transaction } from "../../postgres/database.ts";
import { DatabaseFault, faultOf } from "../../postgres/fault.ts";
import { migrate } from "../../postgres/migrate.ts";
import type { KeyRecord } from "../key_record.ts";
import type { KeyStore } from "../key_store.ts";
import { keyText, readKeyText } from "./record_text.ts";
import { MIGRATIONS } from "./schema.ts";

/** How often it is looked for changes that were not heard of. */
const LOOK_MS = 1_000;
/** How long the database may take to answer: a change is with every host within two seconds of its return. */
const TIMEOUT_MS = 3_000;
/** Keys that are copied at once. */
const PAGE = 2_000;
const CHANNEL = "venturi_keys";
/** Which register of keys the copy is of. */
const REGISTER_MARK = "shared.register";

/** What shared keys work with. */
export interface SharedKeysOptions {
  /** The copy. */
  readonly store: KeyStore;
  /** `keys.store`, checked. */
  readonly url: string;
  log(line: string): void;
  /** Keys have changed that this host has not changed itself. */
  onChange?(): void;
}

/** A change under way: the copy is as new as the database, and nobody else changes any key. */
export interface KeySession {
  readonly tx: Transaction;
  put(record: KeyRecord): void;
}

/** The keys of one database. */
export class SharedKeys {
  readonly store: KeyStore;
  /** The database, without its password. */
  readonly shown: string;
  readonly #db: Database;
  readonly #channel: string;
  readonly #log: (line: string) => void;
  readonly #onChange: () => void;
  #timer: ReturnType<typeof setInterval> | null = null;
  /** The last change that the copy has; -1 until it has been compared with all of them. */
  #last = -1;
  #is_prepared = false;
  #is_listening = false;
  #is_closed = false;
  #looking: Promise<void> | null = null;
  /** Why the database could not be asked the last time; null if it could. */
  #fault: string | null = null;

  constructor({ store, url, log, onChange = () => {} }: SharedKeysOptions) {
    const address = readPostgresAddress(url);
    if ("fault" in address) throw new Error(`keys ${address.fault}`);
    this.store = store;
    this.shown = address.shown;
    this.#db = new Database(address, { max: 2, timeout_ms: TIMEOUT_MS });
    this.#channel = `${CHANNEL}_${address.schema}`;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Begins to keep up; resolves when the copy is as new as the database, or that could not be asked. */
  start(): Promise<void> {
    this.#timer ??= setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
    return this.look();
  }

  /** Why the database cannot be asked; null if it can. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Brings what is new into the copy. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /**
   * Makes a change: what `work` puts is in the database and in this host's copy when it resolves. It throws `DatabaseFault`, after
   * which nothing is changed, unless it is a commit that was not answered.
   */
  async change<T>(work: (session: KeySession) => Promise<T>): Promise<T> {
    await this.#prepare();
    const result = await this.#db.transact(async (tx) => {
      await tx.lock("keys");
      await this.#pull(tx);
      // What is read from here on is what was just copied.
      this.store.refresh();
      const records: KeyRecord[] = [];
      const done = await work({ tx, put: (record) => records.push(record) });
      for (const record of records) await putKey(tx, record);
      if (records.length > 0) await tx.ask("SELECT pg_notify(?, '')", this.#channel);
      return done;
    });
    await this.look();
    return result;
  }

  /** Asks the database something else, in words of its own tables. It throws `DatabaseFault`. */
  async ask<T>(text: string, ...values: (string | number)[]): Promise<T[]> {
    await this.#prepare();
    return this.#db.ask<T>(text, ...values);
  }

  async close(): Promise<void> {
    this.#is_closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#db.close();
  }

  async #look(): Promise<void> {
    try {
      await this.#prepare();
      if (!this.#is_listening) {
        await this.#db.listen(
          this.#channel,
          () => void this.#lookAgain(),
          () => void this.#lookAgain(),
        );
        this.#is_listening = true;
      }
      await this.#pull(this.#db);
      if (this.#fault !== null) this.#log(`keys are shared with ${this.shown} again`);
      this.#fault = null;
    } catch (error) {
      const { message } = faultOf(error);
      if (this.#is_closed) return;
      // Its connections may be gone, and what is told on them; the client would go on by itself, and say so on standard error.
      this.#is_listening = false;
      await this.#db.reset();
      if (this.#fault === null) {
        this.#log(
          `keys cannot be shared with ${this.shown} (${message}): those that are known go on working, and none can be changed`,
        );
      }
      this.#fault = message;
    }
  }

  /** What is told while it is being looked may be newer than what is found. */
  async #lookAgain(): Promise<void> {
    await this.#looking;
    await this.look();
  }

  /** The tables, and that the copy is theirs. */
  async #prepare(): Promise<void> {
    if (this.#is_prepared) return;
    await migrate(this.#db, "keys", MIGRATIONS);
    await this.#db.transact(async (tx) => {
      await tx.lock("keys");
      await this.#adopt(tx);
    });
    this.#is_prepared = true;
  }

  /** The first time, keys that this host has made before come into the database. */
  async #adopt(tx: Transaction): Promise<void> {
    const [register] = await tx.ask<{ id: string }>("SELECT id::text AS id FROM key_register");
    const id = register!.id;
    const known = this.store.mark(REGISTER_MARK);
    if (known === id) return;
    if (known !== null) {
      throw new DatabaseFault(
        "the keys of this data folder are a copy of another database's; name that one, or use another data folder",
        "OTHER",
      );
    }
    for (const record of [...this.store.list()]) {
      const [same] = await tx.ask("SELECT 1 AS n FROM keys WHERE id = ?", record.id);
      const [named] =
        record.revoked_ms === null
          ? await tx.ask("SELECT 1 AS n FROM keys WHERE name = ? AND revoked_ms IS NULL", record.name)
          : [];
      if (same !== undefined) continue;
      if (named === undefined) await putKey(tx, record);
      else
        this.#log(`the key '${record.name}' of this host is not shared: ${this.shown} has one of that name`);
    }
    this.store.change((writer) => writer.setMark(REGISTER_MARK, id));
  }

  /** Copies what has changed since the last time. */
  async #pull(asker: Database | Transaction): Promise<void> {
    const [newest] = await asker.ask<{ change: bigint | null }>("SELECT max(change) AS change FROM keys");
    const end = Number(newest?.change ?? 0);
    // A database that was put back to an earlier state is right.
    if (end < this.#last) this.#last = -1;
    while (this.#last < end) {
      const found = await asker.ask<{ change: bigint; record: string }>(
        "SELECT change, record FROM keys WHERE change > ? ORDER BY change LIMIT ?",
        ...[this.#last, PAGE],
      );
      const records = found.map(({ record }) => readKeyText(record)).filter((record) => record !== null);
      const fresh = records.filter((record) => {
        const own = this.store.byId(record.id);
        return own === null || keyText(own) !== keyText(record);
      });
      if (fresh.length > 0) {
        this.store.change((writer) => {
          for (const record of fresh) writer.put(record);
        });
        this.#onChange();
      }
      this.#last = Number(found.at(-1)?.change ?? end);
    }
  }
}

async function putKey(tx: Transaction, record: KeyRecord): Promise<void> {
  const { id, name, tenant, version, revoked_ms } = record;
  await tx.ask(
    `INSERT INTO keys (id, change, name, tenant, version, revoked_ms, record)
     VALUES (?, nextval('key_changes'), ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET change = excluded.change, name = excluded.name, tenant = excluded.tenant,
       version = excluded.version, revoked_ms = excluded.revoked_ms, record = excluded.record`,
    ...[id, name, tenant, version, revoked_ms, keyText(record)],
  );
}
