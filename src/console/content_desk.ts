// What can be done with kept content: each reading and each removal is in the audit log before it happens, and what cannot be recorded
// there does not happen.

import type { KeyStore } from "../access/key_store.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { hasContent } from "../content/file.ts";
import type { KeptContent } from "../content/record.ts";
import { type ContentFilter, type ContentStats, ContentStore } from "../content/store.ts";
import { GatewayError } from "../errors.ts";
import type { LedgerSource } from "../ledger/source.ts";
import { bookedNames } from "../privacy/discretion.ts";
import { keyFor, openPrivacyKey } from "../privacy/key.ts";
import { appendAudit } from "./audit/log.ts";

/** Where content and the audit log are. */
export interface ContentDesk {
  /** The data folder. */
  readonly data: string;
  /** Null: they cannot be used, and nothing can be recorded. */
  readonly keys: KeyStore | null;
  readonly ledger: LedgerSource;
  config(): ResolvedConfig | null;
}

/** Who wants something done, and whether they may see content. */
export interface ContentVisitor {
  readonly actor: string;
  readonly may_see_content: boolean;
}

/** What is kept of a call, by the call's id or its request's; the reading is recorded as `action`, with what it is `for`. */
export async function readContent(
  desk: ContentDesk,
  { actor, may_see_content }: ContentVisitor,
  id: string,
  action: "content.read" | "call.replay",
  change: Readonly<Record<string, unknown>> = {},
): Promise<KeptContent | GatewayError> {
  if (!may_see_content) return notAllowed(desk);
  const found = withStore(desk, (store) => store.find(id)) ?? (await contentOfRequest(desk, id));
  if (found instanceof GatewayError) return found;
  if (found === null) return notKept(desk, id);
  const fault = record(desk, actor, action, found.id, { tenant: found.tenant, ...change });
  return fault ?? found;
}

async function contentOfRequest(
  desk: ContentDesk,
  request_id: string,
): Promise<KeptContent | GatewayError | null> {
  const id = hasContent(desk.data) ? await newestCallOf(desk, request_id) : null;
  return id === null ? null : withStore(desk, (store) => store.find(id));
}

/** Removes what is meant; gives of how many calls. Nothing that was said is shown. */
export async function removeContent(
  desk: ContentDesk,
  actor: string,
  { user, ...filter }: Omit<ContentFilter, "users"> & { readonly user?: string | undefined },
): Promise<number | GatewayError> {
  const key = keyOf(desk);
  if (key instanceof GatewayError) return key;
  const fault = record(desk, actor, "content.delete", filter.id ?? "content", recorded(filter, user));
  if (fault !== null) return fault;
  const users = user === undefined ? undefined : bookedNames(user, keyFor(key, "user"));
  const open = openStore(desk);
  if (open === null || open instanceof GatewayError) return open ?? 0;
  try {
    let removed = await removeAll(open, { ...filter, users });
    const id = removed > 0 || filter.id === undefined ? null : await newestCallOf(desk, filter.id);
    if (id !== null) removed = await removeAll(open, { id });
    if (removed > 0) open.shrink();
    return removed;
  } finally {
    open.close();
  }
}

async function removeAll(store: ContentStore, filter: ContentFilter): Promise<number> {
  let removed = 0;
  for (let gone = store.remove(filter); gone > 0; gone = store.remove(filter)) {
    removed += gone;
    // Others have their turn.
    await Bun.sleep(0);
  }
  return removed;
}

/** What there is of it, and how it is kept. */
export function contentStats(desk: ContentDesk): ContentStats | GatewayError {
  return withStore(desk, (store) => store.stats()) ?? { calls: 0, bytes: 0, oldest_ms: null };
}

/** Refuses whoever may not see content. */
export function notAllowed(desk: ContentDesk): GatewayError {
  const has_token = desk.config()?.admin?.content_token !== undefined;
  const what = has_token
    ? "use the token of admin.content_token"
    : "configure admin.content_token and use it as the token";
  return new GatewayError(
    "content_not_allowed",
    `What calls said needs a permission of its own: ${what}, or ask on the gateway's machine with \`venturi logs --request ID --content\` or \`venturi ui\`.`,
  );
}

function notKept(desk: ContentDesk, id: string): GatewayError {
  const is_on = desk.config()?.telemetry.content.store === "on";
  const why = is_on
    ? "it is not kept yet, no longer, or was left out"
    : "nothing is, until telemetry.content.store is on";
  return new GatewayError("not_found", `What the call '${id.slice(0, 200)}' said is not kept: ${why}.`);
}

/** The ledger's id of the newest call that a client knows by this one; null where there is none. */
async function newestCallOf({ ledger }: ContentDesk, request_id: string): Promise<string | null> {
  const reader = await ledger.open();
  if ("fault" in reader) return null;
  try {
    return (await reader.calls({ request_id, limit: 1 }))[0]?.row.id ?? null;
  } finally {
    reader.close();
  }
}

/** Writes into the audit log what is about to be done; why it cannot be. */
export function record(
  { keys, data }: ContentDesk,
  actor: string,
  action: string,
  target: string,
  change: Readonly<Record<string, unknown>>,
): GatewayError | null {
  if (keys === null)
    return new GatewayError(
      "unavailable",
      "The audit log cannot be written, and nothing is done unrecorded.",
    );
  keys.change((writer) => appendAudit(data, writer, { actor, action, target, change }));
  return null;
}

/** The user of a data-protection request is not to stand in the log for ever. */
function recorded(
  { id, ...filter }: Omit<ContentFilter, "users">,
  user: string | undefined,
): Record<string, unknown> {
  const all = { ...filter, user: user === undefined ? undefined : "***" };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return id === undefined && given.length === 0 ? { all: true } : Object.fromEntries(given);
}

function keyOf({ data, config }: ContentDesk): Uint8Array | GatewayError {
  const key = openPrivacyKey(data, config()?.privacy.key ?? null);
  return "fault" in key ? new GatewayError("unavailable", `Content cannot be opened: ${key.fault}.`) : key;
}

/** The store, open; null where nothing was ever kept. */
function openStore(desk: ContentDesk): ContentStore | GatewayError | null {
  if (!hasContent(desk.data)) return null;
  const key = keyOf(desk);
  if (key instanceof GatewayError) return key;
  const keys = { seal: keyFor(key, "content seal"), name: keyFor(key, "content name") };
  const store = ContentStore.open(desk.data, keys);
  return store instanceof ContentStore ? store : new GatewayError("unavailable", `${store.fault}.`);
}

/** Asks the store; null where nothing was ever kept. */
function withStore<T>(desk: ContentDesk, question: (store: ContentStore) => T): T | GatewayError | null {
  const store = openStore(desk);
  if (store === null || store instanceof GatewayError) return store;
  try {
    return question(store);
  } finally {
    store.close();
  }
}
