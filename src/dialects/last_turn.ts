// What was asked last: the bytes of the last turn of a chat, or of a prompt, bounded whatever its length. For whoever judges a
// request by what it asks, and not by what was said before.

import { type JsonMember, type JsonSpan, readString, scanElements, scanMembers } from "../wire/json.ts";
import { indexOf, needle } from "../wire/search.ts";
import type { OpenAIRequest } from "./openai/request.ts";

/** The members in which formats have turns or a prompt; the first that is there counts. */
const TURNS = ["messages", "contents", "input", "prompt", "query"];
/** In longer lists of turns the last is looked for in the end of the list alone; bytes. */
const SCANNED_MAX_BYTES = 32 * 1024;
const END_BYTES = 4 * 1024;
const USER = needle('"user"');

/** Some bytes of a request. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Where the last turn of a user stands, as the inside of its JSON; null where a request has no turns and no prompt. */
export function lastTurn({ bytes, scan }: OpenAIRequest): Stretch | null {
  let turns: JsonMember | null = null;
  for (const name of TURNS) turns ??= scan.find(name);
  if (turns === null || turns.kind !== "array") return turns;
  if (turns.end - turns.start > SCANNED_MAX_BYTES) return endOf(bytes, turns);
  const elements = scanElements(bytes, turns.start, turns.end);
  if (elements.fault !== null || elements.count === 0) return turns;
  for (let index = elements.count - 1; index >= 0; index--) {
    const content = contentOf(bytes, elements.at(index));
    if (content !== null) return content;
  }
  return elements.at(elements.count - 1);
}

/** What a turn of a user says; null where the turn is another's. */
function contentOf(bytes: Uint8Array, turn: JsonSpan): Stretch | null {
  if (turn.kind !== "object") return turn;
  const members = scanMembers(bytes, turn.start, turn.end);
  if (members.fault !== null) return null;
  const role = members.find("role");
  if (role !== null && readString(bytes, role) !== "user") return null;
  return members.find("content") ?? members.find("parts");
}

/** The end of a long list, from the last word that begins a user's turn. */
function endOf(bytes: Uint8Array, { start, end }: Stretch): Stretch {
  const from = Math.max(start, end - END_BYTES);
  const last = bytes.subarray(from, end);
  let at = -1;
  for (let found = indexOf(last, USER); found >= 0; found = indexOf(last, USER, found + 1)) at = found;
  // Where the role stands behind what is said, there is nothing behind it.
  const begin = at < 0 || last.length - at < USER.length + 16 ? from : from + at + USER.length;
  return { start: begin, end };
}
