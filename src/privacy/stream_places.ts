// What a format has to say of its streams for their texts to be judged and restored: which texts an event says more of, which it ends,
// and how an event looks that says more of one.

import { isFields } from "../dialects/fields.ts";
import type { AnswerTreatment } from "./answer_places.ts";
import { type Rule, ruleOfMember } from "./walk.ts";

/** Where a value lies in the data of an event: keys, and positions in arrays. */
export type Path = readonly (string | number)[];

/** A piece of a text that grows from event to event. */
export interface GrowingPiece {
  /** Names the text within the stream. */
  readonly name: string;
  /** What the text is part of: one choice, one block. */
  readonly scope: string;
  /** What it is there: when a scope goes on with another kind, its other texts are over. Some providers tell a text twice, side by side. */
  readonly kind: string;
  readonly path: Path;
  readonly came: string;
  /** An event's bytes that say `text` is more of it; `number` is the event's in its stream, for formats that count them. */
  frame(text: string, number: number): string;
}

/** A text that an event has as a whole. */
export interface WholeText {
  readonly path: Path;
  readonly came: string;
  /** It is an object: the text is its JSON. */
  readonly is_json: boolean;
}

/** What an event says of the texts of an answer. */
export interface EventTexts {
  readonly growing: readonly GrowingPiece[];
  readonly whole: readonly WholeText[];
  /** Scopes of which all texts end with it; `all`: the answer does. */
  readonly ended: readonly string[] | "all";
}

/** The places of texts in the streams of a format. One for each stream: it may remember what came. */
export interface StreamPlaces {
  /** Whether an event's data, which is no JSON, says that the stream is over. */
  isEnd(data: Uint8Array): boolean;
  /** Null: it says nothing of an answer. */
  read(event: Readonly<Record<string, unknown>>): EventTexts | null;
  /** The member at the top that counts the events; null where nothing does. */
  readonly number_member: string | null;
}

/** Finds the texts within a value that come as a whole, objects that are one text of JSON too. */
export function findWholes(
  value: unknown,
  place: Rule<AnswerTreatment>,
  path: Path,
  onWhole: (text: WholeText) => void,
): void {
  if (place.is_json && isFields(value)) {
    if (Object.keys(value).length > 0) onWhole({ came: JSON.stringify(value), path, is_json: true });
  } else if (isFields(value) && path.length < DEPTH_MAX) {
    for (const key in value) findWholes(value[key], ruleOfMember(place, key), [...path, key], onWhole);
  } else if (Array.isArray(value) && path.length < DEPTH_MAX) {
    value.forEach((item, position) => {
      findWholes(item, place, [...path, position], onWhole);
    });
  } else if (typeof value === "string" && place.treatment !== "keep") {
    onWhole({ came: value, path, is_json: false });
  }
}

/** How deeply a text may lie within what a rule is about. */
const DEPTH_MAX = 12;

/**
 * Finds the texts within a value by their rule, each with its path and a name made of it. Elements of an array that have an `index` are
 * named by it, others by their position.
 */
export function findTexts(
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
