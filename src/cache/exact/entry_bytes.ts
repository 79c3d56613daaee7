// How an answer lies in the store: a checksum, then one msgpack array that begins with its layout's number and holds the body too,
// so that one look-up finds everything. The library checks no page that it reads; the checksum is over the key as well, so that
// bytes which changed on the disk are never taken for an answer, let alone for another tenant's.

import { Packr } from "msgpackr";
import { NO_USAGE, type Usage } from "../../dialects/usage.ts";
import type { CacheEntry } from "../entry.ts";

/** Raised whenever the array's order or meaning changes; what another number wrote is not read. */
const LAYOUT = 1;

const KINDS = ["whole", "events"] as const;
const USAGE_KINDS = Object.keys(NO_USAGE) as readonly (keyof Usage)[];

/** What every checksum begins with: were the kinds of usage ever other ones, or in another order, no old entry would match. */
const CHECK_START = Bun.hash.crc32(`${LAYOUT} ${USAGE_KINDS.join()}`);
const CHECK_BYTES = 4;

/** A body is copied out of what is read, because the library reads the next value into the same bytes. */
const packr = new Packr({ useRecords: false, copyBuffers: true });

/** An entry as the bytes that are stored under `key`. The body is copied. */
export function bytesOfEntry(key: Uint8Array, entry: CacheEntry): Buffer {
  const packed = packr.pack([
    LAYOUT,
    KINDS.indexOf(entry.kind),
    entry.usage === null ? null : USAGE_KINDS.map((kind) => entry.usage?.[kind]),
    entry.finish_reason,
    entry.model,
    entry.provider,
    entry.served_model,
    entry.created_ms,
    entry.fresh_until_ms,
    entry.stale_until_ms,
    entry.tags,
    entry.cost_nano_usd,
    entry.took_ms,
    entry.body,
  ]);
  const bytes = Buffer.allocUnsafeSlow(CHECK_BYTES + packed.length);
  bytes.set(packed, CHECK_BYTES);
  bytes.writeUInt32LE(checkOf(key, packed), 0);
  return bytes;
}

/**
 * The entry that was stored under `key` as the first `length` of `bytes`, with a body of its own; null where it is no whole entry
 * of this layout.
 */
export function entryOfBytes(key: Uint8Array, bytes: Buffer, length: number): CacheEntry | null {
  if (length <= CHECK_BYTES) return null;
  const packed = bytes.subarray(CHECK_BYTES, length);
  if (bytes.readUInt32LE(0) !== checkOf(key, packed)) return null;
  try {
    const fields: unknown = packr.unpack(packed);
    return Array.isArray(fields) ? entryOfFields(fields) : null;
  } catch {
    return null;
  }
}

function checkOf(key: Uint8Array, packed: Uint8Array): number {
  return Bun.hash.crc32(packed, Bun.hash.crc32(key, CHECK_START));
}

function entryOfFields(fields: readonly unknown[]): CacheEntry | null {
  const [layout, kind_number, counts, finish_reason, model, provider, served_model] = fields;
  const [created_ms, fresh_until_ms, stale_until_ms, tags, cost_nano_usd, took_ms, body] = fields.slice(7);
  const kind = typeof kind_number === "number" ? KINDS[kind_number] : undefined;
  const usage = counts === null ? null : usageOfCounts(counts);
  const is_entry =
    layout === LAYOUT &&
    kind !== undefined &&
    usage !== undefined &&
    (finish_reason === null || typeof finish_reason === "string") &&
    typeof model === "string" &&
    typeof provider === "string" &&
    typeof served_model === "string" &&
    typeof created_ms === "number" &&
    typeof fresh_until_ms === "number" &&
    typeof stale_until_ms === "number" &&
    isTexts(tags) &&
    (cost_nano_usd === null || typeof cost_nano_usd === "number") &&
    typeof took_ms === "number" &&
    body instanceof Uint8Array;
  if (!is_entry) return null;
  return {
    kind,
    body,
    usage,
    finish_reason,
    model,
    provider,
    served_model,
    created_ms,
    fresh_until_ms,
    stale_until_ms,
    tags,
    cost_nano_usd,
    took_ms,
  };
}

function usageOfCounts(counts: unknown): Usage | undefined {
  if (!Array.isArray(counts) || counts.length !== USAGE_KINDS.length) return undefined;
  const usage: Record<keyof Usage, number> = { ...NO_USAGE };
  for (let index = 0; index < USAGE_KINDS.length; index++) {
    const count: unknown = counts[index];
    if (typeof count !== "number") return undefined;
    usage[USAGE_KINDS[index]!] = count;
  }
  return usage;
}

/** Whether it is a list of texts. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
