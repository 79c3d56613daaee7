// The ledger's tables in Postgres, as steps from each version to the next: a step that was ever shipped is never changed.
// A row has its names in columns of their own, because whoever keeps rows in a database of his own asks them with SQL of his own.

/** The sums of the first version, whatever is added later. */
const SUMS_OF_FIRST = [
  ...["calls", "errors", "unpriced_calls", "estimated_calls", "cache_hits"],
  ...["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cache_write_5m_tokens"],
  ...["cache_write_1h_tokens", "input_audio_tokens", "cached_input_audio_tokens", "input_image_tokens"],
  ...["output_audio_tokens", "output_image_tokens", "searches", "input_audio_ms"],
  ...["cost_nano_usd", "saved_nano_usd"],
];

const rollup = (level: string) => `
CREATE TABLE rollup_${level} (
  start_ms bigint NOT NULL,
  group_id integer NOT NULL,
  ${SUMS_OF_FIRST.map((name) => `${name} bigint NOT NULL`).join(",\n  ")},
  PRIMARY KEY (start_ms, group_id)
);`;

const FIRST = `
-- A row for each call, once by its id and tenant. seq grows from commit to commit: readers remember how far they are by it.
CREATE TABLE calls (
  seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  id text NOT NULL,
  tenant text NOT NULL,
  request_id text,              -- NULL where it is made of the id
  "time" bigint NOT NULL,       -- milliseconds since 1970
  team text,
  key text,
  "user" text,
  feature text,
  model text,
  provider text,
  served_model text,
  status integer NOT NULL,
  error text,
  cache text NOT NULL,
  cost_nano_usd bigint,         -- NULL where the price is not known
  input_tokens bigint NOT NULL,
  cached_input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  group_id integer NOT NULL,    -- what it is summed up by
  amounts text NOT NULL,        -- cost, saved, estimated, usage by kind; with commas between them
  rest text NOT NULL,           -- JSON
  PRIMARY KEY (id, tenant)
);
CREATE INDEX calls_by_time ON calls ("time");
CREATE INDEX calls_by_request ON calls (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX calls_by_tenant ON calls (tenant, seq);
CREATE INDEX calls_by_key ON calls (key, seq);
-- Clients choose users: a whole one may be too long for an index.
CREATE INDEX calls_by_user ON calls (left("user", 64), seq);
CREATE INDEX calls_by_error ON calls (seq) WHERE error IS NOT NULL;

-- What usage is summed up by. '' is none.
CREATE TABLE groups (
  id integer PRIMARY KEY,
  digest text NOT NULL UNIQUE,  -- of all the names, which may be too long for an index
  tenant text NOT NULL,
  team text NOT NULL,
  key text NOT NULL,
  "user" text NOT NULL,
  feature text NOT NULL,
  model text NOT NULL,
  provider text NOT NULL,
  served_model text NOT NULL
);
${["minute", "hour", "day"].map(rollup).join("")}

-- What was spent by what may have a budget, by all hosts; user is '' but for budgets of each user of a key.
CREATE TABLE spend (
  scope text NOT NULL,
  name text NOT NULL,
  "user" text NOT NULL,
  period text NOT NULL,
  start_ms bigint NOT NULL,
  digest text NOT NULL,         -- of name and user
  nano_usd bigint NOT NULL,
  PRIMARY KEY (scope, period, start_ms, digest)
);

-- Alerts of budgets that were given to a host to be sent: each once.
CREATE TABLE alerts (
  scope text NOT NULL,
  name text NOT NULL,
  "user" text NOT NULL,
  period text NOT NULL,
  start_ms bigint NOT NULL,
  digest text NOT NULL,
  share double precision NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (scope, period, start_ms, digest, share)
);
`;

/** The steps, in order: the first makes version 1. */
export const MIGRATIONS: readonly string[] = [FIRST];
