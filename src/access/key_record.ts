// A stored key: one identity, and the secrets by which it is known, of which only hashes are kept.
// Rotation adds a secret to the same identity, so that its name, limits and counts go on.

import { randomBytes } from "node:crypto";
import { compileLimits } from "../config/limits.ts";
import type { ClientKey, Plan, PrivacyMode } from "../config/plan.ts";
import type { LimitsConfig } from "../config/schema.ts";

/** What a key is known by. */
export interface KeySecret {
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array;
  readonly created_ms: number;
  /** When it stops being valid because another has taken its place; null as long as none has. */
  readonly ends_ms: number | null;
}

/** What an operator says about a key. */
export interface KeySettings {
  /** What logs, metrics and counts call it; unique among the keys that are not revoked. */
  readonly name: string;
  readonly tenant: string;
  readonly team: string | null;
  readonly tier: string | null;
  /** Model patterns. */
  readonly models: readonly string[];
  readonly limits: LimitsConfig | null;
  readonly per_user: LimitsConfig | null;
  /** Where its requests may go; undefined in keys of an older version: anywhere. */
  readonly region?: string | null;
  /** What is done about personal data at least; undefined in keys of an older version, which say nothing. */
  readonly privacy?: PrivacyMode | null;
  readonly note: string | null;
  /** When it ends; null is never. */
  readonly expires_ms: number | null;
}

/** A key as it is stored. */
export interface KeyRecord extends KeySettings {
  /** `key_` and 20 hexadecimal digits; ids sort by the time they were made at. */
  readonly id: string;
  readonly created_ms: number;
  readonly revoked_ms: number | null;
  /** Counts its changes, from 1. */
  readonly version: number;
  /** The newest first. */
  readonly secrets: readonly KeySecret[];
}

/** Whether a key may be used. */
export type KeyState = "active" | "expired" | "revoked";

/** The state of a key at an instant. */
export function stateOf(record: KeyRecord, now_ms: number): KeyState {
  if (record.revoked_ms !== null) return "revoked";
  return record.expires_ms !== null && record.expires_ms <= now_ms ? "expired" : "active";
}

/** A new secret, which is shown once, and its hash, which is kept. */
export function makeSecret(): { readonly secret: string; readonly hash: Uint8Array } {
  const secret = `vk-${randomBytes(32).toString("base64url")}`;
  return { secret, hash: hashOf(secret) };
}

/** The hash that a secret is known by. */
export function hashOf(secret: string): Uint8Array {
  return Bun.SHA256.hash(secret, new Uint8Array(32)) as Uint8Array;
}

/** A new id. */
export function makeKeyId(now_ms: number): string {
  return `key_${Math.max(0, now_ms).toString(16).padStart(12, "0")}${randomBytes(4).toString("hex")}`;
}

/** Whether a text has the form of an id. */
export function isKeyId(text: string): boolean {
  return /^key_[0-9a-f]{20}$/.test(text);
}

/** The caller that a stored key stands for, under a Plan: limits that it does not say are its tier's. */
export function compileKey(record: KeyRecord, secret: KeySecret, plan: Plan): ClientKey {
  const { name, tenant, team, tier } = record;
  return Object.freeze({
    name,
    hash: secret.hash,
    tenant,
    team,
    models: record.models,
    tier,
    limits:
      compileLimits(record.limits ?? undefined) ??
      (tier === null ? null : plan.tiers.get(tier)?.limits) ??
      null,
    per_user: compileLimits(record.per_user ?? undefined),
    region: record.region ?? null,
    privacy: record.privacy ?? null,
    guards: null,
  });
}
