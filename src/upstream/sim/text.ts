// Text as the simulator's models see it: cut into words, each of which counts as one token.
// A word is streamed as one chunk with the space before it, so what is counted is what can be seen.

/** Words longer than this are cut, so that text without spaces streams and counts too; UTF-16 units. */
const WORD_UNITS_MAX = 32;
/** How far past a cut the segmenter looks for the end of a grapheme; UTF-16 units. */
const GRAPHEME_UNITS_MAX = 64;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Text after `max_tokens` and `stop`: what is answered, its tokens, and why it ended. */
export interface LimitedText {
  readonly text: string;
  readonly tokens: number;
  readonly finish_reason: "stop" | "length";
}

/**
 * Cuts a text into its words, in order: white space goes with the word after it, at the end of the text with the word
 * before. Long words are cut between graphemes. The words together are the text.
 */
export function* words(text: string): Generator<string> {
  const trimmed = text.trimEnd().length;
  let start = 0;
  while (start < text.length) {
    let end = start;
    while (end < text.length && isSpace(text.charCodeAt(end))) end++;
    while (end < text.length && !isSpace(text.charCodeAt(end))) end++;
    if (end >= trimmed) end = text.length;
    while (end - start > WORD_UNITS_MAX) {
      const cut =
        start + graphemeCut(text.slice(start, Math.min(end, start + WORD_UNITS_MAX + GRAPHEME_UNITS_MAX)));
      yield text.slice(start, cut);
      start = cut;
    }
    if (end > start) yield text.slice(start, end);
    start = end;
  }
}

/** The number of a text's words: its tokens. */
export function countTokens(text: string): number {
  let count = 0;
  for (const _ of words(text)) count++;
  return count;
}

/**
 * Ends a text as a provider would: before the first stop sequence, unless `max_tokens` (null: no limit) is reached
 * before that sequence is complete. A text that fits exactly has ended by itself: `stop`.
 */
export function limitText(text: string, max_tokens: number | null, stops: readonly string[]): LimitedText {
  const stop = firstStop(text, stops);
  const spoken = stop === null ? text : text.slice(0, stop.end);
  let units = 0;
  let tokens = 0;
  for (const word of words(spoken)) {
    if (tokens === max_tokens) return { text: text.slice(0, units), tokens, finish_reason: "length" };
    units += word.length;
    tokens++;
  }
  if (stop === null) return { text, tokens, finish_reason: "stop" };
  const before = text.slice(0, stop.start);
  return { text: before, tokens: countTokens(before), finish_reason: "stop" };
}

/** The stop sequence that is complete first; of those that end together, the one that begins first. */
function firstStop(text: string, stops: readonly string[]): { start: number; end: number } | null {
  let first: { start: number; end: number } | null = null;
  for (const stop of stops) {
    const start = stop === "" ? -1 : text.indexOf(stop);
    if (start < 0) continue;
    const end = start + stop.length;
    if (first === null || end < first.end || (end === first.end && start < first.start))
      first = { start, end };
  }
  return first;
}

/** Where to cut a text that is longer than a word may be: the last end of a grapheme within a word's limit. */
function graphemeCut(window: string): number {
  const around = graphemes.segment(window).containing(WORD_UNITS_MAX);
  if (around !== undefined && around.index > 0) return around.index;
  // One grapheme longer than a word: only its surrogate pairs are kept whole.
  const unit = window.charCodeAt(WORD_UNITS_MAX);
  return unit >= 0xdc00 && unit <= 0xdfff ? WORD_UNITS_MAX - 1 : WORD_UNITS_MAX;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}
