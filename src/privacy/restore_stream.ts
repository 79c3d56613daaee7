// A stream of chunks with its texts judged and its client's values put back while it flows. An event is rewritten only where a text in
// it changes; what is held back of a text goes out before its choice is over, or another text of it goes on.

import { isFields } from "../dialects/fields.ts";
import { isDone } from "../dialects/openai/stream.ts";
import { type JsonSpan, scanElements, scanMembers, scanObject } from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";
import { SseFramer } from "../wire/sse.ts";
import { ANSWER_MESSAGE, type AnswerTreatment } from "./answer_places.ts";
import { AnswerTexts, type GrowingTreatment } from "./answer_texts.ts";
import type { Mapping } from "./mapping.ts";
import { type Rule, ruleOfMember } from "./walk.ts";

/** The most choices of a stream, and the most texts of one choice; what is beyond goes by as it is, if there are no guards. */
const CHOICES_MAX = 256;
const TEXTS_MAX = 512;
/** How deeply a text may lie within a choice. */
const DEPTH_MAX = 12;

/** How the names of all the texts begin that tell a reasoning. */
const REASONING = "delta.reasoning";
/** And those that come whole: titles, addresses. */
const ANNOTATIONS = "delta.annotations";

const NOTHING = new Uint8Array(0);
const DATA = Buffer.from("data: ");
const BLANK_LINE = Buffer.from("\n\n");
const LINE_FEED = 0x0a;
const SPACE = 0x20;
/** What a chunk that is put in has of the chunk before it. */
const COMMON = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];

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

/** Where a value lies in a chunk: keys, and positions in arrays. */
type Path = readonly (string | number)[];

/** A text that grows from chunk to chunk. */
interface GrowingText {
  readonly restorer: GrowingTreatment;
  /** The name of what it is: some providers tell a reasoning twice, side by side. */
  readonly kind: string;
  /** What stands before and behind it in a choice that has nothing else. */
  readonly before: string;
  readonly after: string;
}

/** What a chunk says of a text. */
interface Piece {
  /** Null for a text that comes whole. */
  readonly text: GrowingText | null;
  readonly path: Path;
  readonly came: string;
  restored: string;
}

/** Restores one stream. Feed it every event, in order; no two streams may share one. */
export class StreamRestorer {
  readonly #texts: AnswerTexts;
  readonly #choices = new Map<number, ChoiceRestorer>();
  /** The data of the last chunk. */
  #last: Uint8Array | null = null;

  constructor(treated: Mapping | AnswerTexts) {
    this.#texts = treated instanceof AnswerTexts ? treated : new AnswerTexts(treated);
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
    if (isDone(data)) return { before: this.end(), raw, data };
    const chunk = parse(data);
    if (chunk === null) this.refuse();
    const choices = chunk?.["choices"];
    if (chunk === null || !Array.isArray(choices)) {
      return { before: chunk !== null && "error" in chunk ? this.end() : NOTHING, raw, data };
    }
    this.#last = data;
    let before: Uint8Array = NOTHING;
    const pieces: Piece[] = [];
    for (let position = 0; position < choices.length; position++) {
      const choice: unknown = choices[position];
      if (!isFields(choice)) continue;
      const { index } = choice;
      const restorer = this.#choiceOf(typeof index === "number" ? index : position);
      if (restorer === null) continue;
      before = joined(before, this.#events(restorer.see(choice, ["choices", position], pieces)));
    }
    return { before, ...rewritten(event, data, pieces) };
  }

  /** The events that say what is still held back, before whatever ends the stream; none where nothing is. */
  end(): Uint8Array {
    let held: Uint8Array = NOTHING;
    for (const choice of this.#choices.values()) held = joined(held, this.#events(choice.end()));
    return held;
  }

  #choiceOf(index: number): ChoiceRestorer | null {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    if (this.#choices.size >= CHOICES_MAX) {
      this.#texts.refuse();
      return null;
    }
    const choice = new ChoiceRestorer(index, this.#texts);
    this.#choices.set(index, choice);
    return choice;
  }

  /** Choices as events of their own, like the last chunk otherwise. */
  #events(choices: readonly string[]): Uint8Array {
    if (choices.length === 0 || this.#last === null) return NOTHING;
    const common = commonMembers(this.#last);
    return Buffer.from(choices.map((choice) => `data: {${common}"choices":[${choice}]}\n\n`).join(""));
  }
}

/** A stream that was kept as a whole, with the values of another call put back. The input itself where nothing changes. */
export function restoreEvents(events: Uint8Array, treated: Mapping | AnswerTexts): Uint8Array {
  const texts = treated instanceof AnswerTexts ? treated : new AnswerTexts(treated);
  if (texts.is_idle) return events;
  const restorer = new StreamRestorer(texts);
  const parts: Uint8Array[] = [];
  let is_changed = false;
  const give = (event: RestorableEvent) => {
    const { before, raw } = restorer.restore(event);
    is_changed ||= raw !== event.raw || before.length > 0;
    parts.push(before, raw);
  };
  const framer = new SseFramer(events.length + 1, give);
  framer.feed(events);
  const rest = framer.end();
  if (rest !== null) give(rest);
  const held = restorer.end();
  return is_changed || held.length > 0 ? Buffer.concat([...parts, held]) : events;
}

/** The texts of one choice. */
class ChoiceRestorer {
  readonly #index: number;
  readonly #treated: AnswerTexts;
  readonly #texts = new Map<string, GrowingText>();
  /** The texts that hold something back. */
  readonly #holding = new Set<GrowingText>();

  constructor(index: number, treated: AnswerTexts) {
    this.#index = index;
    this.#treated = treated;
  }

  /**
   * Adds to `pieces` what a chunk says of this choice. Gives choices that have to go out before the chunk.
   * @param at where the choice lies in the chunk
   */
  see(choice: Readonly<Record<string, unknown>>, at: Path, pieces: Piece[]): string[] {
    const own: Piece[] = [];
    const { delta, text, message, finish_reason } = choice;
    const onWhole = (came: string, _: string, path: Path) => {
      own.push({ text: null, path, came, restored: this.#treated.treat(came) });
    };
    const onText = (came: string, name: string, path: Path) => {
      if (name.startsWith(ANNOTATIONS)) return onWhole(came, name, path);
      const growing = came === "" ? null : this.#textOf(name, choice, path);
      if (growing === null) return;
      own.push({ text: growing, path, came, restored: growing.restorer.push(came) });
      if (growing.restorer.held_chars > 0) this.#holding.add(growing);
      else this.#holding.delete(growing);
    };
    if (typeof text === "string") onText(text, "text", ["text"]);
    if (isFields(delta)) findTexts(delta, ANSWER_MESSAGE, "delta", ["delta"], onText);
    const is_last = typeof finish_reason === "string" && finish_reason !== "";
    const before = is_last || own.length > 0 ? this.#release(own, is_last) : [];
    // Some providers say the whole answer again in each chunk.
    if (isFields(message)) findTexts(message, ANSWER_MESSAGE, "message", ["message"], onWhole);
    for (const piece of own) pieces.push({ ...piece, path: [...at, ...piece.path] });
    return before;
  }

  /** What is still held back, as choices; none where nothing is. */
  end(): string[] {
    return this.#release([], true);
  }

  /**
   * Gives up what is held back of the texts that this chunk does not go on with, as choices of their own.
   * @param is_last no text goes on: what is held of those in this chunk is put into it
   */
  #release(own: readonly Piece[], is_last: boolean): string[] {
    const choices: string[] = [];
    for (const holding of this.#holding) {
      const piece = own.findLast(({ text }) => text === holding);
      const goes_on = !is_last && own.some(({ text }) => text?.kind === holding.kind);
      if (goes_on) continue;
      if (piece === undefined) {
        choices.push(`${holding.before}${JSON.stringify(holding.restorer.end())}${holding.after}`);
      } else {
        piece.restored += holding.restorer.end();
      }
      this.#holding.delete(holding);
    }
    return choices;
  }

  #textOf(name: string, choice: unknown, path: Path): GrowingText | null {
    const known = this.#texts.get(name);
    if (known !== undefined) return known;
    if (this.#texts.size >= TEXTS_MAX) {
      this.#treated.refuse();
      return null;
    }
    const kind = name.startsWith(REASONING) ? REASONING : name;
    const restorer = this.#treated.begin(`${this.#index}.${name}`);
    const growing = { restorer, kind, ...frameOf(this.#index, choice, path) };
    this.#texts.set(name, growing);
    return growing;
  }
}

/** Finds the texts within a value of a chunk. Elements of an array that have an `index` are named by it, others by their position. */
function findTexts(
  value: unknown,
  place: Rule<AnswerTreatment>,
  name: string,
  path: Path,
  onText: (came: string, name: string, path: Path) => void,
): void {
  if (typeof value === "string") {
    if (place.treatment !== "keep") onText(value, name, path);
  } else if (path.length >= DEPTH_MAX) {
    return;
  } else if (Array.isArray(value)) {
    for (let position = 0; position < value.length; position++) {
      const item: unknown = value[position];
      const index = isFields(item) && typeof item["index"] === "number" ? item["index"] : position;
      findTexts(item, place, `${name}.${index}`, [...path, position], onText);
    }
  } else if (isFields(value)) {
    for (const key in value) {
      const member = value[key];
      // Most members are names or null: there is nothing to look for in these.
      if (member === null || typeof member === "number") continue;
      findTexts(member, ruleOfMember(place, key), `${name}.${key}`, [...path, key], onText);
    }
  }
}

/** What stands before and behind the text at `path` in a choice that says nothing else. */
function frameOf(
  index: number,
  choice: unknown,
  path: Path,
): { readonly before: string; readonly after: string } {
  let before = `{"index":${index},`;
  let after = path[0] === "text" ? ',"logprobs":null,"finish_reason":null}' : ',"finish_reason":null}';
  let value = choice;
  let is_open = true;
  for (const step of path) {
    if (typeof step === "number") {
      value = Array.isArray(value) ? value[step] : null;
      is_open = isFields(value);
      before += is_open ? `[{${identityOf(value)}` : "[";
      after = is_open ? `}]${after}` : `]${after}`;
    } else {
      value = isFields(value) ? value[step] : null;
      before += `${is_open ? "" : "{"}${JSON.stringify(step)}:`;
      if (!is_open) after = `}${after}`;
      is_open = false;
    }
  }
  return { before, after };
}

/** By what an element of an array is told from others, with a comma behind it. */
function identityOf(element: unknown): string {
  if (!isFields(element)) return "";
  const { index, type } = element;
  if (typeof index === "number") return `"index":${index},`;
  return typeof type === "string" ? `"type":${JSON.stringify(type)},` : "";
}

function commonMembers(data: Uint8Array): string {
  const scan = scanObject(data);
  if (scan.fault !== null) return "";
  return COMMON.map((name) => {
    const member = scan.find(name);
    return member === null ? "" : `"${name}":${textOf(data, member)},`;
  }).join("");
}

function textOf(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): string {
  return Buffer.prototype.utf8Slice.call(bytes, start, end);
}

function parse(data: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(textOf(data, { start: 0, end: data.length }));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** The event with the texts that changed; its own bytes if none did. */
function rewritten({ raw }: RestorableEvent, data: Uint8Array, pieces: readonly Piece[]): RestorableEvent {
  const edits: Edit[] = [];
  for (const { path, came, restored } of pieces) {
    if (restored === came) continue;
    const span = spanAt(data, path);
    if (span !== null) edits.push({ ...span, bytes: Buffer.from(JSON.stringify(restored)) });
  }
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

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  return first.length === 0 ? second : Buffer.concat([first, second]);
}
