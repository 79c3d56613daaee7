// What only the Responses format knows of a value, kept beside it for the way back.

import { isFields } from "../fields.ts";
import type { OwnFields } from "../neutral/parts.ts";

/** Fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = {};

/** What the Responses format kept of a thing; nothing of what another format kept. */
export function ownFields(thing: { readonly own?: OwnFields | null }): Fields {
  const { own } = thing;
  if (own?.format !== "responses") return NOTHING;
  return own.silent === undefined ? own.fields : { ...own.fields, ...own.silent };
}

/** Fields to be kept, as the member `own` of what they belong to; none where there are none. */
export function kept(fields: Fields): { readonly own?: OwnFields } {
  return Object.keys(fields).length === 0 ? {} : { own: { format: "responses", fields } };
}

/** The fields that are not among those that are read. */
export function others(fields: Fields, read: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !read.has(name)));
}

/** A member of an object among those kept, or none. */
export function memberFields(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : NOTHING;
}
