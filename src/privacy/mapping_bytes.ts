// A conversation's values as bytes, to be sealed: see `memory/sealed_folder.ts`.

import { isFields, list } from "../dialects/fields.ts";
import { type MappedValue, Mapping } from "./mapping.ts";

/** A conversation's values as bytes, to be sealed. */
export function mappingBytes(mapping: Mapping): Uint8Array {
  const values = [...mapping].map(({ entity, number, value, is_literal }) => [
    entity,
    number,
    value,
    is_literal,
  ]);
  return Buffer.from(JSON.stringify({ bare: mapping.restores_bare, values }));
}

/** The values of such bytes; null where they are none. */
export function readMapping(bytes: Uint8Array): Mapping | null {
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
  if (!isFields(read)) return null;
  const mapping = new Mapping({ restores_bare: read["bare"] === true });
  for (const item of list(read["values"])) {
    const value = readValue(item);
    if (value === null || !mapping.put(value)) return null;
  }
  return mapping;
}

function readValue(item: unknown): MappedValue | null {
  const [entity, number, value, is_literal] = list(item);
  if (typeof entity !== "string" || typeof value !== "string" || typeof is_literal !== "boolean") return null;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) return null;
  return { entity, number, value, is_literal };
}
