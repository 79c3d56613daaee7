// Who is calling: the key in any of the headers that clients use, compared by its hash.
// Keys are known by their SHA-256 alone; the final comparison takes the same time whatever differs.

import { timingSafeEqual } from "node:crypto";
import type { ClientKey, Plan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";

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
};

/** The Plan's keys by the beginning of their hash: an index that tells nothing about a key. */
const tables = new WeakMap<Plan, ReadonlyMap<number, readonly ClientKey[]>>();

/** How much of a hash the index goes by; the rest is compared. */
const INDEX_BYTES = 6;

function tableOf(plan: Plan): ReadonlyMap<number, readonly ClientKey[]> {
  let table = tables.get(plan);
  if (table === undefined) {
    table = Map.groupBy(plan.keys, (key) => indexOf(Buffer.from(key.hash)));
    tables.set(plan, table);
  }
  return table;
}

function indexOf(hash: Buffer): number {
  return hash.readUIntBE(0, INDEX_BYTES);
}

/** The hash of the key that is looked at; one at a time. */
const presented_hash = Buffer.alloc(32);

/** The key that a request carries, or null: `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`. */
export function presentedKey(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const match = authorization.length > 7 && authorization.slice(0, 7).toLowerCase() === "bearer ";
    if (match) return authorization.slice(7).trim();
  }
  return headers.get("x-api-key") ?? headers.get("api-key") ?? headers.get("x-goog-api-key");
}

const NO_KEY = new GatewayError(
  "invalid_api_key",
  "No API key provided. Send one of this gateway's keys as 'Authorization: Bearer KEY', 'x-api-key' or 'api-key'.",
);
const WRONG_KEY = new GatewayError(
  "invalid_api_key",
  "Incorrect API key provided: it is none of this gateway's keys. Ask whoever runs the gateway for one.",
);

/** The caller, or the error that the client gets. A Plan without keys lets everybody in. */
export function authenticate(plan: Plan, headers: Headers): ClientKey | GatewayError {
  if (plan.keys.length === 0) return ANYONE;
  const presented = presentedKey(headers);
  if (presented === null || presented === "") {
    return NO_KEY;
  }
  if (presented.length <= KEY_MAX_CHARS) {
    Bun.SHA256.hash(presented, presented_hash);
    const found = tableOf(plan).get(indexOf(presented_hash));
    const key = found?.find(({ hash }) => timingSafeEqual(presented_hash, hash));
    if (key !== undefined) return key;
  }
  return WRONG_KEY;
}

/** Whether a name matches a pattern in which `*` stands for any run of characters; linear in both. */
export function matchesPattern(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0]!;
  if (parts.length === 1) return pattern === name;
  const last = parts[parts.length - 1]!;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

/** Whether a key may call a model, by the name that the client asks for. */
export function mayCall(key: ClientKey, model: string): boolean {
  for (const pattern of key.models) if (pattern === "*" || matchesPattern(pattern, model)) return true;
  return false;
}
