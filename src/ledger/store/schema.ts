// The tables of the ledger, as steps from each version of the file to the next: a step that was ever shipped is never changed.
// The file's version stands in SQLite's own `user_version`; each step and its new version are one transaction.

import type { Database } from "bun:sqlite";

/** What is summed up of a window and group, besides the calls themselves; all of them columns of the rollups. */
const SUMS = `
  calls INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  cache_write_5m_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL,
  input_audio_tokens INTEGER NOT NULL,
  cached_input_audio_tokens INTEGER NOT NULL,
  input_image_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  output_audio_tokens INTEGER NOT NULL,
  output_image_tokens INTEGER NOT NULL,
  searches INTEGER NOT NULL,
  input_audio_ms INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL,
  unpriced_calls INTEGER NOT NULL,
  estimated_calls INTEGER NOT NULL`;

const rollup = (level: string) => `
CREATE TABLE rollup_${level} (
  start_ms INTEGER NOT NULL,
  group_id INTEGER NOT NULL,${SUMS},
  PRIMARY KEY (start_ms, group_id)
) STRICT, WITHOUT ROWID;`;

const FIRST = `
-- A row for each call. AUTOINCREMENT: readers remember how far they are by seq, so none is ever used again.
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request_id TEXT,              -- NULL where it is made of the id
  time INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  team TEXT,
  key TEXT,
  user TEXT,
  feature TEXT,
  tags TEXT,                    -- JSON; NULL for none
  model TEXT,
  provider TEXT,
  served_model TEXT,
  status INTEGER NOT NULL,
  error TEXT,
  finish_reason TEXT,
  stream INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  cache_write_5m_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL,
  input_audio_tokens INTEGER NOT NULL,
  cached_input_audio_tokens INTEGER NOT NULL,
  input_image_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  output_audio_tokens INTEGER NOT NULL,
  output_image_tokens INTEGER NOT NULL,
  searches INTEGER NOT NULL,
  input_audio_ms INTEGER NOT NULL,
  told_nano_usd INTEGER NOT NULL,
  cost_nano_usd INTEGER,
  price_version TEXT,
  cache TEXT NOT NULL,
  similarity REAL,
  attempts TEXT,                -- JSON; NULL for none
  redactions TEXT,              -- JSON; NULL for none
  timings_us TEXT,              -- JSON; NULL for none
  estimated INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_by_request ON calls (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX calls_by_time ON calls (time);
-- What is looked for and may be rare.
CREATE INDEX calls_by_key ON calls (key) WHERE key IS NOT NULL;
CREATE INDEX calls_by_user ON calls (user) WHERE user IS NOT NULL;
CREATE INDEX calls_by_error ON calls (error) WHERE error IS NOT NULL;

-- What usage is summed up by. '' is none.
CREATE TABLE groups (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  team TEXT NOT NULL,
  key TEXT NOT NULL,
  user TEXT NOT NULL,
  feature TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  served_model TEXT NOT NULL,
  UNIQUE (tenant, team, key, user, feature, model, provider, served_model)
) STRICT;
${rollup("minute")}
${rollup("hour")}
${rollup("day")}

-- What was spent by what may have a budget; user is '' but for budgets of each user of a key.
CREATE TABLE spend (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  user TEXT NOT NULL,
  period TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  nano_usd INTEGER NOT NULL,
  PRIMARY KEY (scope, name, user, period, start_ms)
) STRICT, WITHOUT ROWID;

-- Alerts of budgets: each once. sent_ms is NULL until it is delivered.
CREATE TABLE alerts (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  user TEXT NOT NULL,
  period TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  share REAL NOT NULL,
  body TEXT NOT NULL,
  sent_ms INTEGER,
  UNIQUE (scope, name, user, period, start_ms, share)
) STRICT;
CREATE INDEX alerts_waiting ON alerts (id) WHERE sent_ms IS NULL;

-- How far those are who are told of every call: the last seq that they have for certain.
CREATE TABLE cursors (
  name TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Kinds of usage, in the order of a row's amounts. */
const AMOUNTS_OF_FIRST = [
  ...["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cache_write_5m_tokens"],
  ...["cache_write_1h_tokens", "input_audio_tokens", "cached_input_audio_tokens", "input_image_tokens"],
  ...["output_audio_tokens", "output_image_tokens", "searches", "input_audio_ms", "told_nano_usd"],
].join(" || ',' || ");
const STAGES_OF_FIRST = ["total", "auth", "body", "scan", "connect", "first_byte", "overhead"]
  .map((stage) => `json_extract(timings_us, '$.${stage}')`)
  .join(", ");
const NAMES_OF_FIRST = ["tenant", "team", "key", "user", "feature", "model", "provider", "served_model"];

/** Rows are written in a third of the time: names by number, amounts and what is hardly ever asked for as texts, one index. */
const LEAN_ROWS = `
ALTER TABLE calls RENAME TO calls_1;
DROP INDEX calls_by_request;
-- A row for each call. seq grows from row to row and is never used again: readers remember how far they are by it.
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  request_id TEXT,              -- NULL where it is made of the id
  time INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  names TEXT,                   -- JSON: names that are "other" in its group; NULL for none
  status INTEGER NOT NULL,
  error TEXT,
  cache TEXT,                   -- NULL where no cache applied
  amounts TEXT NOT NULL,        -- cost, saved, estimated, usage by kind; with commas between them
  rest TEXT NOT NULL            -- JSON
) STRICT;
CREATE INDEX calls_by_request ON calls (request_id) WHERE request_id IS NOT NULL;
-- Of users that are "other" in their group: sums do not tell when they called.
CREATE INDEX calls_by_other_user ON calls (names ->> 'user') WHERE names IS NOT NULL;

-- Where the rows of a minute are: they lie between the two, among others. Rows come nearly in order of time, so that these few
-- numbers do for what an index of every row would.
CREATE TABLE minutes (
  start_ms INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL
) STRICT;

-- Groups are few beside rows.
CREATE INDEX groups_by_key ON groups (key);
CREATE INDEX groups_by_user ON groups (user);
INSERT OR IGNORE INTO groups (${NAMES_OF_FIRST.join(", ")})
  SELECT DISTINCT ${NAMES_OF_FIRST.map((name) => `coalesce(${name}, '')`).join(", ")} FROM calls_1;
INSERT INTO calls
  SELECT seq, calls_1.id, request_id, time, groups.id, NULL, status, error, nullif(cache, 'bypass'),
    coalesce(cost_nano_usd, '') || ',0,' || estimated || ',' || ${AMOUNTS_OF_FIRST},
    json_patch(
      json_object('timings_us', iif(timings_us IS NULL, json_array(), json_array(${STAGES_OF_FIRST}))),
      json_object('finish_reason', finish_reason, 'price_version', price_version,
        'stream', iif(stream = 1, json('true'), NULL), 'similarity', similarity, 'attempts', json(attempts),
        'tags', json(tags), 'redactions', json(redactions)))
  FROM calls_1 JOIN groups ON ${NAMES_OF_FIRST.map((name) => `groups.${name} = coalesce(calls_1.${name}, '')`).join(" AND ")}
  ORDER BY seq;
INSERT INTO minutes SELECT time / 60000 * 60000 AS start_ms, min(seq), max(seq) FROM calls GROUP BY 1;
INSERT INTO cursors SELECT 'written', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'calls_1'), 0);
DROP TABLE calls_1;
${["minute", "hour", "day"]
  .map(
    (level) => `
ALTER TABLE rollup_${level} ADD COLUMN saved_nano_usd INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup_${level} ADD COLUMN cache_hits INTEGER NOT NULL DEFAULT 0;`,
  )
  .join("")}
`;

/** How models answer, by the hour; and what answers to prompts that come again are compared with. */
const QUALITY = `
CREATE TABLE quality (
  start_ms INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  answers INTEGER NOT NULL,
  length_sum REAL NOT NULL,
  length_squares REAL NOT NULL,
  judged INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  cut INTEGER NOT NULL,
  json INTEGER NOT NULL,
  json_invalid INTEGER NOT NULL,
  tools INTEGER NOT NULL,
  tools_failed INTEGER NOT NULL,
  compared INTEGER NOT NULL,
  similarity_sum REAL NOT NULL,
  similarity_squares REAL NOT NULL,
  PRIMARY KEY (start_ms, provider, model)
) STRICT, WITHOUT ROWID;
-- A keyed hash of a request, and 256 bits that tell how alike two answers are; not a word of either.
CREATE TABLE answers (
  prompt BLOB NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  time INTEGER NOT NULL,
  sketch BLOB NOT NULL,
  PRIMARY KEY (prompt, provider, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers (time);
`;

/**
 * Rows that are rare are found by what came of them. Of each value the entries are in the order of rows, so that a new one goes to
 * one of a few places, which are always at hand: unlike an index of keys, these cost next to nothing.
 */
const OUTCOMES = `
CREATE INDEX calls_by_status ON calls (status) WHERE status <> 200;
CREATE INDEX calls_by_error ON calls (error) WHERE error IS NOT NULL;
CREATE INDEX calls_by_cache ON calls (cache) WHERE cache <> 'miss';
`;

/** The steps, in order: the first makes version 1 of an empty file. */
export const MIGRATIONS: readonly string[] = [FIRST, LEAN_ROWS, QUALITY, OUTCOMES];

/** The version that a file has. */
export function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

/** In words, why a file cannot be read as it is; null if it can. */
export function unreadable(db: Database): string | null {
  const version = versionOf(db);
  if (version > MIGRATIONS.length) return newerThanKnown(version, MIGRATIONS.length);
  if (version === MIGRATIONS.length) return null;
  return version === 0
    ? "it is empty; no gateway has written to it yet"
    : `it was written by an older version of Venturi (its format is ${version}); start the gateway once to bring it to ${MIGRATIONS.length}`;
}

function newerThanKnown(version: number, known: number): string {
  return `it was written by a newer version of Venturi (its format is ${version}, this program knows ${known}); run that version, or use another data folder`;
}

/** Brings a file to the newest version, step by step. Gives in words why it cannot: it is newer than this program. */
export function migrate(db: Database, steps: readonly string[] = MIGRATIONS): string | null {
  const version = versionOf(db);
  if (version > steps.length) return newerThanKnown(version, steps.length);
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.run(step);
      db.run(`PRAGMA user_version = ${index + 1}`);
    }).immediate();
  }
  return null;
}
