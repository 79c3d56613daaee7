// Characters that a person does not see and a model reads: tags, zero-width characters, and those that turn text around.
// Sources: Unicode 16, sections 23.2 (layout controls), 23.8 (specials), 23.9 (tags); UTS #51 (emoji sequences).

import type { GuardSpan } from "../guard.ts";

const ZERO_WIDTH_SPACE = 0x200b;
const NON_JOINER = 0x200c;
const JOINER = 0x200d;
const WORD_JOINER = 0x2060;
const BYTE_ORDER_MARK = 0xfeff;
const BLACK_FLAG = 0x1f3f4;
const CANCEL_TAG = 0xe007f;
/** More of these one after the other than anything that is written needs carry data. */
const SELECTORS_MAX = 2;

/** What no text has by chance, in order. A byte order mark at the very beginning is how some programs write files. */
export function findHidden(text: string): GuardSpan[] {
  const spans: GuardSpan[] = [];
  let before = 0;
  for (let at = 0; at < text.length; ) {
    // Nearly all text is below the first of them.
    if (text.charCodeAt(at) < 0xad) {
      before = text.charCodeAt(at++);
      continue;
    }
    const code = text.codePointAt(at)!;
    const size = code > 0xffff ? 2 : 1;
    const end = hiddenEnd(text, at, code, before);
    if (end > at) {
      const last = spans.at(-1);
      if (last?.end === at) spans[spans.length - 1] = { start: last.start, end };
      else spans.push({ start: at, end });
      at = end;
    } else {
      before = code;
      at += code === BLACK_FLAG ? flagSize(text, at) : size;
    }
  }
  return spans;
}

/** Where what is hidden from `at` on ends; `at` itself if nothing is. */
function hiddenEnd(text: string, at: number, code: number, before: number): number {
  if (isTag(code)) return at + 2;
  if (isSelector(code)) {
    const end = selectorsEnd(text, at);
    return count(text, at, end) > SELECTORS_MAX ? end : at;
  }
  if (code === BYTE_ORDER_MARK && at === 0) return at;
  if (code === ZERO_WIDTH_SPACE && hasNoSpaces(before)) return at;
  if (isAlwaysHidden(code)) return at + 1;
  if (code === JOINER || code === NON_JOINER) {
    return joinsScript(before) || joinsScript(text.codePointAt(at + 1) ?? 0) ? at : at + 1;
  }
  return at;
}

/** Of the Latin alphabet and its like no letters are joined; of others, and of pictures, they are. */
function joinsScript(code: number): boolean {
  return code >= 0x590 && !isAlwaysHidden(code) && code !== JOINER && code !== NON_JOINER && !isTag(code);
}

/** Between words of Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese it says where a line may end. */
function hasNoSpaces(code: number): boolean {
  return (
    (code >= 0xe00 && code <= 0x109f) ||
    (code >= 0x1780 && code <= 0x17ff) ||
    (code >= 0x3040 && code <= 0x9fff)
  );
}

function isAlwaysHidden(code: number): boolean {
  switch (code) {
    case ZERO_WIDTH_SPACE:
    case WORD_JOINER:
    case BYTE_ORDER_MARK:
      return true;
  }
  // Embeddings and overrides of direction; invisible operators; annotations between lines; characters that name musical beams.
  return (
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2061 && code <= 0x2064) ||
    (code >= 0x206a && code <= 0x206f) ||
    (code >= 0xfff9 && code <= 0xfffb)
  );
}

function isTag(code: number): boolean {
  return code >= 0xe0000 && code <= CANCEL_TAG;
}

/** They choose a character's form, and carry bytes where they stand in rows. */
function isSelector(code: number): boolean {
  return (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef);
}

function selectorsEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length) {
    const code = text.codePointAt(end)!;
    if (!isSelector(code)) break;
    end += code > 0xffff ? 2 : 1;
  }
  return end;
}

function count(text: string, start: number, end: number): number {
  let found = 0;
  for (let at = start; at < end && found <= SELECTORS_MAX; found++)
    at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return found;
}

/** A flag of a region such as Scotland's is a black flag with up to six tags and one that ends them. */
function flagSize(text: string, at: number): number {
  for (let tags = 0, end = at + 2; tags <= 6; tags++, end += 2) {
    const code = text.codePointAt(end) ?? 0;
    if (code === CANCEL_TAG) return tags > 0 ? end + 2 - at : 2;
    const is_letter = (code >= 0xe0061 && code <= 0xe007a) || (code >= 0xe0030 && code <= 0xe0039);
    if (!is_letter) break;
  }
  return 2;
}
