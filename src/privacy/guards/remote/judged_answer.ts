// The texts of one answer on their way past guards that take time. `collect` notes what the guards within the process let through; what
// was noted is asked about, window by window; and `cut` takes out what was found, once the same texts may go on.

import type { GrowingTreatment, TextStage } from "../../answer_texts.ts";
import { cutSpans, type JudgedText, mergeSpans, type TextSpan } from "./question.ts";

/** How much of what went out is asked about again, so that nothing hides between two windows. */
const CONTEXT_MAX_CHARS = 500;

/** A part of a growing text that is taken out; places count from the text's beginning. */
interface Cut {
  readonly start: number;
  end: number;
  readonly replacement: string;
  /** Whether the replacement has gone out. */
  is_told: boolean;
}

/** A text that comes in pieces. Places count from its beginning. */
interface GrowingText {
  /** What is still of interest of it, and where that begins. */
  said: string;
  base: number;
  /** Up to where it was judged, and up to where it went out. */
  judged: number;
  gone: number;
  cuts: readonly Cut[];
  /** Where what was taken out last ended. */
  cut_end: number;
}

/** A text that came whole. */
interface WholeText {
  spans: readonly TextSpan[] | null;
  /** How much of the answer had come with it. */
  readonly came: number;
}

/** What a window has of a text. */
type Asked =
  | { readonly whole: WholeText }
  | { readonly growing: GrowingText; readonly base: number; readonly end: number };

/** The texts of one answer, judged while they come or all at once. */
export class JudgedAnswer {
  /** Characters noted so far, and those of them that are judged. */
  came = 0;
  judged = 0;
  /** Something went on that nobody had judged. */
  has_leaked = false;

  readonly #growing = new Map<string, GrowingText>();
  readonly #whole = new Map<string, WholeText>();
  /** Growing texts with something new, whole ones that are new, and growing ones of the last window. */
  readonly #fresh = new Set<GrowingText>();
  readonly #fresh_whole = new Set<string>();
  #last = new Set<GrowingText>();
  #is_stopped = false;
  #asked: readonly Asked[] = [];
  #asked_chars = 0;

  /** Notes texts, and changes nothing of them. */
  readonly collect: TextStage = {
    treat: (text) => {
      this.#noteWhole(text);
      return text;
    },
    begin: (name) => ({
      held_chars: 0,
      push: (piece) => {
        this.#note(this.#named(name), piece);
        return piece;
      },
      end: () => "",
    }),
  };

  /** Takes out what was found in the same texts. */
  readonly cut: TextStage = {
    treat: (text) => {
      const spans = this.#whole.get(text)?.spans ?? null;
      if (spans === null && text !== "") this.has_leaked = true;
      return cutSpans(text, spans ?? []);
    },
    begin: (name): GrowingTreatment => {
      const text = this.#named(name);
      return { held_chars: 0, push: (piece) => this.#cutPiece(text, piece), end: () => "" };
    },
  };

  /** What there is to be judged; it counts as judged after `settle`. */
  take(): JudgedText[] {
    const texts: JudgedText[] = [];
    const asked: Asked[] = [];
    for (const text of this.#fresh_whole) {
      asked.push({ whole: this.#whole.get(text)! });
      texts.push({ source: "assistant", text, given: 0 });
    }
    for (const growing of this.#fresh) {
      const { said, base, gone } = growing;
      asked.push({ growing, base, end: base + said.length });
      texts.push({ source: "assistant", text: said, given: Math.min(said.length, Math.max(0, gone - base)) });
    }
    for (const growing of this.#last) if (!this.#fresh.has(growing)) forget(growing, 0);
    this.#last = new Set(this.#fresh);
    this.#fresh.clear();
    this.#fresh_whole.clear();
    this.#asked = asked;
    this.#asked_chars = this.came;
    return texts;
  }

  /** What was taken last is judged; spans are by its texts. */
  settle(spans: readonly TextSpan[]): void {
    const by_text = Map.groupBy(spans, ({ text }) => text);
    for (const [index, asked] of this.#asked.entries()) {
      const found = by_text.get(index) ?? [];
      if ("whole" in asked) asked.whole.spans = mergeSpans(found);
      else {
        const { growing, base, end } = asked;
        growing.judged = end;
        if (found.length > 0) addCuts(growing, found, base);
      }
    }
    this.#asked = [];
    this.judged = this.#asked_chars;
  }

  /** Nothing more is to be judged. */
  stop(): void {
    this.#is_stopped = true;
    for (const growing of [...this.#fresh, ...this.#last]) growing.said = "";
    this.#fresh.clear();
    this.#fresh_whole.clear();
    this.#whole.clear();
    this.#asked = [];
    this.#asked_chars = this.came;
    this.judged = this.came;
  }

  /** What had come with so many characters has gone out: what is kept of it is let go. */
  wentOut(chars: number): void {
    for (const growing of this.#last) forget(growing, CONTEXT_MAX_CHARS);
    for (const [text, { came }] of this.#whole) if (came <= chars) this.#whole.delete(text);
  }

  #named(name: string): GrowingText {
    let text = this.#growing.get(name);
    if (text === undefined) {
      text = { said: "", base: 0, judged: 0, gone: 0, cuts: [], cut_end: -1 };
      this.#growing.set(name, text);
    }
    return text;
  }

  #note(text: GrowingText, piece: string): void {
    if (piece === "" || this.#is_stopped) return;
    text.said += piece;
    this.came += piece.length;
    this.#fresh.add(text);
  }

  #noteWhole(text: string): void {
    if (text === "" || this.#is_stopped) return;
    this.came += text.length;
    this.#whole.delete(text);
    this.#whole.set(text, { spans: null, came: this.came });
    this.#fresh_whole.add(text);
  }

  #cutPiece(text: GrowingText, piece: string): string {
    const from = text.gone;
    const upto = from + piece.length;
    if (upto > text.judged) this.has_leaked = true;
    text.gone = upto;
    let given = "";
    let at = from;
    for (const cut of text.cuts) {
      if (cut.start >= upto) break;
      given += piece.slice(at - from, Math.max(at, cut.start) - from);
      if (!cut.is_told) given += cut.replacement;
      cut.is_told = true;
      at = Math.max(at, Math.min(cut.end, upto));
      text.cut_end = at;
    }
    if (text.cuts.length > 0) text.cuts = text.cuts.filter(({ end }) => end > upto);
    return given + piece.slice(at - from);
  }
}

/** Adds what was found to what is to be taken out; what has gone out already cannot be. */
function addCuts(text: GrowingText, spans: readonly TextSpan[], base: number): void {
  const known = text.cuts.map((cut) => ({ ...cut, text: 0 }));
  const found = spans
    .map(({ start, end, replacement }) => ({
      ...{ text: 0, start: Math.max(text.gone, base + start), end: base + end, replacement },
      // What goes on with what was taken out is told by the same replacement.
      is_told: base + start < text.gone && text.cut_end === text.gone,
    }))
    .filter(({ start, end }) => end > start);
  text.cuts = mergeSpans([...known, ...found]);
}

/** Lets go of what is judged and went out, but for so many characters. */
function forget(text: GrowingText, kept_chars: number): void {
  const size = Math.min(text.gone, text.judged) - kept_chars - text.base;
  if (size <= 0) return;
  text.said = text.said.slice(size);
  text.base += size;
}
