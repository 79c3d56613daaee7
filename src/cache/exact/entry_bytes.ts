// How an answer lies in the store: a checksum, then one msgpack array that begins with its layout's number and holds the body too,
// so that one look-up finds everything. The library checks no page that it reads; the checksum is over the key as well, so that
// bytes which changed on the disk are never taken for an answer, let alone for another tenant's.

import { Packr } from "msgpackr";
import { NO_USAGE, type Usage } from "../../dialects/usage.ts";
import type { CacheEntry } from "../entry.ts";

/** Raised whenever the array's order or meaning changes; what another number wrote is not read. */
const LAYOUT = 1;

const USAGE_KINDS = Object.keys(NO_USAGE) as readonly (keyof Usage)[];

/** What every checksum begins with: were the kinds of usage ever other ones, or in another order, no old entry would match. */
const CHECK_START = Bun.hash.crc32(`${LAYOUT} ${USAGE_KINDS.join()}`);
const CHECK_BYTES = 4;

const packr = new Packr({ useRecords: false });

/** An entry as the bytes that are stored under `key`. The body is copied. */
export function bytesOfEntry(key: Uint8Array, entry: CacheEntry): Buffer {
  const packed = packr.pack([
    LAYOUT,
    entry.kind === "whole" ? 0 : 1,
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
    // From where it lies: the views that the library makes of a buffer are made once, as LMDB's buffer is the same each time.
    const fields: unknown = packr.unpack(bytes, { start: CHECK_BYTES, end: length });
    return Array.isArray(fields) ? entryOfFields(fields) : null;
  } catch {
    return null;
  }
}

function checkOf(key: Uint8Array, packed: Uint8Array): number {
  return Bun.hash.crc32(packed, Bun.hash.crc32(key, CHECK_START));
}

/** By its places, and not by taking the array apart: this is done for every answer that is given. */
function entryOfFields(fields: readonly unknown[]): CacheEntry | null {
  if (fields[0] !== LAYOUT) return null;
  const kind = fields[1] === 0 ? "whole" : "events";
  const usage = fields[2] === null ? null : usageOfCounts(fields[2]);
  const finish_reason = fields[3];
  const model = fields[4];
  const provider = fields[5];
  const served_model = fields[6];
  const created_ms = fields[7];
  const fresh_until_ms = fields[8];
  const stale_until_ms = fields[9];
  const tags = fields[10];
  const cost_nano_usd = fields[11];
  const took_ms = fields[12];
  const body = fields[13];
  const is_entry =
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
    body: copyOf(body),
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

/** The library reads the next value into the same bytes. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

function usageOfCounts(counts: unknown): Usage | undefined {
  if (!Array.isArray(counts) || counts.length !== USAGE_KINDS.length) return undefined;
  const usage: Record<keyof Usage, number> = { ...NO_USAGE };
  for (let index = 0; index < USAGE_KINDS.length; index++) {
    const count: unknown = counts[index];
    if (typeof count !== "number") return undefined;
    if (count !== 0) usage[USAGE_KINDS[index]!] = count;
  }
  return usage;
}

/** Whether it is a list of texts. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
