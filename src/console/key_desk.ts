// What can be done with stored keys. Each change is checked against the newest state, written to the audit log, and only then made.

import { type KeyRecord, makeKeyId, makeSecret, stateOf } from "../access/key_record.ts";
import type { KeyStore } from "../access/key_store.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { GatewayError } from "../errors.ts";
import type { KeyChange, KeyRegister } from "./key_register.ts";
import { patchSettings, settingsJson } from "./key_settings.ts";

/** Secrets of one key that can be valid at once. */
const SECRETS_MAX = 8;

/** Where keys are kept. */
export interface KeyDesk {
  readonly register: KeyRegister;
  /** The configuration, which has keys and tiers too; null where none is known. */
  config(): ResolvedConfig | null;
}

/** A key with the secret that was just made for it. */
export interface IssuedKey {
  readonly record: KeyRecord;
  readonly secret: string;
  /** Whether callers needed no key before. */
  readonly is_first: boolean;
}

/** Finds a key by its id, or by its name among those that are not revoked. */
export function findKey({ register: { store } }: KeyDesk, id_or_name: string): KeyRecord | GatewayError {
  const found = store.byId(id_or_name) ?? store.byName(id_or_name);
  return found ?? new GatewayError("not_found", `There is no key '${id_or_name}'.`);
}

/** Makes a key. */
export async function createKey(
  desk: KeyDesk,
  actor: string,
  body: unknown,
): Promise<IssuedKey | GatewayError> {
  const now_ms = Date.now();
  const settings = patchSettings({}, body, now_ms);
  if (settings instanceof GatewayError) return settings;
  const { store } = desk.register;
  return desk.register.change<IssuedKey | GatewayError>((writer) => {
    const fault = nameFault(desk, settings.name, null) ?? tierFault(desk, settings.tier);
    if (fault !== null) return fault;
    const is_first = store.isEmpty() && (desk.config()?.keys.length ?? 0) === 0;
    const { secret, hash } = makeSecret();
    const record: KeyRecord = {
      ...settings,
      id: freshId(store, now_ms),
      created_ms: now_ms,
      revoked_ms: null,
      version: 1,
      secrets: [{ hash, created_ms: now_ms, ends_ms: null }],
    };
    const change = settingsJson(record);
    writer.record({ actor, action: "key.create", target: record.id, change }, now_ms);
    writer.put(record);
    return { record, secret, is_first };
  });
}

/** Changes a key's settings. `version` is the one that the operator has seen; null does not matter. */
export function updateKey(
  desk: KeyDesk,
  actor: string,
  id_or_name: string,
  patch: unknown,
  version: number | null,
): Promise<KeyRecord | GatewayError> {
  return changeLiving(desk, id_or_name, (before, writer, now_ms) => {
    if (version !== null && version !== before.version) {
      return new GatewayError(
        "version_mismatch",
        `The key is at version ${before.version}, not ${version}: somebody has changed it. Look at it again.`,
        { param: "version" },
      );
    }
    const settings = patchSettings(settingsJson(before), patch, now_ms);
    if (settings instanceof GatewayError) return settings;
    const fault =
      nameFault(desk, settings.name, before.id) ??
      (settings.tier === before.tier ? null : tierFault(desk, settings.tier));
    if (fault !== null) return fault;
    const after: KeyRecord = { ...before, ...settings, version: before.version + 1 };
    const change = differences(settingsJson(before), settingsJson(after));
    if (Object.keys(change).length === 0) return before;
    writer.record({ actor, action: "key.update", target: before.id, change }, now_ms);
    writer.put(after);
    return after;
  });
}

/** Gives a key another secret; the ones before it stay valid for `overlap_ms` at most. */
export function rotateKey(
  desk: KeyDesk,
  actor: string,
  id_or_name: string,
  overlap_ms: number,
): Promise<IssuedKey | GatewayError> {
  return changeLiving<IssuedKey>(desk, id_or_name, (before, writer, now_ms) => {
    const until_ms = now_ms + overlap_ms;
    const old = before.secrets
      .filter(({ ends_ms }) => ends_ms === null || ends_ms > now_ms)
      .map((one) => ({ ...one, ends_ms: Math.min(one.ends_ms ?? Infinity, until_ms) }));
    if (old.length >= SECRETS_MAX) {
      return new GatewayError(
        "conflict",
        `The key has ${old.length} secrets that are valid; wait until some have ended.`,
      );
    }
    const { secret, hash } = makeSecret();
    const secrets = [{ hash, created_ms: now_ms, ends_ms: null }, ...old];
    const record: KeyRecord = { ...before, secrets, version: before.version + 1 };
    const change = { name: before.name, replaced_until: new Date(until_ms).toISOString() };
    writer.record({ actor, action: "key.rotate", target: before.id, change }, now_ms);
    writer.put(record);
    return { record, secret, is_first: false };
  });
}

/** Ends a key for good; one that has ended stays as it is. */
export function revokeKey(
  desk: KeyDesk,
  actor: string,
  id_or_name: string,
): Promise<KeyRecord | GatewayError> {
  return desk.register.change<KeyRecord | GatewayError>((writer) => {
    const before = findKey(desk, id_or_name);
    if (before instanceof GatewayError || before.revoked_ms !== null) return before;
    const now_ms = Date.now();
    const after: KeyRecord = { ...before, revoked_ms: now_ms, version: before.version + 1 };
    const change = { name: before.name };
    writer.record({ actor, action: "key.revoke", target: before.id, change }, now_ms);
    writer.put(after);
    return after;
  });
}

/** A change of a key that must not have been revoked. */
function changeLiving<T>(
  desk: KeyDesk,
  id_or_name: string,
  action: (before: KeyRecord, writer: KeyChange, now_ms: number) => T | GatewayError,
): Promise<T | GatewayError> {
  return desk.register.change<T | GatewayError>((writer) => {
    const before = findKey(desk, id_or_name);
    if (before instanceof GatewayError) return before;
    const now_ms = Date.now();
    if (stateOf(before, now_ms) === "revoked") {
      return new GatewayError("conflict", `The key '${before.name}' was revoked, for good. Create another.`);
    }
    return action(before, writer, now_ms);
  });
}

function nameFault(desk: KeyDesk, name: string, own_id: string | null): GatewayError | null {
  const other = desk.register.store.byName(name);
  const is_configured = desk.config()?.keys.some((key) => key.name === name) ?? false;
  if (!is_configured && (other === null || other.id === own_id)) return null;
  const where = is_configured ? "in the configuration" : `(${other?.id})`;
  return new GatewayError("conflict", `There is a key '${name}' ${where} already; names are unique.`, {
    param: "name",
  });
}

/** A tier that does not exist would leave the key without its limits. */
function tierFault(desk: KeyDesk, tier: string | null): GatewayError | null {
  const config = desk.config();
  if (tier === null || config === null || Object.hasOwn(config.tiers, tier)) return null;
  const known = Object.keys(config.tiers).join(", ") || "none";
  return new GatewayError("invalid_value", `There is no tier '${tier}'; known are: ${known}.`, {
    param: "tier",
  });
}

function freshId(store: KeyStore, now_ms: number): string {
  for (;;) {
    const id = makeKeyId(now_ms);
    if (store.byId(id) === null) return id;
  }
}

/** The settings that differ, each with what it was and what it is. */
function differences(before: object, after: object): Record<string, unknown> {
  const was = new Map(Object.entries(before));
  const is = new Map(Object.entries(after));
  const change: Record<string, unknown> = {};
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const [from, to] = [was.get(name) ?? null, is.get(name) ?? null];
    if (JSON.stringify(from) !== JSON.stringify(to)) change[name] = { from, to };
  }
  return change;
}
