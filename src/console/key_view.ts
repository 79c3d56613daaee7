// A stored key as the API shows it: everything but what it is known by.

import { type KeyRecord, stateOf } from "../access/key_record.ts";

/** A key as JSON. */
export interface KeyView {
  readonly id: string;
  readonly object: "key";
  readonly name: string;
  readonly tenant: string;
  readonly team: string | null;
  readonly tier: string | null;
  readonly models: readonly string[];
  readonly limits: KeyRecord["limits"];
  readonly per_user: KeyRecord["per_user"];
  readonly region: string | null;
  readonly privacy: string | null;
  readonly note: string | null;
  readonly created: string;
  readonly expires: string | null;
  readonly revoked: string | null;
  readonly state: "active" | "expired" | "revoked";
  readonly version: number;
  /** Its secrets that are valid, the newest first: when each was made, and when it ends because it was replaced. */
  readonly secrets: readonly { readonly created: string; readonly ends: string | null }[];
}

/** What a key looks like at an instant. */
export function viewKey(record: KeyRecord, now_ms: number): KeyView {
  const { id, name, tenant, team, tier, models, limits, per_user, note, version } = record;
  const state = stateOf(record, now_ms);
  const valid = record.secrets.filter(({ ends_ms }) => ends_ms === null || ends_ms > now_ms);
  return {
    ...{ id, object: "key", name, tenant, team, tier, models, limits, per_user, note },
    region: record.region ?? null,
    privacy: record.privacy ?? null,
    created: timeOf(record.created_ms),
    expires: timeOrNull(record.expires_ms),
    revoked: timeOrNull(record.revoked_ms),
    state,
    version,
    secrets:
      state === "active"
        ? valid.map(({ created_ms, ends_ms }) => ({ created: timeOf(created_ms), ends: timeOrNull(ends_ms) }))
        : [],
  };
}

function timeOf(instant_ms: number): string {
  return new Date(instant_ms).toISOString();
}

function timeOrNull(instant_ms: number | null): string | null {
  return instant_ms === null ? null : timeOf(instant_ms);
}
