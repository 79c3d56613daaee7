// What a value of this format has that the neutral model does not know, put aside and put back.

import { isFields } from "../fields.ts";
import type { CacheMark, OwnFields } from "../neutral/parts.ts";

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** This format's name. */
export const FORMAT = "messages";

/** The fields that are not among those known, to be kept; nothing where there are none. Null says no more than a field left out. */
export function ownOf(fields: Fields, known: ReadonlySet<string>): { own?: OwnFields } {
  const kept = Object.entries(fields).filter(([name, value]) => !known.has(name) && value != null);
  return kept.length === 0 ? {} : { own: { format: FORMAT, fields: Object.fromEntries(kept) } };
}

/** What was kept of this format's; what another format kept says nothing here. */
export function keptOf(own: OwnFields | null | undefined): Fields {
  return own?.format === FORMAT ? own.fields : {};
}

/** The mark of a `cache_control` object; undefined where it is none that is known. */
export function readCache(value: unknown): CacheMark | undefined {
  if (!isFields(value) || value["type"] !== "ephemeral") return undefined;
  const ttl = value["ttl"] ?? null;
  return ttl === null || ttl === "5m" || ttl === "1h" ? { ttl } : undefined;
}

/** A mark as the field `cache_control`. */
export function writeCache(cache: CacheMark | undefined): Fields {
  if (cache === undefined) return {};
  return {
    cache_control: cache.ttl === null ? { type: "ephemeral" } : { type: "ephemeral", ttl: cache.ttl },
  };
}

/** A field that is there if it has a value. */
export function optional(name: string, value: unknown): Fields {
  return value === undefined || value === null ? {} : { [name]: value };
}

/** What there is of a value, as a list to spread. */
export function listed(fields: Fields | null): Fields[] {
  return fields === null ? [] : [fields];
}
