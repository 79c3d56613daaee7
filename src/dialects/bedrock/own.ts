// What the files of this format have in common.

import type { OwnPart } from "../neutral/parts.ts";

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** This format's name. */
export const FORMAT = "bedrock";

/** A block that only this format knows. */
export function ownPart(value: Fields): OwnPart {
  return { kind: "own", format: FORMAT, value };
}
