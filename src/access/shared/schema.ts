// The tables of keys that hosts share, as steps from each version to the next: a step that was ever shipped is never changed.

/** The steps, in order. */
export const MIGRATIONS: readonly string[] = [
  `
-- What tells this register of keys from any other, whatever its address.
CREATE TABLE key_register (id uuid NOT NULL DEFAULT gen_random_uuid());
INSERT INTO key_register DEFAULT VALUES;

-- change grows from commit to commit: hosts remember how far they are by it.
CREATE SEQUENCE key_changes;
CREATE TABLE keys (
  id text PRIMARY KEY,
  change bigint NOT NULL UNIQUE,
  name text NOT NULL,
  tenant text NOT NULL,
  version integer NOT NULL,
  revoked_ms bigint,
  record text NOT NULL          -- JSON; of secrets, the hashes
);
CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_ms IS NULL;

-- Who has changed keys: lines sealed one behind the other.
CREATE TABLE audit (
  seq bigint PRIMARY KEY,
  line text NOT NULL
);
`,
];
