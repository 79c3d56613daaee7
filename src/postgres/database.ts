// A Postgres database, by Bun's own client: connected to when it is first asked, and anew after whatever happened to a connection.
// A server that does not answer in time is given up, with its connections: nobody waits for one that is stopped or cut off.

import { readFileSync } from "node:fs";
import { SQL } from "bun";
import type { PostgresAddress } from "../config/postgres_address.ts";
import { DatabaseFault, faultOf } from "./fault.ts";

/** What a statement is given, and what it may answer: whole numbers of 64 bits are bigints. */
export type Value = string | number | bigint | boolean | null | Uint8Array;

/** Answers statements; `?` stands for the values, one after another. */
export interface Asker {
  ask<T = Record<string, Value>>(text: string, ...values: Value[]): Promise<T[]>;
}

/** How a database is used. */
export interface DatabaseOptions {
  /** Connections at most. */
  readonly max?: number;
  /** How long a statement may take until its connection is given up. */
  readonly timeout_ms?: number;
  /** Settings of its sessions, besides the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

const CONNECT_S = 5;
const TIMEOUT_MS = 10_000;
/** A connection that is not used for so long is closed. */
const IDLE_S = 300;
/** A transaction in which its client says nothing any more ends: what it locks, others wait for. */
const SILENT_MS = 5_000;

/** A database. */
export class Database implements Asker {
  readonly address: PostgresAddress;
  readonly #max: number;
  readonly #timeout_ms: number;
  readonly #settings: Readonly<Record<string, string>>;
  #sql: SQL | null = null;
  #is_closed = false;

  constructor(
    address: PostgresAddress,
    { max = 1, timeout_ms = TIMEOUT_MS, settings = {} }: DatabaseOptions = {},
  ) {
    this.address = address;
    this.#max = max;
    this.#timeout_ms = timeout_ms;
    this.#settings = settings;
  }

  /** Answers a statement; it throws `DatabaseFault`. */
  async ask<T = Record<string, Value>>(text: string, ...values: Value[]): Promise<T[]> {
    return [...((await this.#within((sql) => sql.unsafe(numbered(text), values))) as T[])];
  }

  /** Runs statements that have no values, several of them in one text. */
  async run(text: string): Promise<void> {
    await this.#within((sql) => sql.unsafe(text));
  }

  /** All of it is committed when it resolves; nothing of it is there when it rejects before the commit was sent. */
  async transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: worked, resolve: end } = Promise.withResolvers<void>();
    try {
      const sql = this.#open();
      const whole = sql.begin(async (tx) => {
        begin();
        try {
          return await work(new Transaction(tx as unknown as SQL, (waiting) => this.#timed(sql, waiting)));
        } finally {
          end();
        }
      });
      // Every statement has its own time, and so have the first and the last, which are the client's: the whole is as long as it is.
      await this.#timed(sql, Promise.race([begun, whole]));
      await Promise.race([worked, whole]);
      return await this.#timed(sql, whole);
    } catch (error) {
      throw faultOf(error);
    }
  }

  /**
   * Hears of what is told in a channel (NOTIFY). The connection is the client's own, and comes back by itself; what was told in
   * between is lost, which `onListening` says each time.
   */
  async listen(channel: string, onNotice: (text: string) => void, onListening: () => void): Promise<void> {
    await this.#within((sql) => sql.listen(channel, (text: string) => onNotice(text), onListening));
  }

  /** Ends all connections, whatever they do; the next question makes another. Nothing is heard any more of what was listened to. */
  reset(): Promise<void> {
    return this.#drop(this.#sql);
  }

  /** Ends all connections for good, whatever they do. */
  async close(): Promise<void> {
    this.#is_closed = true;
    await this.#drop(this.#sql);
  }

  #open(): SQL {
    if (this.#is_closed) throw new DatabaseFault("the database is closed", "CLOSED");
    this.#sql ??= new SQL(optionsOf(this.address, this.#max, this.#timeout_ms, this.#settings));
    return this.#sql;
  }

  #within<T>(action: (sql: SQL) => Promise<T>): Promise<T> {
    try {
      const sql = this.#open();
      return this.#timed(sql, action(sql));
    } catch (error) {
      return Promise.reject(faultOf(error));
    }
  }

  async #timed<T>(sql: SQL, waiting: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new DatabaseFault(`no answer in ${this.#timeout_ms} ms`, "TIMEOUT"));
      void this.#drop(sql);
    }, this.#timeout_ms);
    try {
      return await Promise.race([waiting, late]);
    } catch (error) {
      throw faultOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What waits on these connections fails at once. */
  async #drop(sql: SQL | null): Promise<void> {
    if (sql === null) return;
    if (this.#sql === sql) this.#sql = null;
    await sql.close({ timeout: 0 }).catch(() => {});
  }
}

/** A transaction that is open. */
export class Transaction implements Asker {
  readonly #sql: SQL;
  readonly #timed: <T>(waiting: Promise<T>) => Promise<T>;

  constructor(sql: SQL, timed: <T>(waiting: Promise<T>) => Promise<T>) {
    this.#sql = sql;
    this.#timed = timed;
  }

  async ask<T = Record<string, Value>>(text: string, ...values: Value[]): Promise<T[]> {
    return [...((await this.#timed(this.#sql.unsafe(numbered(text), values))) as T[])];
  }

  /** Runs statements that have no values, several of them in one text. */
  async run(text: string): Promise<void> {
    await this.#timed(this.#sql.unsafe(text));
  }

  /** Has this lock until the end, unless another transaction has it; gives whether. */
  async tryLock(name: string): Promise<boolean> {
    const [found] = await this.ask(
      "SELECT pg_try_advisory_xact_lock(hashtextextended(current_setting('search_path') || ?, 0)) AS is_had",
      `/${name}`,
    );
    return found?.["is_had"] === true;
  }

  /** Waits until no other transaction of this database has this lock, and has it until the end. */
  async lock(name: string): Promise<void> {
    await this.ask(
      "SELECT pg_advisory_xact_lock(hashtextextended(current_setting('search_path') || ?, 0))",
      `/${name}`,
    );
  }
}

function optionsOf(
  address: PostgresAddress,
  max: number,
  timeout_ms: number,
  settings: Readonly<Record<string, string>>,
) {
  const { host, port, user, password, database, schema } = address;
  return {
    adapter: "postgres",
    ...{ hostname: host, port, username: user, password, database, max },
    tls: tlsOf(address),
    connectionTimeout: CONNECT_S,
    idleTimeout: IDLE_S,
    bigint: true,
    connection: {
      application_name: "venturi",
      search_path: schema,
      statement_timeout: timeout_ms,
      idle_in_transaction_session_timeout: SILENT_MS,
      client_min_messages: "warning",
      ...settings,
    },
  } as const;
}

function tlsOf({ sslmode, ca_file, host }: PostgresAddress) {
  if (sslmode !== "verify-full") return sslmode;
  const ca = ca_file === null ? {} : { ca: readFileSync(ca_file, "utf8") };
  return { ...ca, rejectUnauthorized: true, serverName: host };
}

/** Places of values as Postgres has them; no statement has a `?` for anything else. */
function numbered(text: string): string {
  let count = 0;
  return text.replaceAll("?", () => `$${++count}`);
}
