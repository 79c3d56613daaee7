// Who is calling: the key in any of the headers that clients use, compared by its hash.
// Keys are known by their SHA-256 alone; the final comparison takes the same time whatever differs.

import { timingSafeEqual } from "node:crypto";
import { isLoopback } from "../config/address.ts";
import { matchesPattern } from "../config/name_pattern.ts";
import type { ClientKey, Plan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { StoredKeys } from "./stored_keys.ts";

/** Longest key that is looked at; longer ones are unknown. */
const KEY_MAX_CHARS = 512;

/** The caller of a gateway that asks for no keys. */
export const ANYONE: ClientKey = {
  name: "anonymous",
  hash: new Uint8Array(32),
  tenant: "default",
  team: null,
  models: ["*"],
  tier: null,
  limits: null,
  per_user: null,
  region: null,
  privacy: null,
  guards: null,
};

/** How a Plan lets callers in. */
interface Door {
  /** Whether a key is asked for even if none is stored: the Plan has some, others have, or others than this machine can call. */
  readonly is_locked: boolean;
  /** The Plan's keys by the beginning of their hash: an index that tells nothing about a key. */
  readonly keys: ReadonlyMap<number, readonly ClientKey[]>;
}

const doors = new WeakMap<Plan, Door>();

/** How much of a hash the index goes by; the rest is compared. */
const INDEX_BYTES = 6;

function doorOf(plan: Plan): Door {
  let door = doors.get(plan);
  if (door === undefined) {
    door = {
      is_locked: plan.keys.length > 0 || plan.has_shared_keys || !isLoopback(plan.listen.host),
      keys: Map.groupBy(plan.keys, (key) => indexOf(Buffer.from(key.hash))),
    };
    doors.set(plan, door);
  }
  return door;
}

function indexOf(hash: Buffer): number {
  return hash.readUIntBE(0, INDEX_BYTES);
}

/** The hash of the key that is looked at; one at a time. */
const presented_hash = Buffer.alloc(32);

/** The key that a request carries, or null: `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`. */
export function presentedKey(headers: Headers): string | null {
  return (
    bearerToken(headers) ??
    headers.get("x-api-key") ??
    headers.get("api-key") ??
    headers.get("x-goog-api-key")
  );
}

function bearerToken(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  const is_bearer =
    authorization !== null &&
    authorization.length > 7 &&
    authorization.slice(0, 7).toLowerCase() === "bearer ";
  return is_bearer ? authorization.slice(7).trim() : null;
}

/** What a request may do at the admin API by its token: `content` is all that `admin` is, and to see what calls said. */
export type AdminRank = "admin" | "content";

/** The rank of the token that a request carries; null for none, and where none is configured. */
export function adminRank(plan: Plan, headers: Headers): AdminRank | null {
  const token = bearerToken(headers);
  if (token === null || token.length > KEY_MAX_CHARS) return null;
  Bun.SHA256.hash(token, presented_hash);
  const is = (hash: Uint8Array | null) => hash !== null && timingSafeEqual(presented_hash, hash);
  if (is(plan.content_token_hash)) return "content";
  return is(plan.admin_token_hash) ? "admin" : null;
}

const NO_KEY = new GatewayError(
  "invalid_api_key",
  "No API key provided. Send one of this gateway's keys as 'Authorization: Bearer KEY', 'x-api-key' or 'api-key'.",
);
const WRONG_KEY = new GatewayError(
  "invalid_api_key",
  "Incorrect API key provided: it is none of this gateway's keys. Ask whoever runs the gateway for one.",
);

/** Whether callers need a key. */
export function asksForKeys(plan: Plan, stored: StoredKeys | null): boolean {
  return isAsking(doorOf(plan), stored);
}

function isAsking(door: Door, stored: StoredKeys | null): boolean {
  return door.is_locked || stored?.hasAny() === true;
}

/** The caller, or the error that the client gets. Where there are no keys at all, everybody on this machine is let in. */
export function authenticate(
  plan: Plan,
  stored: StoredKeys | null,
  headers: Headers,
): ClientKey | GatewayError {
  const door = doorOf(plan);
  if (!isAsking(door, stored)) return ANYONE;
  const presented = presentedKey(headers);
  if (presented === null || presented === "") {
    return NO_KEY;
  }
  if (presented.length <= KEY_MAX_CHARS) {
    Bun.SHA256.hash(presented, presented_hash);
    const found = door.keys.get(indexOf(presented_hash));
    const key = found?.find(({ hash }) => timingSafeEqual(presented_hash, hash));
    if (key !== undefined) return key;
    const stored_key = stored?.find(presented_hash, plan) ?? null;
    if (stored_key !== null) return stored_key;
  }
  return WRONG_KEY;
}

/** Whether a key may call a model, by the name that the client asks for. */
export function mayCall(key: ClientKey, model: string): boolean {
  for (const pattern of key.models) if (pattern === "*" || matchesPattern(pattern, model)) return true;
  return false;
}
