// What is found in texts: kinds of personal data and secrets, and where they stand.

import type { Steps } from "./steps.ts";

/** A kind of personal data or secret, as configurations, placeholders and counts name it: `EMAIL`, `US_SSN`, `PERSON`. */
export type Entity = string;

/** A value found in a text. Offsets are those of JavaScript strings (UTF-16); `end` is exclusive. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly entity: Entity;
  /** How sure it is, from 0 to 1. */
  readonly score: number;
}

/** Finds what there is in a text, in order and without overlaps. */
export interface Recognise {
  /** @param holds the classes of `CANDIDATES` that the text may hold, where that is known from a string of JSON that it was read from */
  (text: string, holds?: number): readonly Found[];
  /** The same in steps, for long texts. Not given: it is not known how. */
  inSteps?(text: string, holds?: number): Steps<readonly Found[]>;
  /** Classes of `CANDIDATES`, as the sum of their bits: a string of JSON without any of them holds nothing. Not given: any may. */
  readonly needs?: number | undefined;
}
