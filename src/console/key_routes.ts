// `/admin/v1/keys`: stored keys as a resource. A secret is in the answer that makes it, and in no other.

import * as z from "zod";
import type { KeyRecord } from "../access/key_record.ts";
import { parseDuration } from "../config/duration.ts";
import { GatewayError } from "../errors.ts";
import {
  createKey,
  findKey,
  type IssuedKey,
  type KeyDesk,
  revokeKey,
  rotateKey,
  updateKey,
} from "./key_desk.ts";
import { viewKey } from "./key_view.ts";
import { readQuery } from "./query.ts";
import type { Ask, Reply, Routes } from "./router.ts";

/** How long a replaced secret stays valid where nothing is said. */
const OVERLAP_DEFAULT_MS = 86_400_000;
/** Keys in one page. */
const PAGE_MAX = 1_000;

/** Which keys are listed. */
export const list_query = z.strictObject({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
  state: z.enum(["active", "expired", "revoked"]).optional(),
  tenant: z.string().optional(),
});

/** The endpoints of stored keys; `onChange` is told after every change. */
export function keyRoutes(desk: KeyDesk | GatewayError, onChange: () => void): Routes {
  if (desk instanceof GatewayError) {
    const refuse = () => desk;
    return {
      keys: { GET: refuse, POST: refuse },
      "keys/*": { GET: refuse, PATCH: refuse, DELETE: refuse },
      "keys/*/rotate": { POST: refuse },
    };
  }
  const told = async <T>(changing: Promise<T | GatewayError>): Promise<T | GatewayError> => {
    const result = await changing;
    if (!(result instanceof GatewayError)) onChange();
    return result;
  };
  return {
    keys: {
      GET: ({ query }) => listKeys(desk, query),
      POST: async ({ actor, body }) => issued(await told(createKey(desk, actor, body)), 201),
    },
    "keys/*": {
      GET: ({ id }) => shown(findKey(desk, id)),
      PATCH: (ask) => patchKey(desk, ask, told),
      DELETE: async ({ id, actor }) => shown(await told(revokeKey(desk, actor, id))),
    },
    "keys/*/rotate": {
      POST: async ({ id, actor, body }) => {
        const overlap_ms = overlapOf(body);
        return overlap_ms instanceof GatewayError
          ? overlap_ms
          : issued(await told(rotateKey(desk, actor, id, overlap_ms)), 200);
      },
    },
  };
}

function listKeys({ register: { store } }: KeyDesk, query: URLSearchParams): Reply | GatewayError {
  const wanted = readQuery(list_query, query);
  if (wanted instanceof GatewayError) return wanted;
  const now_ms = Date.now();
  const data = [];
  for (const record of store.list(wanted.after)) {
    const view = viewKey(record, now_ms);
    if (wanted.state !== undefined && view.state !== wanted.state) continue;
    if (wanted.tenant !== undefined && view.tenant !== wanted.tenant) continue;
    data.push(view);
    // One more than asked for tells whether there are more.
    if (data.length > wanted.limit) break;
  }
  const has_more = data.length > wanted.limit;
  return { json: { object: "list", data: data.slice(0, wanted.limit), has_more } };
}

async function patchKey(
  desk: KeyDesk,
  { id, actor, body, headers }: Ask,
  told: (changing: Promise<KeyRecord | GatewayError>) => Promise<KeyRecord | GatewayError>,
): Promise<Reply | GatewayError> {
  const { version: named, ...patch } =
    typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const tag = headers.get("if-match");
  const given = named ?? (tag === null || tag === "*" ? null : tag.replace(/^"|"$/g, ""));
  const version = given === null ? null : Number(given);
  if (version !== null && !Number.isSafeInteger(version)) {
    return new GatewayError("invalid_value", "'version' must be the number that the key was shown with.", {
      param: "version",
    });
  }
  return shown(await told(updateKey(desk, actor, id, Array.isArray(body) ? body : patch, version)));
}

function overlapOf(body: unknown): number | GatewayError {
  const given = typeof body === "object" && body !== null ? Object.entries(body) : [];
  const unknown = given.find(([name]) => name !== "overlap");
  if (unknown !== undefined) {
    return new GatewayError("invalid_value", `There is no setting '${unknown[0]}'.`, { param: unknown[0] });
  }
  const overlap: unknown = given[0]?.[1];
  if (overlap === undefined) return OVERLAP_DEFAULT_MS;
  const overlap_ms = typeof overlap === "string" ? parseDuration(overlap) : null;
  if (overlap_ms !== null) return overlap_ms;
  return new GatewayError("invalid_value", "'overlap' must be a duration such as 24h, or 0s.", {
    param: "overlap",
  });
}

function shown(record: KeyRecord | GatewayError): Reply | GatewayError {
  if (record instanceof GatewayError) return record;
  return { json: viewKey(record, Date.now()), headers: { etag: `"${record.version}"` } };
}

function issued(result: IssuedKey | GatewayError, status: number): Reply | GatewayError {
  if (result instanceof GatewayError) return result;
  const { record, secret, is_first } = result;
  return {
    status,
    json: { ...viewKey(record, Date.now()), key: secret, first: is_first },
    headers: { etag: `"${record.version}"`, location: `/admin/v1/keys/${record.id}` },
  };
}
