// Digits and what follows them: groups of digits with separators between. A number can be written as one group or as several,
// and a stretch of groups can hold several numbers, so rules are looked up by shape ("3-2-4") from every group on.

import type { Entity } from "../entity.ts";
import { endsWord, goesOn, isAlnum, isDigit } from "./letters.ts";
import type { Recogniser, Scan } from "./scan.ts";

/** Groups of one stretch at most; what is longer is read on from `OVERLAP` groups before its end. */
const GROUPS_MAX = 64;
const OVERLAP = 12;
/** Characters between two groups at most, as in ") - ". */
const GAP_MAX = 3;

const SPACE = 0x20;
const IS_SEPARATOR = new Uint8Array(128);
for (const sign of " -./()+") IS_SEPARATOR[sign.charCodeAt(0)] = 1;

/** A stretch of digit groups. One object is used over and over. */
export class Numbers {
  #text = "";
  count = 0;
  /** Whether nothing of the stretch is left to be read. */
  is_whole = true;
  readonly starts = new Int32Array(GROUPS_MAX);
  readonly ends = new Int32Array(GROUPS_MAX);

  /** Reads the stretch that begins at a digit; gives where the next one is to be read from. */
  read(text: string, at: number): number {
    this.#text = text;
    this.count = 0;
    let start = at;
    for (;;) {
      let end = start + 1;
      while (isDigit(text.charCodeAt(end))) end++;
      this.starts[this.count] = start;
      this.ends[this.count] = end;
      this.count++;
      start = end;
      while (start - end <= GAP_MAX && IS_SEPARATOR[text.charCodeAt(start)] === 1) start++;
      const is_gap = start > end && start - end <= GAP_MAX && isDigit(text.charCodeAt(start));
      this.is_whole = !is_gap;
      if (!is_gap) return end;
      if (this.count === GROUPS_MAX) return this.starts[GROUPS_MAX - OVERLAP]!;
    }
  }

  /** Lets go of the text. */
  forget(): void {
    this.#text = "";
    this.count = 0;
  }

  /** Where the last group ends. */
  get end(): number {
    return this.ends[this.count - 1]!;
  }

  /** How many digits a group has. */
  length(group: number): number {
    return this.ends[group]! - this.starts[group]!;
  }

  /** The separator behind a group, if it is one character; 0 for several, or for none. */
  separator(group: number): number {
    const end = this.ends[group]!;
    return group + 1 < this.count && this.starts[group + 1]! === end + 1 ? this.#text.charCodeAt(end) : 0;
  }

  /** The digits of groups, without what is between them. */
  digits(first: number, last: number): string {
    if (first === last) return this.#text.slice(this.starts[first], this.ends[first]);
    let digits = "";
    for (let group = first; group <= last; group++) {
      digits += this.#text.slice(this.starts[group], this.ends[group]);
    }
    return digits;
  }

  /** Whether a number can begin with this group: neither a word nor a longer number goes on there. */
  begins(group: number): boolean {
    const text = this.#text;
    const start = this.starts[group]!;
    if (group > 0) {
      const separator = this.separator(group - 1);
      return separator === 0 || separator === SPACE;
    }
    if (goesOn(text, start)) return false;
    const before = text.charCodeAt(start - 1);
    return !((before === 0x2d || before === 0x2e) && isAlnum(text.charCodeAt(start - 2)));
  }

  /** Whether a number can end with this group. */
  finishes(group: number): boolean {
    if (group + 1 < this.count) {
      const separator = this.separator(group);
      return separator === 0 || separator === SPACE;
    }
    const text = this.#text;
    const end = this.ends[group]!;
    if (!endsWord(text, end)) return false;
    return !(text.charCodeAt(end) === 0x2d && isAlnum(text.charCodeAt(end + 1)));
  }
}

/** Numbers of some shapes that are an entity. */
export interface NumberRule {
  readonly entity: Entity;
  /** How it is written, as lengths of groups and what is between them, such as "3-2-4"; and how sure it is without any context. */
  readonly shapes: Readonly<Record<string, number>>;
  /** Words nearby that make it `near` sure, as a sum of `SUBJECT`s. */
  readonly subjects: number;
  readonly near: number;
  /** Whether only the nearest of the words count: for numbers that nothing but their context tells. */
  readonly by_nearest?: boolean;
  /** Whether words that say that a number is something else are believed: no check digit says the contrary. */
  readonly is_doubtful?: boolean;
  /** Whether it can be one at all. */
  readonly check?: (digits: string, written: string) => boolean;
}

interface ShapedRule {
  readonly rule: NumberRule;
  readonly score: number;
}

/** Shapes as a tree: a branch for each separator and length of a group. */
class ShapeTree {
  readonly branches = new Map<number, ShapeTree>();
  readonly rules: ShapedRule[] = [];

  grow(shape: string): ShapeTree {
    const parts = shape.match(/[^0-9]?[0-9]+/g) ?? [];
    return parts.reduce<ShapeTree>((tree, part) => {
      const separator = isDigit(part.charCodeAt(0)) ? 0 : part.charCodeAt(0);
      const step = stepOf(separator, Number(separator === 0 ? part : part.slice(1)));
      const branch = tree.branches.get(step) ?? new ShapeTree();
      tree.branches.set(step, branch);
      return branch;
    }, this);
  }
}

function stepOf(separator: number, length: number): number {
  return separator * 64 + Math.min(length, 63);
}

/** What looks for numbers by rules: all of them are looked up at once. */
export function numberRecogniser(rules: readonly NumberRule[]): Recogniser {
  const root = new ShapeTree();
  for (const rule of rules) {
    for (const [shape, score] of Object.entries(rule.shapes)) root.grow(shape).rules.push({ rule, score });
  }
  return {
    entities: [...new Set(rules.map((rule) => rule.entity))],
    numbers(scan, numbers) {
      for (let first = 0; first < numbers.count; ) first = tryFrom(scan, numbers, first, root);
    },
  };
}

/** What is so sure leaves no other number within it. */
const CERTAIN = 0.9;

/** Tries all the numbers that may begin with a group; gives the group to go on with. */
function tryFrom(scan: Scan, numbers: Numbers, first: number, root: ShapeTree): number {
  let next = first + 1;
  let tree = root.branches.get(stepOf(0, numbers.length(first)));
  if (tree === undefined || !numbers.begins(first)) return next;
  for (let last = first; tree !== undefined; last++) {
    if (tree.rules.length > 0 && numbers.finishes(last)) {
      if (tryRules(scan, numbers, first, last, tree.rules) >= CERTAIN) next = last + 1;
    }
    const separator = numbers.separator(last);
    tree = separator === 0 ? undefined : tree.branches.get(stepOf(separator, numbers.length(last + 1)));
  }
  return next;
}

/** Tries the rules of a shape; gives how sure the surest is. */
function tryRules(
  scan: Scan,
  numbers: Numbers,
  first: number,
  last: number,
  rules: readonly ShapedRule[],
): number {
  const start = numbers.starts[first]!;
  const end = numbers.ends[last]!;
  let digits = "";
  let surest = 0;
  for (const { rule, score } of rules) {
    if (score === 0 && !isNear(scan, rule, start, end)) continue;
    if (digits === "") digits = numbers.digits(first, last);
    if (rule.check !== undefined && !rule.check(digits, scan.text.slice(start, end))) continue;
    const sure = isNear(scan, rule, start, end)
      ? Math.max(rule.near, score)
      : rule.is_doubtful && scan.context(start, end).is_otherwise
        ? score / 2
        : score;
    scan.add(rule.entity, start, end, sure);
    surest = Math.max(surest, sure);
  }
  return surest;
}

function isNear(scan: Scan, { subjects, by_nearest }: NumberRule, start: number, end: number): boolean {
  const { all, nearest } = scan.context(start, end);
  return ((by_nearest ? nearest : all) & subjects) !== 0;
}
