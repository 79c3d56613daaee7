// The semantic cache's entries in Postgres (pgvector), which hosts share. The tenant stands in the primary key and in every question,
// and a question is asked within one partition, so that nothing of another can be found by whatever similarity. While the database is
// away nothing is found and nothing is kept: the calls go on.

import type { PostgresAddress } from "../../config/postgres_address.ts";
import { Database } from "../../postgres/database.ts";
import { DatabaseFault, faultOf } from "../../postgres/fault.ts";
import { migrate } from "../../postgres/migrate.ts";
import {
  CANDIDATES_MAX,
  type Candidate,
  type Filter,
  KEY_MAX_BYTES,
  type NewEntry,
  OBSERVATIONS_MAX,
  type Observation,
  type Place,
  TAGS_MAX,
  TEXT_MAX,
} from "./entry.ts";
import type { EntryIndex } from "./entry_index.ts";
import { endOf } from "./store_keys.ts";
import type { IndexStats } from "./vector_index.ts";
import { DIMS_MAX } from "./vector_memory.ts";

/** Questions at once, and how long one may take: whoever asks has given up long before. */
const SEARCH_CONNECTIONS = 4;
const SEARCH_MS = 1_000;
const WRITE_CONNECTIONS = 2;
const WRITE_MS = 10_000;
/** After a fault nothing is asked for so long. */
const REST_MS = 1_000;
/** Entries that wait to be written; more are not kept. */
const WAITING_MAX = 500;
/** Dimensions up to which a graph can be made of vectors (pgvector, "HNSW"). */
const GRAPH_DIMS_MAX = 2_000;
/** A graph is gone through until enough of the asked partition was found (pgvector 0.8, "Iterative Index Scans"). */
const GRAPH_SETTINGS = { "hnsw.iterative_scan": "strict_order" };
/** How often it is looked for what has expired or is too much, and how much goes at once. */
const SWEEP_EVERY_MS = 60_000;
const SWEEP_ROWS = 2_000;
const FAULT_EVERY_MS = 60_000;

const FIRST = (vector: string) => `
CREATE TABLE similar_requests (
  tenant bytea NOT NULL,        -- what the partition's name begins with
  partition bytea NOT NULL,     -- requests that may be answered by each other's answers
  space text NOT NULL,          -- what made the vector
  id bytea NOT NULL,            -- what the answer is known by
  dims integer NOT NULL,
  vector ${vector} NOT NULL,
  text text NOT NULL,
  model text NOT NULL,
  tags text NOT NULL,           -- JSON
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  observations jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (tenant, partition, space, id)
);
CREATE INDEX similar_by_id ON similar_requests (id);
CREATE INDEX similar_by_expiry ON similar_requests (expires_ms);
CREATE INDEX similar_by_age ON similar_requests (created_ms);
CREATE TABLE similar_blocked (id bytea PRIMARY KEY, until_ms bigint NOT NULL);
`;

/** How an index is opened. */
export interface PostgresIndexOptions {
  readonly address: PostgresAddress;
  readonly max_entries: number;
  log(line: string): void;
}

/** Entries in a database. */
export class PostgresIndex implements EntryIndex {
  readonly #reading: Database;
  readonly #writing: Database;
  readonly #shown: string;
  readonly #log: (line: string) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Where the extension is; null until the tables are there. */
  #home: string | null = null;
  #opening: Promise<string> | null = null;
  /** Dimensions whose vectors have a graph. */
  readonly #graphs = new Set<number>();
  #max_entries: number;
  #entries = 0;
  #waiting = 0;
  #rest_until_ms = 0;
  #told_ms = -FAULT_EVERY_MS;
  #is_closed = false;
  #counts = { added: 0, removed: 0, evicted: 0, expired: 0, refused: 0 };

  constructor({ address, max_entries, log }: PostgresIndexOptions) {
    this.#reading = new Database(address, {
      ...{ max: SEARCH_CONNECTIONS, timeout_ms: SEARCH_MS, settings: GRAPH_SETTINGS },
    });
    this.#writing = new Database(address, { max: WRITE_CONNECTIONS, timeout_ms: WRITE_MS });
    this.#shown = address.shown;
    this.#max_entries = max_entries;
    this.#log = log;
    this.#timer = setInterval(() => void this.sweep(), SWEEP_EVERY_MS);
    this.#timer.unref();
    void this.#try(() => this.#open());
  }

  limit(max_entries: number): void {
    this.#max_entries = max_entries;
  }

  async search(
    { partition, space }: Place,
    vector: Float32Array,
    limit: number,
    min_similarity: number,
    now_ms: number,
  ): Promise<readonly Candidate[] | null> {
    // While it is not known to be there, nobody waits for it.
    const home = this.#home;
    if (home === null || performance.now() < this.#rest_until_ms) return null;
    const { length } = vector;
    const distance = `(vector::"${home}".vector(${length}) OPERATOR("${home}".<=>) ?::"${home}".vector(${length}))`;
    const wanted = Math.max(0, Math.min(limit, CANDIDATES_MAX));
    const found = await this.#try(() =>
      this.#reading.ask<CandidateRow>(
        `SELECT id, text, 1 - ${distance} AS similarity, observations::text AS observations, created_ms, expires_ms
         FROM similar_requests
         WHERE tenant = ? AND partition = ? AND space = ? AND dims = ${length} AND expires_ms > ?
         ORDER BY ${distance} LIMIT ?`,
        ...[written(vector), tenantOf(partition), partition, space, now_ms, written(vector), wanted],
      ),
    );
    return found?.map(candidateOf).filter(({ similarity }) => similarity >= min_similarity) ?? null;
  }

  async add(entry: NewEntry, vector: Float32Array, now_ms: number): Promise<boolean> {
    const is_added = isAcceptable(entry, vector, now_ms) && (await this.#add(entry, vector, now_ms)) === true;
    if (is_added) this.#counts.added += 1;
    else this.#counts.refused += 1;
    return is_added;
  }

  async observe({ partition, space }: Place, id: Uint8Array, observation: Observation): Promise<boolean> {
    const found = await this.#write((db) =>
      db.ask(
        `UPDATE similar_requests SET observations = (
           SELECT jsonb_agg(one ORDER BY place) FROM (
             SELECT one, place FROM jsonb_array_elements(observations || jsonb_build_array(?::text::jsonb)) WITH ORDINALITY AS all_of (one, place)
             ORDER BY place DESC LIMIT ${OBSERVATIONS_MAX}) AS newest)
         WHERE tenant = ? AND partition = ? AND space = ? AND id = ? RETURNING 1 AS n`,
        ...[JSON.stringify(observation), tenantOf(partition), partition, space, id],
      ),
    );
    return (found?.length ?? 0) > 0;
  }

  async remove(filter: Filter): Promise<number> {
    const [condition, ...values] = conditionOf(filter);
    const found = await this.#write((db) =>
      db.ask(
        `WITH gone AS (DELETE FROM similar_requests WHERE ${condition} RETURNING 1) SELECT count(*) AS count FROM gone`,
        ...values,
      ),
    );
    const removed = Number(found?.[0]?.["count"] ?? 0);
    this.#counts.removed += removed;
    this.#entries = Math.max(0, this.#entries - removed);
    return removed;
  }

  async block(id: Uint8Array, until_ms: number): Promise<boolean> {
    if (id.length === 0 || id.length > KEY_MAX_BYTES) return false;
    const done = await this.#write((db) =>
      db.ask(
        "INSERT INTO similar_blocked VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until_ms = excluded.until_ms RETURNING 1 AS n",
        ...[id, until_ms],
      ),
    );
    if (done === null) return false;
    await this.remove({ by: "id", id });
    return true;
  }

  /** Removes what has expired, and the oldest entries where there are too many. */
  async sweep(now_ms = Date.now()): Promise<void> {
    await this.#write(async (db) => {
      await db.ask("DELETE FROM similar_blocked WHERE until_ms <= ?", now_ms);
      const [expired] = await db.ask(
        `WITH gone AS (DELETE FROM similar_requests WHERE (tenant, partition, space, id) IN (
           SELECT tenant, partition, space, id FROM similar_requests WHERE expires_ms <= ? LIMIT ?) RETURNING 1)
         SELECT count(*) AS count FROM gone`,
        ...[now_ms, SWEEP_ROWS],
      );
      this.#counts.expired += Number(expired?.["count"] ?? 0);
      const [all] = await db.ask("SELECT count(*) AS count FROM similar_requests");
      this.#entries = Number(all?.["count"] ?? 0);
      const over = Math.min(SWEEP_ROWS, this.#entries - this.#max_entries);
      if (over <= 0) return;
      await db.ask(
        `DELETE FROM similar_requests WHERE (tenant, partition, space, id) IN (
           SELECT tenant, partition, space, id FROM similar_requests ORDER BY created_ms LIMIT ?)`,
        over,
      );
      this.#counts.evicted += over;
      this.#entries -= over;
    });
  }

  /** Resolves when the tables are there; in words, why they are not. */
  async ready(): Promise<string | null> {
    try {
      await this.#open();
      return null;
    } catch (error) {
      return faultOf(error).message;
    }
  }

  stats(): IndexStats {
    return {
      ...{ entries: this.#entries, max_entries: this.#max_entries, ...this.#counts },
      ...{ partitions_loaded: 0, vectors_loaded: 0, graphs: this.#graphs.size, memory_bytes: 0 },
      ...{ is_working: this.#waiting > 0, is_fast: true, no_graphs: null },
    };
  }

  async close(): Promise<void> {
    this.#is_closed = true;
    clearInterval(this.#timer);
    await Promise.all([this.#reading.close(), this.#writing.close()]);
  }

  #add(entry: NewEntry, vector: Float32Array, now_ms: number): Promise<boolean | null> {
    const { partition, space, id, text, model, tags, expires_ms } = entry;
    return this.#write(async (db, home) => {
      await this.#graphFor(vector.length, home);
      const found = await db.ask(
        `INSERT INTO similar_requests (tenant, partition, space, id, dims, vector, text, model, tags, created_ms, expires_ms)
         SELECT ?, ?, ?, ?, ?, ?::"${home}".vector, ?, ?, ?, ?, ?
         WHERE NOT EXISTS (SELECT 1 FROM similar_blocked WHERE id = ? AND until_ms > ?)
         ON CONFLICT (tenant, partition, space, id) DO UPDATE SET dims = excluded.dims, vector = excluded.vector, text = excluded.text,
           model = excluded.model, tags = excluded.tags, created_ms = excluded.created_ms, expires_ms = excluded.expires_ms,
           observations = CASE WHEN similar_requests.text = excluded.text THEN similar_requests.observations ELSE '[]' END
         RETURNING (xmax = 0) AS is_new`,
        ...[tenantOf(partition), partition, space, id, vector.length, written(vector)],
        ...[storable(text), storable(model), JSON.stringify(tags), now_ms, expires_ms, id, now_ms],
      );
      if (found[0]?.["is_new"] === true) this.#entries += 1;
      return found.length > 0;
    });
  }

  /** Vectors of one length have a graph of their own. It is used where a partition is too large to go through. */
  async #graphFor(dims: number, home: string): Promise<void> {
    if (this.#graphs.has(dims) || dims > GRAPH_DIMS_MAX) return;
    await this.#writing.transact(async (tx) => {
      await tx.lock("vectors");
      await tx.run(
        `CREATE INDEX IF NOT EXISTS similar_graph_${dims} ON similar_requests
         USING hnsw ((vector::"${home}".vector(${dims})) "${home}".vector_cosine_ops) WHERE dims = ${dims}`,
      );
    });
    this.#graphs.add(dims);
  }

  #open(): Promise<string> {
    this.#opening ??= this.#prepare().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #prepare(): Promise<string> {
    const home = (await this.#extension()) ?? (await this.#makeExtension());
    await migrate(this.#writing, "vectors", [FIRST(`"${home}".vector`)]);
    this.#home = home;
    return home;
  }

  async #makeExtension(): Promise<string> {
    let why = "";
    try {
      await this.#writing.ask("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public");
    } catch (error) {
      why = ` (CREATE EXTENSION vector: ${faultOf(error).message})`;
    }
    // Another host may have made it at the same moment.
    const home = await this.#extension();
    if (home === null) throw new DatabaseFault(`it has no pgvector${why}`, "42704");
    return home;
  }

  /** The schema that the extension is in; null where there is none. */
  async #extension(): Promise<string | null> {
    const [found] = await this.#writing.ask<{ name: string }>(
      "SELECT nspname AS name FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'",
    );
    return found === undefined ? null : found.name.replaceAll('"', '""');
  }

  async #write<T>(action: (db: Database, home: string) => Promise<T>): Promise<T | null> {
    if (this.#waiting >= WAITING_MAX || performance.now() < this.#rest_until_ms) return null;
    this.#waiting += 1;
    try {
      return await this.#try(async () => action(this.#writing, await this.#open()));
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Null where the database did not answer as it should, after which it is left alone for a moment. */
  async #try<T>(action: () => Promise<T>): Promise<T | null> {
    try {
      return await action();
    } catch (error) {
      const { message, is_of_data } = faultOf(error);
      const now_ms = performance.now();
      if (!is_of_data) this.#rest_until_ms = now_ms + REST_MS;
      if (now_ms - this.#told_ms >= FAULT_EVERY_MS && !this.#is_closed) {
        this.#told_ms = now_ms;
        this.#log(`similar requests are not shared: ${this.#shown}: ${message}`);
      }
      return null;
    }
  }
}

interface CandidateRow {
  readonly id: Uint8Array;
  readonly text: string;
  readonly similarity: number;
  readonly observations: string;
  readonly created_ms: bigint;
  readonly expires_ms: bigint;
}

function candidateOf({
  id,
  text,
  similarity,
  observations,
  created_ms,
  expires_ms,
}: CandidateRow): Candidate {
  return {
    ...{ id: new Uint8Array(id), text, similarity: Math.min(1, similarity) },
    observations: JSON.parse(observations) as Observation[],
    ...{ created_ms: Number(created_ms), expires_ms: Number(expires_ms) },
  };
}

function isAcceptable(
  { partition, id, text, tags, expires_ms }: NewEntry,
  vector: Float32Array,
  now_ms: number,
): boolean {
  const are_keys = [partition, id].every(({ length }) => length > 0 && length <= KEY_MAX_BYTES);
  const is_short = text.length <= TEXT_MAX && tags.length <= TAGS_MAX && vector.length <= DIMS_MAX;
  return are_keys && is_short && expires_ms > now_ms && vector.every(Number.isFinite) && vector.some(Boolean);
}

type Condition = [text: string, ...values: (Uint8Array | string)[]];

function conditionOf(filter: Filter): Condition {
  switch (filter.by) {
    case "id":
      return ["id = ?", filter.id];
    case "partition":
      return ["tenant = ? AND partition = ?", tenantOf(filter.partition), filter.partition];
    case "prefix": {
      const end = endOf(filter.prefix);
      return end === null
        ? ["partition >= ?", filter.prefix]
        : ["partition >= ? AND partition < ?", filter.prefix, end];
    }
    case "model":
      return ["model = ?", storable(filter.model)];
    case "tag":
      return ["tags::jsonb @> jsonb_build_array(?::text)", filter.tag];
  }
}

/** The tenant that a partition's name begins with, behind its length; of another name, nothing. */
function tenantOf(partition: Uint8Array): Uint8Array {
  const length = 2 + (((partition[0] ?? 0) << 8) | (partition[1] ?? 0));
  return length <= partition.length ? partition.subarray(0, length) : partition.subarray(0, 0);
}

/** A vector as pgvector reads it. */
function written(vector: Float32Array): string {
  return `[${vector.join(",")}]`;
}

/** Text as Postgres takes it: it has no NUL and no half characters. */
function storable(text: string): string {
  return text.replaceAll("\0", " ").toWellFormed();
}
