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
};

const tables = new WeakMap<Plan, ReadonlyMap<string, ClientKey>>();

function sha256(text: string): Buffer {
  return Buffer.from(new Bun.CryptoHasher("sha256").update(text).digest());
}

/** The Plan's keys by hash: an index that tells nothing about a key. */
function tableOf(plan: Plan): ReadonlyMap<string, ClientKey> {
  let table = tables.get(plan);
  if (table === undefined) {
    table = new Map(plan.keys.map((key) => [Buffer.from(key.hash).toString("latin1"), key]));
    tables.set(plan, table);
  }
  return table;
}

/** The key that a request carries, or null: `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`. */
export function presentedKey(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const match = authorization.length > 7 && authorization.slice(0, 7).toLowerCase() === "bearer ";
    if (match) return authorization.slice(7).trim();
  }
  return headers.get("x-api-key") ?? headers.get("api-key") ?? headers.get("x-goog-api-key");
}

/** The caller, or the error that the client gets. A Plan without keys lets everybody in. */
export function authenticate(plan: Plan, headers: Headers): ClientKey | GatewayError {
  if (plan.keys.length === 0) return ANYONE;
  const presented = presentedKey(headers);
  if (presented === null || presented === "") {
    return new GatewayError(
      "invalid_api_key",
      "No API key provided. Send one of this gateway's keys as 'Authorization: Bearer KEY', 'x-api-key' or 'api-key'.",
    );
  }
  if (presented.length <= KEY_MAX_CHARS) {
    const hash = sha256(presented);
    const key = tableOf(plan).get(hash.toString("latin1"));
    if (key !== undefined && timingSafeEqual(hash, key.hash)) return key;
  }
  return new GatewayError(
    "invalid_api_key",
    "Incorrect API key provided: it is none of this gateway's keys. Ask whoever runs the gateway for one.",
  );
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
