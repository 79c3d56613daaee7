// The card of an answer: what the store has to know of it to remove it, kept apart so that no body is read for that.

import { Packr } from "msgpackr";
import type { CacheEntry } from "../entry.ts";
import { isTexts } from "./entry_bytes.ts";

const LAYOUT = 1;
const packr = new Packr({ useRecords: false });

/** What is known of an answer without reading it. */
export interface Card {
  /** What the answer takes in the store, approximately. */
  readonly bytes: number;
  /** In seconds since 1970, as all that eviction compares. */
  readonly created_s: number;
  readonly model: string;
  /** `provider/model`, as its provider calls it. */
  readonly served_by: string;
  readonly tags: readonly string[];
}

/** The card of an entry that takes `entry_bytes` under a key of `key_bytes`. */
export function bytesOfCard(entry: CacheEntry, entry_bytes: number, key_bytes: number): Buffer {
  const served_by = `${entry.provider}/${entry.served_model}`;
  const bytes = entry_bytes + 2 * key_bytes;
  return packr.pack([LAYOUT, bytes, Math.floor(entry.created_ms / 1000), entry.model, served_by, entry.tags]);
}

/** The card in these bytes; null where it is none. */
export function cardOfBytes(packed: Buffer): Card | null {
  let fields: unknown;
  try {
    fields = packr.unpack(packed);
  } catch {
    return null;
  }
  if (!Array.isArray(fields)) return null;
  const [layout, bytes, created_s, model, served_by, tags] = fields as readonly unknown[];
  const is_card =
    layout === LAYOUT &&
    typeof bytes === "number" &&
    typeof created_s === "number" &&
    typeof model === "string" &&
    typeof served_by === "string" &&
    isTexts(tags);
  return is_card ? { bytes, created_s, model, served_by, tags } : null;
}
