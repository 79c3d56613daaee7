// A stream with its texts judged and its client's values put back while it flows. An event is rewritten only where a text in it
// changes; what is held back of a text goes out before what the text is part of is over, or another text of it goes on.

import { isFields } from "../dialects/fields.ts";
import { type JsonSpan, scanElements, scanMembers, spanText } from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";
import { SseFramer } from "../wire/sse.ts";
import { AnswerTexts, type GrowingTreatment } from "./answer_texts.ts";
import type { Mapping } from "./mapping.ts";
import { CHAT_STREAM } from "./places/chat_stream.ts";
import type { EventTexts, GrowingPiece, Path, StreamPlaces } from "./stream_places.ts";

/** The most scopes of a stream, and the most texts of one; what is beyond goes by as it is, if there are no guards. */
const SCOPES_MAX = 256;
const TEXTS_MAX = 512;

const NOTHING = new Uint8Array(0);
const NOTHING_SAID: EventTexts = { growing: [], whole: [], ended: [] };
const ENDED: EventTexts = { growing: [], whole: [], ended: "all" };
const DATA = Buffer.from("data: ");
const BLANK_LINE = Buffer.from("\n\n");
const LINE_FEED = 0x0a;
const SPACE = 0x20;

/** An event as the framer gives it. */
export interface RestorableEvent {
  readonly raw: Uint8Array;
  readonly data: Uint8Array | null;
}

/** What a client is given for an event. */
export interface RestoredEvent extends RestorableEvent {
  /** Events that go out before it, with what was held back; empty mostly. */
  readonly before: Uint8Array;
}

/** A text that grows from event to event. */
interface GrowingText {
  readonly treatment: GrowingTreatment;
  readonly scope: string;
  readonly kind: string;
  /** Where its last piece came, for an event that says more of it. */
  last: GrowingPiece;
}

/** A text of an event, and what is given for it. */
interface TreatedText {
  readonly path: Path;
  readonly came: string;
  /** It is an object: the text is its JSON. */
  readonly is_json: boolean;
  /** Null for a text that comes whole. */
  readonly text: GrowingText | null;
  given: string;
}

/** Restores one stream. Feed it every event, in order; no two streams may share one. */
export class StreamRestorer {
  readonly #texts: AnswerTexts;
  readonly #places: StreamPlaces;
  readonly #growing = new Map<string, GrowingText>();
  /** How many texts each scope has. */
  readonly #scopes = new Map<string, number>();
  /** The texts that hold something back. */
  readonly #holding = new Set<GrowingText>();
  /** Events that were put in. */
  #inserted = 0;
  /** The number of the last event, where they are counted. */
  #number = 0;

  /** @param places of the stream's format; of chat completions by default */
  constructor(treated: Mapping | AnswerTexts, places: StreamPlaces = CHAT_STREAM) {
    this.#texts = treated instanceof AnswerTexts ? treated : new AnswerTexts(treated);
    this.#places = places;
  }

  /** Nothing more of the stream may go out, the event included that was given last. */
  get is_blocked(): boolean {
    return this.#texts.is_blocked;
  }

  /** Something of the stream cannot be read: where guards take out or block, nothing more may go out. */
  refuse(): void {
    this.#texts.refuse();
  }

  /** What the client is given for an event: the very bytes that came where nothing changes, else new ones. */
  restore(event: RestorableEvent): RestoredEvent {
    const { raw, data } = event;
    if (data === null || this.#texts.is_idle) return { before: NOTHING, raw, data };
    if (this.#places.isEnd(data)) return { before: this.end(), raw, data };
    const value = parse(data);
    if (value === null) {
      this.refuse();
      return { before: NOTHING, raw, data };
    }
    const said = this.#places.read(value) ?? ("error" in value ? ENDED : NOTHING_SAID);
    const number = this.#numberOf(value);
    const treated = this.#treat(said, data);
    const before = this.#release(said, treated, number);
    return { before, ...rewritten(event, data, treated, this.#renumbered(number)) };
  }

  /** The events that say what is still held back, before whatever ends the stream; none where nothing is. */
  end(): Uint8Array {
    let events = "";
    for (const text of this.#holding) events += this.#more(text, this.#number + 1);
    this.#holding.clear();
    return events === "" ? NOTHING : Buffer.from(events);
  }

  #numberOf(value: Readonly<Record<string, unknown>>): number {
    const { number_member } = this.#places;
    const number = number_member === null ? null : value[number_member];
    if (typeof number === "number") this.#number = number;
    return this.#number;
  }

  /** The number of an event, where events were put in before it. */
  #renumbered(number: number): { readonly path: Path; readonly number: number } | null {
    const { number_member } = this.#places;
    if (number_member === null || this.#inserted === 0) return null;
    return { path: [number_member], number: number + this.#inserted };
  }

  #treat({ growing, whole }: EventTexts, data: Uint8Array): TreatedText[] {
    const treated: TreatedText[] = [];
    for (const piece of growing) {
      const text = this.#textOf(piece);
      if (text === null) continue;
      const { path, came } = piece;
      text.last = piece;
      treated.push({ path, came, is_json: false, text, given: text.treatment.push(came) });
      if (text.treatment.held_chars > 0) this.#holding.add(text);
      else this.#holding.delete(text);
    }
    for (const { path, came, is_json } of whole) {
      if (is_json) {
        // As it is written: a number may have more digits than are kept of it.
        const span = spanAt(data, path);
        const written = span === null ? came : spanText(data, span);
        treated.push({ path, came: written, is_json, text: null, given: this.#texts.treatJson(written) });
      } else treated.push({ path, came, is_json, text: null, given: this.#texts.treat(came) });
    }
    return treated;
  }

  /**
   * Gives up what is held back of the texts that an event does not go on with: events of their own that go before it. What is held of
   * texts that end with it is put into it, where it says something of them.
   */
  #release({ growing, ended }: EventTexts, treated: readonly TreatedText[], number: number): Uint8Array {
    let events = "";
    for (const text of this.#holding) {
      const is_over = ended === "all" || ended.includes(text.scope);
      const own = growing.filter(({ scope }) => scope === text.scope);
      const goes_on = own.length === 0 || own.some(({ kind }) => kind === text.kind);
      if (!is_over && goes_on) continue;
      const piece = treated.findLast((one) => one.text === text);
      if (piece === undefined) events += this.#more(text, number);
      else piece.given += text.treatment.end();
      this.#holding.delete(text);
    }
    return events === "" ? NOTHING : Buffer.from(events);
  }

  #more({ treatment, last }: GrowingText, number: number): string {
    const event = last.frame(treatment.end(), number + this.#inserted);
    this.#inserted += 1;
    return event;
  }

  #textOf(piece: GrowingPiece): GrowingText | null {
    const { name, scope, kind } = piece;
    const known = this.#growing.get(name);
    if (known !== undefined) return known;
    const count = this.#scopes.get(scope) ?? 0;
    if (count >= TEXTS_MAX || (count === 0 && this.#scopes.size >= SCOPES_MAX)) {
      this.#texts.refuse();
      return null;
    }
    this.#scopes.set(scope, count + 1);
    const text: GrowingText = { treatment: this.#texts.begin(name), scope, kind, last: piece };
    this.#growing.set(name, text);
    return text;
  }
}

/** A stream that was kept as a whole, with the values of another call put back. The input itself where nothing changes. */
export function restoreEvents(
  events: Uint8Array,
  treated: Mapping | AnswerTexts,
  places: StreamPlaces = CHAT_STREAM,
): Uint8Array {
  const texts = treated instanceof AnswerTexts ? treated : new AnswerTexts(treated);
  if (texts.is_idle) return events;
  const restorer = new StreamRestorer(texts, places);
  const given = restoredBy(restorer, events);
  const held = restorer.end();
  return held.length > 0 ? Buffer.concat([given, held]) : given;
}

/** Whole events that come next in a restorer's stream, as the client is given them. The input itself where nothing changes. */
export function restoredBy(restorer: StreamRestorer, events: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let is_changed = false;
  const give = (event: RestorableEvent) => {
    const { before, raw } = restorer.restore(event);
    is_changed ||= raw !== event.raw || before.length > 0;
    parts.push(before, raw);
  };
  const framer = new SseFramer(events.length + 1, { onEvent: give });
  framer.feed(events);
  const rest = framer.end();
  if (rest !== null) give(rest);
  return is_changed ? Buffer.concat(parts) : events;
}

function parse(data: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(spanText(data, { start: 0, end: data.length }));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** The event with the texts that changed; its own bytes if none did. */
function rewritten(
  { raw }: RestorableEvent,
  data: Uint8Array,
  texts: readonly TreatedText[],
  renumbered: { readonly path: Path; readonly number: number } | null,
): RestorableEvent {
  const edits: Edit[] = [];
  const put = (path: Path, json: string) => {
    const span = spanAt(data, path);
    if (span !== null) edits.push({ ...span, bytes: Buffer.from(json) });
  };
  for (const { path, came, given, is_json } of texts) {
    if (given !== came) put(path, is_json ? given : JSON.stringify(given));
  }
  if (renumbered !== null) put(renumbered.path, String(renumbered.number));
  if (edits.length === 0) return { raw, data };
  edits.sort((a, b) => a.start - b.start);
  const at = Buffer.prototype.lastIndexOf.call(raw, Buffer.from(data));
  const changed = Buffer.concat(splice(data, edits));
  if (at >= 0) return eventOf(raw.subarray(0, at), changed, raw.subarray(at + data.length));
  // The data came in several lines, which are one text of JSON.
  return eventOf(
    DATA,
    changed.map((byte) => (byte === LINE_FEED ? SPACE : byte)),
    BLANK_LINE,
  );
}

function eventOf(before: Uint8Array, data: Uint8Array, behind: Uint8Array): RestorableEvent {
  const raw = Buffer.concat([before, data, behind]);
  return { raw, data: raw.subarray(before.length, before.length + data.length) };
}

/** Where the value at a path lies in the bytes of a chunk, or null. */
function spanAt(data: Uint8Array, path: Path): JsonSpan | null {
  let span: JsonSpan = { start: 0, end: data.length, kind: "object" };
  for (const step of path) {
    const scan =
      typeof step === "string"
        ? scanMembers(data, span.start, span.end)
        : scanElements(data, span.start, span.end);
    if (scan.fault !== null) return null;
    const inner = "find" in scan ? scan.find(String(step)) : scan.at(Number(step));
    if (inner === null) return null;
    span = inner;
  }
  return span;
}
