// Whether two texts whose embeddings are alike may share an answer. "Turn on" and "turn off" are as close as a text and its
// rewording, so similarity alone cannot tell; what tells is whether numbers, names, negations and words agree.

import { GUARDED_LENGTH_MAX, type GuardText, guardText, type Mark } from "./guard_text.ts";
import { isKnown, opposesAny, oppositesOf } from "./lexicon.ts";
import { stem } from "./stem.ts";
import { areOneWord, isMisspelling } from "./typing_error.ts";

/** What two texts disagree on. `order`: the same words, but something changed places with something else. */
export type Disagreement =
  | "number"
  | "date"
  | "unit"
  | "negation"
  | "antonym"
  | "entity"
  | "question"
  | "scope"
  | "owner"
  | "tense"
  | "word"
  | "order"
  | "length";

/** Whether two texts may share an answer. */
export type GuardVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: Disagreement };

const AGREED: GuardVerdict = { ok: true };

function disagree(reason: Disagreement): GuardVerdict {
  return { ok: false, reason };
}

/** Whether two texts may share an answer. The order of the two makes no difference. */
export function guard(asked: string, kept: string): GuardVerdict {
  return asked === kept ? AGREED : compareTexts(guardText(asked), guardText(kept));
}

/** As `guard`, of texts that were read before. */
export function compareTexts(one: GuardText, other: GuardText): GuardVerdict {
  if (one.text === other.text) return AGREED;
  // In one order always, so that the verdict cannot depend on which text was kept.
  const [a, b] = one.text < other.text ? [one, other] : [other, one];
  if (Math.max(a.text.length, b.text.length) > GUARDED_LENGTH_MAX) return disagree("length");
  const reason = differing(a, b) ?? contradiction(a, b) ?? reordered(a, b);
  return reason === null ? AGREED : disagree(reason);
}

/** Kinds whose marks count as often as they occur. */
const COUNTED = new Set(["number", "negation", "sign"]);
/** With more unmatched words than this, nobody asks whether they are only spelled in another way. */
const RESPELLED_MAX = 4;

/** Marks of one text that the other one lacks. */
function unmatched(own: GuardText, other: GuardText): Mark[] {
  const counts = new Map<string, number>();
  for (const { kind, key } of other.marks) if (COUNTED.has(kind)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return own.marks.filter(({ kind, key }) => {
    if (!COUNTED.has(kind)) return !other.keys.has(key);
    const count = counts.get(key) ?? 0;
    counts.set(key, count - 1);
    return count <= 0;
  });
}

/** Something that one of them says and the other does not. */
function differing(a: GuardText, b: GuardText): Disagreement | null {
  let of_a = unmatched(a, b);
  let of_b = unmatched(b, a);
  if (of_a.length === 0 && of_b.length === 0) return a.bare === b.bare ? null : "word";
  [of_a, of_b] = withoutArticles(of_a, of_b);
  if (Math.max(of_a.length, of_b.length) <= RESPELLED_MAX) {
    [of_a, of_b] = withoutCompounds(of_a, of_b);
    [of_b, of_a] = withoutCompounds(of_b, of_a);
    [of_a, of_b] = withoutMisspelled(of_a, of_b);
  }
  if (of_a.length === 0 && of_b.length === 0) return null;
  return reasonOf(of_a, of_b, a, b);
}

/** "One ticket" and "a ticket" agree; "one ticket" and "two tickets" do not. */
function withoutArticles(of_a: Mark[], of_b: Mark[]): [Mark[], Mark[]] {
  const strict = ({ is_optional }: Mark): boolean => !is_optional;
  return [of_a.filter(strict), of_b.filter(strict)];
}

/** "Fanbase" is "fan base". */
function withoutCompounds(whole: Mark[], parts: Mark[]): [Mark[], Mark[]] {
  for (const mark of whole) {
    const at = parts.findIndex((part, i) => i > 0 && parts[i - 1]!.raw + part.raw === mark.raw);
    if (at > 0) return [whole.filter((other) => other !== mark), parts.toSpliced(at - 1, 2)];
  }
  return [whole, parts];
}

/** Without pairs of which one is a known word and the other that word with one typing error. */
function withoutMisspelled(of_a: Mark[], of_b: Mark[]): [Mark[], Mark[]] {
  const left = [...of_b];
  const rest = of_a.filter((mark) => {
    const at = left.findIndex((other) => isMisspelled(mark, other) || isMisspelled(other, mark));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [rest, left];
}

function isMisspelled(wrong: Mark, right: Mark): boolean {
  if (!isWord(wrong) || !isWord(right) || isKnown(wrong.raw)) return false;
  if (areOneWord(wrong.raw, right.raw)) return true;
  return (
    isKnown(right.raw) &&
    (isMisspelling(wrong.raw, right.raw) || isMisspelling(stem(wrong.raw), stem(right.raw)))
  );
}

/** Whether a mark is a word of a language, and neither a name nor an identifier. */
function isWord({ raw, is_name }: Mark): boolean {
  return !is_name && /^\p{L}+$/u.test(raw);
}

const REASONS = ["number", "date", "negation", "entity", "question", "scope", "unit"] as const;

function reasonOf(of_a: readonly Mark[], of_b: readonly Mark[], a: GuardText, b: GuardText): Disagreement {
  if (differOnlyInUnits(of_a, of_b)) return "unit";
  const others_of_a = new Set([...of_a.map(({ key }) => key), ...a.particles]);
  const others_of_b = new Set([...of_b.map(({ key }) => key), ...b.particles]);
  const all = [...of_a, ...of_b];
  if (all.some(({ kind }) => kind === "number" || kind === "negation")) {
    return all.some(({ kind }) => kind === "number") ? "number" : "negation";
  }
  if (areOpposed(of_a, others_of_b) || areOpposed(of_b, others_of_a)) return "antonym";
  return REASONS.find((reason) => all.some(({ kind }) => kind === reason)) ?? "word";
}

function areOpposed(marks: readonly Mark[], others: ReadonlySet<string>): boolean {
  if (marks.some(({ key }) => opposesAny(key, others))) return true;
  const keys = new Set(marks.map(({ key }) => key));
  for (const other of others) if (opposesAny(other, keys)) return true;
  return false;
}

/** "5 km" and "5 miles". */
function differOnlyInUnits(of_a: readonly Mark[], of_b: readonly Mark[]): boolean {
  const valuesOf = (marks: readonly Mark[]): string =>
    marks
      .filter(({ kind }) => kind === "number")
      .map(({ raw }) => raw)
      .sort()
      .join(" ");
  const values = valuesOf(of_a);
  return values !== "" && values === valuesOf(of_b);
}

/** What each slot's disagreement is called. */
const SLOT_REASONS = new Map<string, Disagreement>([
  ["owner", "owner"],
  ["person", "owner"],
  ["tense", "tense"],
  ["deed", "word"],
  ["join", "scope"],
]);

/** Their opposites count only before the same thing: "to" is a sign of the infinitive as well. */
const DIRECTIONS = new Set(["to", "from", "into"]);

/** Whether two texts say the opposite of each other in one of the ways that need no different words: yours and mine, on and off. */
export function contradict(a: GuardText, b: GuardText): boolean {
  return contradiction(a, b) !== null;
}

/** Something that they say differently: yours and mine, was and will be, and and or, on and off. */
function contradiction(a: GuardText, b: GuardText): Disagreement | null {
  for (const [slot, reason] of SLOT_REASONS) {
    const of_a = a.slots.get(slot);
    const of_b = b.slots.get(slot);
    if (of_a !== undefined && of_b !== undefined && !isSubset(of_a, of_b) && !isSubset(of_b, of_a))
      return reason;
  }
  for (const particle of a.particles) {
    if (b.particles.has(particle) || DIRECTIONS.has(particle)) continue;
    for (const other of b.particles) {
      if (!a.particles.has(other) && !DIRECTIONS.has(other) && oppositesOf(particle).has(other))
        return "antonym";
    }
  }
  return null;
}

function isSubset(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  for (const value of one) if (!other.has(value)) return false;
  return true;
}

/** "EUR to USD" and "USD to EUR", "dog bites man" and "man bites dog". */
function reordered(a: GuardText, b: GuardText): Disagreement | null {
  for (const [word, of_a] of a.objects) {
    const of_b = b.objects.get(word);
    if (of_b !== undefined && haveSwapped(of_a, of_b, a, b)) return "order";
  }
  if (haveTurnedRound(a, b)) return "antonym";
  return swapRoundPivot(a, b) ? "order" : null;
}

/** Whether something stands after a preposition in one text and elsewhere in the other, and the reverse. */
function haveSwapped(
  of_a: ReadonlySet<string>,
  of_b: ReadonlySet<string>,
  a: GuardText,
  b: GuardText,
): boolean {
  const hasMoved = (own: ReadonlySet<string>, other: ReadonlySet<string>, { keys }: GuardText): boolean => {
    for (const object of own) if (!other.has(object) && keys.has(object)) return true;
    return false;
  };
  return hasMoved(of_a, of_b, b) && hasMoved(of_b, of_a, a);
}

/** Whether one thing stands after "to" in one text and after "from" in the other. */
function haveTurnedRound(a: GuardText, b: GuardText): boolean {
  for (const [word, of_a] of a.objects) {
    for (const other of oppositesOf(word)) {
      const of_b = b.objects.get(other);
      if (of_b === undefined) continue;
      for (const object of of_a) {
        const is_both =
          b.objects.get(word)?.has(object) === true || a.objects.get(other)?.has(object) === true;
        if (of_b.has(object) && !is_both) return true;
      }
    }
  }
  return false;
}

/** Where each mark that occurs once stands, among those with a place. */
function placesOf(marks: readonly Mark[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [at, { key }] of marks.entries()) places.set(key, places.has(key) ? -1 : at);
  return places;
}

/** Whether what stands left and right of a word in one text stands right and left of it in the other; or two names or numbers of a clause changed places. */
function swapRoundPivot(a: GuardText, b: GuardText): boolean {
  const of_a = a.marks.filter(({ segment }) => segment >= 0);
  const of_b = b.marks.filter(({ segment }) => segment >= 0);
  const in_a = placesOf(of_a);
  const in_b = placesOf(of_b);
  return isTurned(of_a, in_a, of_b, in_b) || isTurned(of_b, in_b, of_a, in_a);
}

function isTurned(
  marks: readonly Mark[],
  own: ReadonlyMap<string, number>,
  others: readonly Mark[],
  places: ReadonlyMap<string, number>,
): boolean {
  const placeOf = ({ key }: Mark): number => (own.get(key) === -1 ? -1 : (places.get(key) ?? -1));
  /** What begins a sentence is a name if it is one where it does not. */
  const isFixed = (mark: Mark): boolean =>
    isExact(mark) || (placeOf(mark) >= 0 && isExact(others[placeOf(mark)]!));
  /** Whether two names or numbers of one clause come the other way round in the other text. */
  const haveChanged = (left: Mark, right: Mark): boolean => {
    const [left_at, right_at] = [placeOf(left), placeOf(right)];
    if (left.segment !== right.segment || right.is_after_particle || right_at < 0 || left_at < right_at)
      return false;
    const other = others[left_at]!;
    return other.segment === others[right_at]!.segment && !other.is_after_particle;
  };
  let exact: Mark | null = null;
  for (let i = 0; i < marks.length; i += 1) {
    const pivot = marks[i]!;
    if (isFixed(pivot)) {
      if (exact !== null && haveChanged(exact, pivot)) return true;
      exact = pivot;
    }
    const left = marks[i - 1];
    if (left === undefined) continue;
    if (left.segment !== pivot.segment || pivot.is_after_particle) continue;
    const left_at = placeOf(left);
    const at = placeOf(pivot);
    if (left_at < 0 || at < 0 || left_at < at || others[left_at]!.segment !== others[at]!.segment) continue;
    const right = marks[i + 1];
    if (right?.segment !== pivot.segment || right.is_after_particle) continue;
    const right_at = placeOf(right);
    if (right_at >= 0 && right_at < at && others[right_at]!.segment === others[at]!.segment) return true;
  }
  return false;
}

function isExact({ kind, is_name }: Mark): boolean {
  return is_name || kind === "number" || kind === "unit";
}
