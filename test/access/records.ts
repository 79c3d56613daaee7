// Stored keys for tests: records with what matters to a test, and folders that are gone when it is over.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyRecord, makeKeyId, makeSecret } from "../../src/access/key_record.ts";
import { type KeyStore, openKeyStore } from "../../src/access/key_store.ts";

/** A record and the secret that it is known by. */
export function makeRecord(fields: Partial<KeyRecord> = {}): { record: KeyRecord; secret: string } {
  const { secret, hash } = makeSecret();
  const created_ms = Date.now();
  const record: KeyRecord = {
    ...{ id: makeKeyId(created_ms), name: "one", tenant: "acme", team: null, tier: null, models: ["*"] },
    ...{ limits: null, per_user: null, note: null, expires_ms: null, revoked_ms: null, version: 1 },
    created_ms,
    secrets: [{ hash, created_ms, ends_ms: null }],
    ...fields,
  };
  return { record, secret };
}

/** A folder of its own. */
export function makeFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "venturi-keys-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Opens a store that must open. */
export function openStore(folder: string): KeyStore {
  const store = openKeyStore(folder);
  if ("fault" in store) throw new Error(store.fault);
  return store;
}
