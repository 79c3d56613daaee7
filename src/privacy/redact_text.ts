// Texts with placeholders in the place of values. A text that is JSON is read as JSON: values are found behind its escapes and in its
// numbers, beside the names of their fields, and what is put in keeps it valid.

import { CANDIDATES } from "../wire/candidates.ts";
import { type JsonSpan, readString, scanElements, scanObject } from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";
import type { Entity, Found, Recognise } from "./entity.ts";
import type { Mapping } from "./mapping.ts";
import { eachPlaceholder, labelOf, mayHoldPlaceholder, PlaceholderMatcher } from "./placeholder.ts";
import { opensJson } from "./restore.ts";
import { finish, type Steps } from "./steps.ts";
import { dataRule, type Visited, walk } from "./walk.ts";

/** What happens to values: `redact` can be restored, `mask` cannot; `audit` and `block` count them alone. */
export type RedactionMode = "audit" | "redact" | "mask" | "block";

/** What a redaction works with. */
export interface TextRedactionOptions {
  readonly recognise: Recognise;
  readonly mode: RedactionMode;
  /** The entities that count; others are left as they are, even where they are recognised. */
  readonly entities: readonly Entity[];
  /** The most characters that are recognised, in all texts together. */
  readonly chars_max: number;
}

/** A key, a string or a number of a text that is JSON, and where it stands in what is recognised. */
interface Segment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly at: number;
  readonly visited: Visited;
}

/** A text as it is recognised. */
interface Reading {
  readonly recognised: string;
  /** Those of a text that is JSON, and what stands in them; null for any other text. */
  readonly bytes: Uint8Array | null;
  readonly segments: readonly Segment[];
}

/** Any class of `CANDIDATES`. */
const ALL = -1;

const DATA = dataRule("text");
const BRACKET_OPEN = "[";

/** Redacts texts one after the other, and counts what it finds. Each text is recognised once. */
export class TextRedaction {
  /** Why it could not go on; then texts have come back unchanged, and must not be sent. */
  fault: string | null = null;
  /** How often each entity was found. */
  readonly found = new Map<Entity, number>();
  /** How many values and look-alikes there were. A text that adds to neither is the same in any conversation. */
  met = 0;
  readonly #options: TextRedactionOptions;
  #chars = 0;

  constructor(options: TextRedactionOptions) {
    this.#options = options;
  }

  /** Whether a string of JSON of these classes can hold neither a value nor a look-alike: it need not be read. */
  isPlain(holds: number): boolean {
    const { needs } = this.#options.recognise;
    return needs !== undefined && (holds & needs) === 0 && this.isUnlike(holds);
  }

  /** Whether it can hold no look-alike that has to be escaped. */
  isUnlike(holds: number): boolean {
    if (this.#options.mode !== "redact") return true;
    if ((holds & (CANDIDATES.folded | CANDIDATES.escape)) !== 0) return false;
    return (holds & CANDIDATES.bracket) === 0 || (holds & CANDIDATES.digit) === 0;
  }

  /**
   * The text with placeholders, numbered by the mapping; null where nothing changes.
   * @param holds the classes of `CANDIDATES` that it may hold, where that is known
   */
  redact(text: string, mapping: Mapping, holds = ALL): string | null {
    if (text === "" || this.fault !== null) return null;
    const reading = readingOf(text);
    const found = this.#recognise(reading.recognised, holds);
    return this.#leaves(reading, found, holds) ? null : finish(this.#write(reading, found, mapping));
  }

  /** The same in steps, for long texts. */
  *redactInSteps(text: string, mapping: Mapping, holds: number): Steps<string | null> {
    if (text === "" || this.fault !== null) return null;
    const { recognise } = this.#options;
    const reading = readingOf(text);
    const { recognised } = reading;
    if (!this.#admits(recognised)) return null;
    const found =
      recognise.inSteps === undefined
        ? recognise(recognised, holds)
        : yield* recognise.inSteps(recognised, holds);
    const counting = this.#counting(recognised, found);
    return this.#leaves(reading, counting, holds) ? null : yield* this.#write(reading, counting, mapping);
  }

  /** Whether a text holds anything that counts. */
  isFoundIn(text: string): boolean {
    return this.fault === null && this.#recognise(text, ALL).length > 0;
  }

  /** The name of somebody in a conversation: a placeholder without brackets, which names may not have, if it holds any value. */
  redactName(name: string, mapping: Mapping): string | null {
    if (this.fault !== null) return null;
    const [first] = this.#recognise(name.replace(/[_-]/g, " "), ALL);
    const found = first === undefined ? [] : [{ ...first, start: 0, end: name.length }];
    const replaced = finish(this.#replace(found, name, mapping));
    if (first === undefined) return replaced;
    return replaced === null ? null : replaced.slice(1, -1);
  }

  /** Whether a text of these classes stays as it is, with what was found in it. */
  #leaves({ recognised }: Reading, found: readonly Found[], holds: number): boolean {
    return found.length === 0 && (this.isUnlike(holds) || !mayHoldPlaceholder(recognised));
  }

  /** The text that was read, with what was found in it replaced; null where nothing changes. */
  *#write(
    { recognised, bytes, segments }: Reading,
    found: readonly Found[],
    mapping: Mapping,
  ): Steps<string | null> {
    if (bytes === null) return yield* this.#replace(found, recognised, mapping);
    const edits: Edit[] = [];
    let next = 0;
    for (const segment of segments) {
      if (segment.text === "") continue;
      const segment_end = segment.at + segment.text.length;
      while (next < found.length && found[next]!.end <= segment.at) next++;
      const within: Found[] = [];
      for (let index = next; index < found.length && found[index]!.start < segment_end; index++) {
        const part = partWithin(found[index]!, segment);
        if (part !== null) within.push(part);
      }
      if (within.length === 0 && !mayHoldPlaceholder(segment.text)) continue;
      const replaced = yield* this.#replace(within, segment.text, mapping);
      if (replaced === null) continue;
      edits.push({ start: segment.start, end: segment.end, bytes: Buffer.from(JSON.stringify(replaced)) });
    }
    return edits.length === 0 ? null : Buffer.concat(splice(bytes, edits)).toString();
  }

  #recognise(text: string, holds: number): readonly Found[] {
    if (!this.#admits(text)) return [];
    return this.#counting(text, this.#options.recognise(text, holds));
  }

  /** Whether there is not yet too much text. */
  #admits(text: string): boolean {
    const { chars_max } = this.#options;
    this.#chars += text.length;
    if (this.#chars > chars_max) this.fault = `there is more text than ${chars_max} characters`;
    return this.#chars <= chars_max;
  }

  /** What was found of the entities that count, in order and within the text. */
  #counting(text: string, found: readonly Found[]): readonly Found[] {
    if (found.length === 0) return found;
    let pos = 0;
    return found.filter(({ start, end, entity }) => {
      if (start < pos || end <= start || end > text.length || !this.#options.entities.includes(entity))
        return false;
      pos = end;
      return true;
    });
  }

  /** The text with what was found replaced and look-alikes escaped; null where nothing changes. */
  *#replace(found: readonly Found[], text: string, mapping: Mapping): Steps<string | null> {
    this.met += found.length;
    for (const { entity } of found) this.found.set(entity, (this.found.get(entity) ?? 0) + 1);
    const { mode } = this.#options;
    if (mode === "audit" || mode === "block") return null;
    let replaced = "";
    let pos = 0;
    for (const { start, end, entity } of found) {
      replaced += yield* this.#escaped(text.slice(pos, start), mapping);
      replaced +=
        mode === "mask"
          ? `[${labelOf(entity)}]`
          : this.#held(mapping.placeholderOf(entity, text.slice(start, end)));
      pos = end;
      yield;
    }
    replaced += yield* this.#escaped(text.slice(pos), mapping);
    return this.fault !== null || replaced === text ? null : replaced;
  }

  /**
   * Takes the numbers of what looks like placeholders in a text that cannot be changed. To be done before all others: then no value takes
   * a number that it has.
   */
  keep(text: string, mapping: Mapping): void {
    if (mayHoldPlaceholder(text)) finish(this.#escaped(text, mapping));
  }

  /** A stretch without values, in which what looks like a placeholder stands for itself. */
  *#escaped(text: string, mapping: Mapping): Steps<string> {
    if (this.#options.mode !== "redact") return text;
    let matcher: PlaceholderMatcher | null = null;
    const matcherOf = () => {
      matcher ??= new PlaceholderMatcher(mapping.labels, mapping.restores_bare);
      return matcher;
    };
    let escaped = "";
    let kept = 0;
    yield* eachPlaceholder(text, matcherOf, (start, end, found) => {
      this.met++;
      escaped += text.slice(kept, start) + this.#held(mapping.escapeOf(text.slice(start, end), found));
      kept = end;
    });
    return kept === 0 ? text : escaped + text.slice(kept);
  }

  #held(placeholder: string | null): string {
    if (placeholder === null) this.fault = "there are more values than a conversation may have";
    return placeholder ?? "";
  }
}

/** The text of a string or number of a JSON text of which every character is a byte. */
function asciiValue(json: string, _: Uint8Array, { start, end, kind }: JsonSpan): string {
  if (kind === "number") return json.slice(start, end);
  const inside = json.slice(start + 1, end - 1);
  return inside.includes("\\") ? (JSON.parse(json.slice(start, end)) as string) : inside;
}

/** The same, of any JSON text. */
function decodedValue(_: string, bytes: Uint8Array, span: JsonSpan): string {
  return readString(bytes, span) ?? String(Buffer.from(bytes.subarray(span.start, span.end)));
}

/** A text as it is recognised. Of JSON, all is recognised at once, a line for each field. */
function readingOf(text: string): Reading {
  const bytes = jsonBytes(text);
  const segments: Segment[] = [];
  if (bytes === null) return { recognised: text, bytes, segments };
  let recognised = "";
  const read = text.length === bytes.length ? asciiValue : decodedValue;
  walk(bytes, DATA, (span, _, visited) => {
    const value = read(text, bytes, span);
    segments.push({ start: span.start, end: span.end, text: value, at: recognised.length, visited });
    recognised += value + (visited === "key" ? ": " : "\n");
  });
  return { recognised, bytes, segments };
}

/** The bytes of a text that is JSON; null for any other, and for one with half a character, which bytes cannot hold. */
function jsonBytes(text: string): Uint8Array | null {
  if (!opensJson(text) || !text.isWellFormed()) return null;
  const bytes = Buffer.from(text);
  const is_array = text.trimStart().startsWith(BRACKET_OPEN);
  const scan = is_array ? scanElements(bytes, 0, bytes.length) : scanObject(bytes);
  return scan.fault === null ? bytes : null;
}

/**
 * The part of a finding that lies in a segment, by offsets in the segment. Of a number it is all: it cannot be cut. A key is no part of
 * what reaches beyond it, such as an address of several lines.
 */
function partWithin(found: Found, { at, text, visited }: Segment): Found | null {
  const [start, end] = [found.start - at, found.end - at];
  if (visited === "number") return { ...found, start: 0, end: text.length };
  if (visited === "key" && (start < 0 || end > text.length)) return null;
  return { ...found, start: Math.max(start, 0), end: Math.min(end, text.length) };
}
