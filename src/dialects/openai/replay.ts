// A recorded stream as another client is given it: the provider's bytes but for what this client did not ask for. Events are
// found by their blank lines and looked into only where they tell usage.

import { indexOf, needle } from "../../wire/search.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { hasValue, isUsageAlone, USAGE, withCost } from "./stream.ts";

const BLANK_LINE = needle("\n\n");
/** How a comment begins that is not the first line. */
const COMMENT_LINES = [needle("\n:"), needle("\r:")];
const CHOICES = needle('"choices"');

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LETTER_N = 0x6e;
const BYTE_ORDER_MARK = 0xef;

const NOTHING = new Uint8Array(0);
const LINE_END = Uint8Array.of(LINE_FEED);

/** How a client wants a recorded stream. */
export interface ReplayOptions {
  /** Whether it asked for usage. If not, the chunk that tells usage alone is left out, as it is of a live stream. */
  readonly include_usage: boolean;
  /** What `usage.cost_usd` is to say: a number of dollars as JSON; left out, nothing is said of it. */
  readonly cost_usd?: string;
}

/**
 * A recorded stream of chunks for another client. Comments are left out. The input itself where nothing has to change, else
 * new bytes. Usage in a chunk that has choices stays for everyone, as it does in a live stream.
 */
export function replayEvents(events: Uint8Array, options: ReplayOptions): Uint8Array {
  if (!isPlain(events)) return replayFramed(events, options);
  if (options.include_usage && options.cost_usd === undefined) return events;
  const parts: Uint8Array[] = [];
  let kept = 0;
  let at = nextUsage(events, 0);
  while (at >= 0) {
    const before = Buffer.prototype.lastIndexOf.call(events, BLANK_LINE, at);
    const behind = indexOf(events, BLANK_LINE, at);
    const start = before < 0 ? 0 : before + BLANK_LINE.length;
    const end = behind < 0 ? events.length : behind + BLANK_LINE.length;
    const event = events.subarray(start, end);
    const given = isToChange(event, options) ? replayEvent(event, options) : null;
    if (given !== null) {
      parts.push(events.subarray(kept, start), given);
      kept = end;
    }
    at = nextUsage(events, end);
  }
  return kept === 0 ? events : Buffer.concat([...parts, events.subarray(kept)]);
}

/** Whether all lines end by LF and none is a comment. */
function isPlain(events: Uint8Array): boolean {
  const first = events[0];
  if (first === COLON || first === BYTE_ORDER_MARK) return false;
  return !events.includes(CARRIAGE_RETURN) && indexOf(events, COMMENT_LINES[0]!) < 0;
}

/** The offset behind the next key of a usage that is not null; -1 if there is none. */
function nextUsage(events: Uint8Array, from: number): number {
  let at = indexOf(events, USAGE, from);
  while (at >= 0) {
    at = behindColon(events, at + USAGE.length);
    if (events[at] !== LETTER_N) return at;
    at = indexOf(events, USAGE, at);
  }
  return -1;
}

/** The offset of what follows a key: behind white space and a colon. */
function behindColon(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && (bytes[at]! <= SPACE || bytes[at] === COLON)) at++;
  return at;
}

/** Whether it is worth while to look into an event that tells usage: without the wish for it, one without choices alone is. */
function isToChange(event: Uint8Array, { include_usage }: ReplayOptions): boolean {
  if (include_usage) return true;
  let at = indexOf(event, CHOICES);
  while (at >= 0) {
    at = behindColon(event, at + CHOICES.length);
    if (event[at] === OPEN_BRACKET) {
      at++;
      while (event[at]! <= SPACE) at++;
      if (event[at] === CLOSE_BRACKET) return true;
    }
    at = indexOf(event, CHOICES, at);
  }
  return false;
}

/** What is given in place of the one event in these bytes; null: the event itself. */
function replayEvent(bytes: Uint8Array, options: ReplayOptions): Uint8Array | null {
  let given: Uint8Array | null = null;
  const framer = new SseFramer(bytes.length + 1, {
    onEvent: (event) => {
      given = changed(event, options);
    },
  });
  framer.feed(bytes);
  const rest = framer.end();
  return rest === null ? given : changed(rest, options);
}

/** Any stream, event by event. */
function replayFramed(events: Uint8Array, options: ReplayOptions): Uint8Array {
  const parts: Uint8Array[] = [];
  let is_changed = false;
  const give = (event: SseEvent) => {
    const given = withoutComments(changed(event, options) ?? event.raw);
    is_changed ||= given !== event.raw;
    parts.push(given);
  };
  const framer = new SseFramer(events.length + 1, { onEvent: give });
  framer.feed(events);
  const rest = framer.end();
  if (rest !== null) give(rest);
  return is_changed ? Buffer.concat(parts) : events;
}

/** What is given in place of an event; null: the event itself. */
function changed({ raw, data }: SseEvent, { include_usage, cost_usd }: ReplayOptions): Uint8Array | null {
  if (data === null || !hasValue(data, USAGE)) return null;
  if (!include_usage) return isUsageAlone(data) ? NOTHING : null;
  return cost_usd === undefined ? null : withCost(raw, data, cost_usd);
}

/** An event without its comment lines, all others ended by LF; nothing is left of one that has no other. */
function withoutComments(event: Uint8Array): Uint8Array {
  if (!mayHoldComment(event)) return event;
  const lines: Uint8Array[] = [];
  let is_empty = true;
  for (let start = 0, next = 0; start < event.length; start = next) {
    let end = start;
    while (end < event.length && event[end] !== LINE_FEED && event[end] !== CARRIAGE_RETURN) end++;
    next = end + (event[end] === CARRIAGE_RETURN && event[end + 1] === LINE_FEED ? 2 : 1);
    const line = event.subarray(start, end);
    if (isComment(line)) continue;
    is_empty &&= line.length === 0;
    lines.push(line, end < event.length ? LINE_END : NOTHING);
  }
  return is_empty ? NOTHING : Buffer.concat(lines);
}

/** A byte order mark may stand before the first line. */
function isComment(line: Uint8Array): boolean {
  return line[0] === COLON || (line[0] === BYTE_ORDER_MARK && line[3] === COLON);
}

function mayHoldComment(event: Uint8Array): boolean {
  const first = event[0];
  if (first === COLON || first === BYTE_ORDER_MARK) return true;
  return COMMENT_LINES.some((start) => indexOf(event, start) >= 0);
}
