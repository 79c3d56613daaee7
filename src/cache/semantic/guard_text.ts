// What of a text has to agree with another one before they can share an answer: computed once for each text, then compared.

import { expandContractions } from "./contractions.ts";
import { dateWord, isDateWord, isYear, monthOf, timeOfDay } from "./dates.ts";
import { beginsPhrase, phraseAt, senseOf, switchedBy } from "./lexicon.ts";
import { isNumberWord, readNumber } from "./numbers.ts";
import { scan, type Token } from "./scanner.ts";
import { currencySign, isSpan, isUnitWord, unitAfterNumber, unitAlone } from "./units.ts";
import { COURTESIES, OBJECT_PRONOUNS, RELATION_WORDS, SAYING_WORDS } from "./words.ts";

/** What can disagree. */
export type MarkKind =
  | "sign"
  | "number"
  | "date"
  | "unit"
  | "negation"
  | "question"
  | "scope"
  | "entity"
  | "word";

/** One thing that the other text must have as well. */
export interface Mark {
  readonly kind: MarkKind;
  /** What is compared. */
  readonly key: string;
  /** As it was written, in lower case. */
  readonly raw: string;
  /** Marks of one segment stand in one clause or item of a list; -1 where its place says nothing. */
  readonly segment: number;
  /** Whether the other text may be without it: the word "one". */
  readonly is_optional: boolean;
  /** Whether a preposition stands between it and the mark before. */
  readonly is_after_particle: boolean;
  /** Whether it is written as a name or an identifier is. */
  readonly is_name: boolean;
}

/** What is compared of a text. */
export interface GuardText {
  readonly text: string;
  readonly marks: readonly Mark[];
  /** The words themselves but courtesies, where there are no marks: "what can you do", "who is it". */
  readonly bare: string;
  /** The keys of all marks. */
  readonly keys: ReadonlySet<string>;
  /** Prepositions and particles. */
  readonly particles: ReadonlySet<string>;
  /** `slot value`, where at most one value of a slot can hold. */
  readonly slots: ReadonlyMap<string, ReadonlySet<string>>;
  /** What stands after each preposition, negation and number. */
  readonly objects: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The longest text that is compared; longer ones share an answer only when they are equal. In UTF-16 units. */
export const GUARDED_LENGTH_MAX = 4096;

/** Reads what has to agree, in time proportional to the text's length. */
export function guardText(text: string): GuardText {
  if (text.length > GUARDED_LENGTH_MAX) return unread(text);
  return new Reader(text).read();
}

/** What is known of a text that is too long to be read. */
function unread(text: string): GuardText {
  return {
    text,
    marks: [],
    bare: "",
    keys: new Set(),
    particles: new Set(),
    slots: new Map(),
    objects: new Map(),
  };
}

/** Words that are names when they are written with a capital, or in capitals, within a sentence. */
const NAMES = new Set(["will", "may", "mark"]);
const UPPER_NAMES = new Map([
  ["us", "usa"],
  ["it", "it·"],
  ["who", "who·"],
]);
/** Marks after a preposition that can belong to it. */
const GOVERNED_MAX = 3;
/** Marks after a number that can be what it counts: "three dinner ideas". */
const COUNTED_MAX = 2;
/** Prepositions of which both sides are alike. */
const EVEN = new Set(["between", "versus"]);
/** Particles that say what turning something does. */
const SWITCHES = new Set(["on", "off", "up", "down", "out"]);
const MONTH_COMPANY = new Set(
  "in of this next last until by since for late early mid during before after on".split(" "),
);

class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #marks: Mark[] = [];
  readonly #particles = new Set<string>();
  readonly #slots = new Map<string, Set<string>>();
  readonly #objects = new Map<string, Set<string>>();
  /** Prepositions and the like since the last mark. */
  #pending: string[] = [];
  /** Those before the last marks, and how many marks there were since. */
  #governing: string[] = [];
  #governed = 0;
  #segment = 0;
  /** Whether something is turned, so that it is told by "on" or "off" what for. */
  #is_switching = false;
  #is_saying = false;
  readonly #has_case: boolean;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = expandContractions(scan(text));
    this.#has_case = this.#tellsCase();
  }

  /** Whether capitals say anything: neither all words have one, nor is everything in capitals. */
  #tellsCase(): boolean {
    let words = 0;
    let capitals = 0;
    for (const token of this.#tokens) {
      if (token.kind !== "word") continue;
      words += 1;
      if (token.is_capital) capitals += 1;
    }
    return capitals * 2 <= words;
  }

  read(): GuardText {
    for (let at = 0; at < this.#tokens.length; ) at = this.#step(at);
    return {
      text: this.#text,
      marks: this.#marks,
      bare: this.#marks.length > 0 ? "" : this.#bareWords(),
      keys: new Set(this.#marks.map(({ key }) => key)),
      particles: this.#particles,
      slots: this.#slots,
      objects: this.#objects,
    };
  }

  #bareWords(): string {
    return this.#tokens
      .filter(({ kind, text }) => kind === "word" && !COURTESIES.has(text))
      .map(({ text }) => text)
      .join(" ");
  }

  /** Reads what begins at `at`; answers where to go on. */
  #step(at: number): number {
    const token = this.#tokens[at]!;
    if (token.kind === "break" || token.kind === "comma") {
      this.#endSegment();
      return at + 1;
    }
    if (token.kind === "literal") return this.#literal(token, at);
    if (token.kind === "sign") return this.#sign(token, at);
    if (token.is_quoted) return this.#quoted(token, at);
    const is_meant = this.#is_saying && this.#isMeant(at);
    const phrase = !is_meant && beginsPhrase(token.text) ? phraseAt(at, this.#phraseWord) : null;
    if (phrase !== null) {
      for (const word of phrase.instead) this.#word(word, { is_loose: true });
      return at + phrase.length;
    }
    if (
      token.kind === "word" &&
      !isNumberWord(token.text) &&
      !isDateWord(token.text) &&
      !isUnitWord(token.text)
    ) {
      return this.#plainWord(token, at);
    }
    return this.#number(at) ?? this.#date(token, at) ?? this.#unit(token, at) ?? this.#plainWord(token, at);
  }

  readonly #phraseWord = (at: number): string | undefined => {
    const token = this.#tokens[at];
    return token?.kind === "word" && !token.is_quoted ? token.text : undefined;
  };

  #mark(
    kind: MarkKind,
    key: string,
    raw = key,
    { has_place = true, is_optional = false, is_name = false } = {},
  ): void {
    const segment = has_place ? this.#segment : -1;
    const is_after_particle = this.#pending.some((word) => this.#particles.has(word));
    this.#marks.push({ kind, key, raw, segment, is_optional, is_after_particle, is_name });
    if (this.#pending.length > 0) {
      this.#governing = this.#pending;
      this.#governed = 0;
    }
    this.#pending = [];
    this.#governed += 1;
    // The parts of a date may come in any order.
    if (/^(?:y|month|day)\d/.test(key)) return;
    for (const word of this.#governing) {
      // "On my shopping list": a preposition's noun may have others before it; a denial's comes at once.
      const most = this.#particles.has(word) ? GOVERNED_MAX : word.startsWith("#") ? COUNTED_MAX : 1;
      if (this.#governed <= most) this.#relate(word, key);
    }
  }

  #endSegment(): void {
    this.#segment += 1;
    this.#governing = [];
  }

  #relate(word: string, object: string): void {
    const known = this.#objects.get(word);
    if (known === undefined) this.#objects.set(word, new Set([object]));
    else known.add(object);
  }

  #literal(token: Token, at: number): number {
    const date = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(token.text);
    if (date === null) this.#mark("entity", token.text.replace(/\/$/, ""), token.text, { is_name: true });
    else {
      this.#mark("date", `y${date[1]}`, token.text, { has_place: false });
      this.#mark("date", `month${Number(date[2])}`, token.text, { has_place: false });
      this.#mark("date", `day${Number(date[3])}`, token.text, { has_place: false });
    }
    return at + 1;
  }

  #sign(token: Token, at: number): number {
    const unit = currencySign(token.text);
    if (unit !== null && this.#tokens[at + 1]?.kind === "number") {
      const number = readNumber(this.#tokens, at + 1)!;
      return this.#measured(number.value, unit, this.#unitEnd(number.next, unit));
    }
    const alone = unitAlone(token.text);
    if (alone !== null) this.#mark("unit", alone, token.text, { has_place: false });
    else if (token.text === "&") this.#word("and");
    else this.#mark("sign", token.text);
    return at + 1;
  }

  /** "$5 USD" names its currency twice. */
  #unitEnd(at: number, unit: string): number {
    return unitAlone(this.#tokens[at]?.text ?? "") === unit ? at + 1 : at;
  }

  #measured(value: string, unit: string, next: number): number {
    this.#mark("number", `${value} ${unit}`, value);
    this.#pending.push(`#${value}`);
    return next;
  }

  #number(at: number): number | null {
    const number = readNumber(this.#tokens, at);
    if (number === null) return null;
    const { value, next } = number;
    const after = this.#tokens[next];
    const half = this.#halfOfDay(after);
    if (half !== "" || value.includes(":") || /^o'?clock$/.test(after?.text ?? "")) {
      const time = timeOfDay(value, half);
      if (time !== null) {
        this.#mark("date", time, value, { has_place: false });
        return half !== "" || /^o'?clock$/.test(after?.text ?? "") ? next + 1 : next;
      }
    }
    if (this.#isBesideMonth(at, next) && /^\d{1,2}$/.test(value)) {
      this.#mark("date", `day${value}`, value, { has_place: false });
      return next;
    }
    if (number.is_ordinal) {
      this.#mark("number", `#${value}`, value);
      this.#pending.push(`#${value}`);
      return next;
    }
    const unit = after !== undefined && (after.kind === "word" || after.kind === "sign") ? after.text : "";
    const measured = unit === "" || after!.is_quoted ? null : unitAfterNumber(unit);
    if (measured !== null && this.#isUnitHere(unit, next)) return this.#measured(value, measured, next + 1);
    if (isYear(value)) this.#mark("date", `y${value}`, value, { has_place: false });
    else {
      this.#mark("number", value, value, { is_optional: number.is_article });
      this.#pending.push(`#${value}`);
    }
    return next;
  }

  #halfOfDay(token: Token | undefined): string {
    if (token?.kind !== "word" || token.is_quoted) return "";
    return token.text === "am" || token.text === "pm" ? token.text : "";
  }

  /** "5 in", "30 c" and "2 a" are units only where nothing follows that they could introduce. */
  #isUnitHere(unit: string, at: number): boolean {
    if (unit !== "in" && unit !== "a") return true;
    const after = this.#tokens[at + 1];
    return this.#tokens[at]!.is_glued || after === undefined || after.kind !== "word";
  }

  #isBesideMonth(at: number, next: number): boolean {
    const skipped = (index: number, by: number): string => {
      let i = index;
      while (["of", "the"].includes(this.#tokens[i]?.text ?? "")) i += by;
      return this.#tokens[i]?.text ?? "";
    };
    return monthOf(skipped(at - 1, -1), true) !== null || monthOf(skipped(next, 1), true) !== null;
  }

  #date(token: Token, at: number): number | null {
    const before = this.#tokens[at - 1];
    const after = this.#tokens[at + 1];
    const is_likely =
      before?.kind === "number" ||
      after?.kind === "number" ||
      MONTH_COMPANY.has(before?.text ?? "") ||
      (token.is_capital && this.#has_case && at > 0 && before?.kind === "word");
    const name = dateWord(token.text, is_likely);
    if (name === null) return null;
    this.#mark("date", name, token.text, { has_place: false });
    return at + 1;
  }

  #unit(token: Token, at: number): number | null {
    const unit = unitAlone(token.text);
    if (unit === null) return null;
    this.#mark(isSpan(unit) ? "date" : "unit", unit, token.text, { has_place: !isSpan(unit) });
    return at + 1;
  }

  #quoted(token: Token, at: number): number {
    const sense = senseOf(token.text);
    this.#mark("word", sense.role === "content" ? sense.key : token.text, token.text);
    return at + 1;
  }

  #plainWord(token: Token, at: number): number {
    const is_inside = at > 0 && this.#tokens[at - 1]!.kind !== "break";
    const is_name = is_inside && this.#has_case && token.is_capital && !token.is_expanded;
    const name = is_name && token.is_upper ? UPPER_NAMES.get(token.text) : undefined;
    if (this.#is_saying && this.#isMeant(at)) this.#mark("word", token.text);
    else if (name !== undefined) this.#mark("entity", name, token.text);
    else if (token.text === "a" && this.#isLetter(at)) this.#mark("entity", "a·", "a", { is_name: true });
    else if (is_name && NAMES.has(token.text) && !token.is_upper) {
      this.#mark("entity", `${token.text}·`, token.text);
    } else this.#word(token.text, { is_name, is_loose: token.is_expanded });
    this.#is_saying ||= SAYING_WORDS.has(token.text);
    return at + 1;
  }

  /** Whether "a" is no article, as in "from a to b". */
  #isLetter(at: number): boolean {
    const next = this.#tokens[at + 1];
    return next?.kind !== "word" ? next?.kind !== "number" : RELATION_WORDS.has(next.text);
  }

  /** Whether a courtesy is meant itself; at the end of a text it is a courtesy whatever comes before. */
  #isMeant(at: number): boolean {
    return at + 1 < this.#tokens.length && COURTESIES.has(this.#tokens[at]!.text);
  }

  /** @param is_loose whether it stands for something else, so that its place says little */
  #word(word: string, { is_name = false, is_loose = false } = {}): void {
    if (OBJECT_PRONOUNS.has(word)) {
      for (const particle of this.#pending) this.#relate(particle, word);
      this.#pending = [];
    }
    const sense = senseOf(word);
    switch (sense.role) {
      case "light":
        return;
      case "relation":
        this.#particles.add(sense.key);
        // Where the particle of "turn the light off" stands says nothing.
        if (this.#is_switching && SWITCHES.has(sense.key)) {
          this.#marks.push(markOf("scope", switchedBy(sense.key)));
        } else if (!EVEN.has(sense.key)) this.#pending.push(sense.key);
        return;
      case "strict_relation":
        this.#marks.push(markOf(sense.key === "not" ? "negation" : "scope", sense.key));
        if (!EVEN.has(sense.key)) this.#pending.push(sense.key);
        return;
      case "negation":
        this.#marks.push(markOf("negation", sense.key));
        // "Isn't my card" and "my card is not" deny the same, so where a contracted one stands says nothing.
        if (!is_loose) this.#pending.push(sense.key);
        return;
      case "slot": {
        const values = this.#slots.get(sense.slot);
        if (values === undefined) this.#slots.set(sense.slot, new Set([sense.key]));
        else values.add(sense.key);
        if (sense.slot === "join") this.#endSegment();
        return;
      }
      case "question":
      case "scope":
        this.#marks.push(markOf(sense.role, sense.key));
        return;
      case "content":
        this.#is_switching ||= sense.key === "turn";
        this.#mark(is_name || !sense.is_known ? "entity" : "word", sense.key, word, { is_name });
    }
  }
}

function markOf(kind: MarkKind, key: string): Mark {
  return { kind, key, raw: key, segment: -1, is_optional: false, is_after_particle: false, is_name: false };
}
