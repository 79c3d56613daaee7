// Which answers are to be removed: whose they are, what they answer for, what they are marked with, or their key. What is said here
// holds for answers in the data folder and for those that hosts share.

import { tenantPrefix } from "../key.ts";

/** Which answers: those for which all hold that are given. Nothing is meant where nothing is given, unless `all` is. */
export interface PurgeFilter {
  readonly tenant?: string;
  /** A model as clients ask for it, or `provider/model` as its provider calls it. */
  readonly model?: string;
  /** `name=value`, or `name` for whatever value. */
  readonly tag?: string;
  /** One answer's key, as `CacheKey.hex` gives it. */
  readonly key_hex?: string;
  readonly all?: true;
  /** Only those that were made before then, in milliseconds since 1970. */
  readonly before_ms?: number;
}

/** Where what a filter means can lie. */
export interface KeysMeant {
  /** What their keys begin with. */
  readonly prefix: Buffer;
  /** The one key; null for all with the prefix. */
  readonly only: Buffer | null;
}

/** Under which keys a filter's answers lie; null: it means none. */
export function keysMeant({ tenant, model, tag, key_hex, all }: PurgeFilter): KeysMeant | null {
  if (tenant === undefined && model === undefined && tag === undefined && key_hex === undefined && !all)
    return null;
  const only = key_hex === undefined ? null : Buffer.from(key_hex, "hex");
  if (only !== null && (only.length === 0 || only.toString("hex") !== key_hex?.toLowerCase())) return null;
  const prefix = tenant === undefined ? Buffer.alloc(0) : tenantPrefix(tenant);
  // The tenant stands in the key: another's is not meant, whoever knows it.
  if (only !== null && !only.subarray(0, prefix.length).equals(prefix)) return null;
  return { prefix, only };
}

/** What is known of an answer that a filter may ask about. */
export interface Purgeable {
  readonly model: string;
  /** `provider/model`, as its provider calls it. */
  readonly served_by: string;
  readonly tags: readonly string[];
  readonly created_ms: number;
}

/** Whether a filter means an answer under one of its keys. */
export function isMeant(answer: Purgeable, { model, tag, before_ms = Infinity }: PurgeFilter): boolean {
  const is_model = model === undefined || answer.model === model || answer.served_by === model;
  const is_tag = tag === undefined || answer.tags.some((own) => own === tag || own.startsWith(`${tag}=`));
  return is_model && is_tag && answer.created_ms < before_ms;
}
