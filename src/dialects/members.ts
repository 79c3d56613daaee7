// Single members of a JSON object, found by its bytes: to know what an answer used, nobody has to read all of it.

import { type JsonMember, scanMembers, scanObject } from "../wire/json.ts";
import { fastest } from "../wire/kernels.ts";
import { indexOf } from "../wire/search.ts";
import { type Edit, insertMember, splice } from "../wire/splice.ts";

const decoder = new TextDecoder();

/** The JSON object or array in bytes; null where there is none. */
export function parseValue(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The values of some members at the top of an object, in order; undefined for those that are not there. */
export function readMembers(body: Uint8Array, names: readonly string[]): readonly unknown[] {
  const scan = scanObject(body);
  return names.map((name) => {
    const member = scan.fault === null ? scan.find(name) : null;
    return member === null ? undefined : parsed(body, member);
  });
}

function parsed(body: Uint8Array, { start, end }: JsonMember): unknown {
  try {
    return JSON.parse(decoder.decode(body.subarray(start, end)));
  } catch {
    return undefined;
  }
}

/** About how many tokens the text of a member has. */
export function estimateMember(body: Uint8Array, name: string): number {
  const scan = scanObject(body);
  const member = scan.fault === null ? scan.find(name) : null;
  return member === null ? 0 : fastest.estimateTokens(body, member.start, member.end);
}

/**
 * An event with the cost beside the usage that it tells; as it is where that cannot be said in it.
 * @param path the members that lead to the object of the usage
 */
export function withCostAt(
  event: Uint8Array,
  data: Uint8Array,
  path: readonly string[],
  cost_usd: string,
): Uint8Array {
  let scan = scanObject(data);
  for (const name of path) {
    const member = scan.fault === null ? scan.find(name) : null;
    if (member === null || member.kind !== "object") return event;
    scan = scanMembers(data, member.start, member.end);
  }
  const at = indexOf(event, Buffer.from(data));
  if (scan.fault !== null || at < 0) return event;
  const told = scan.find("cost_usd");
  const cost = Buffer.from(cost_usd);
  const edit: Edit =
    told === null ? insertMember(scan, "cost_usd", cost) : { start: told.start, end: told.end, bytes: cost };
  return Buffer.concat(splice(event, [{ start: at + edit.start, end: at + edit.end, bytes: edit.bytes }]));
}
