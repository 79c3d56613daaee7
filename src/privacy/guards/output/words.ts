// Words as guards see them, that judge a text while it comes: what is not complete, and what may belong together.

/** What is no word of ordinary prose: in a text without any of it there is no key, number or address. */
const LOUD = /[^\p{L}\p{M}\s.,;!?'’"“”()]|\p{L}{16}/u;
/** What an address may have in it. */
const OF_ADDRESS = /[A-Za-z:/\\]/;

/** Blanks end words, and so does a character of a script that has none. */
export function endsWord(code: number): boolean {
  return isBlank(code) || (code >= 0x3000 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3);
}

/** Whether a text has more than words of ordinary prose. */
export function isLoud(text: string): boolean {
  return LOUD.test(text);
}

/** Where the last word begins if it may be a part of an address; else the text's length. */
export function openAddress(text: string): number {
  let at = text.length;
  while (at > 0 && !isBlank(text.charCodeAt(at - 1))) at--;
  return OF_ADDRESS.test(text.slice(at)) ? at : text.length;
}

/**
 * Where those words begin that may be parts of one finding: numbers and the like, with few ordinary words before and between; the text's
 * length if nowhere.
 */
export function openCluster(text: string, between_words: number): number {
  let open = text.length;
  let quiet = 0;
  let end = text.length;
  while (end > 0 && quiet <= between_words) {
    while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--;
    let start = Math.max(0, end - 1);
    while (start > 0 && !endsWord(text.charCodeAt(start - 1))) start--;
    quiet = isLoud(text.slice(start, end)) ? 0 : quiet + 1;
    if (quiet <= between_words) open = start;
    end = start;
  }
  return open;
}

/** Where the last so many words begin. */
export function openWords(text: string, count: number): number {
  let open = text.length;
  for (let word = 0; word < count && open > 0; word++) {
    while (open > 0 && isBlank(text.charCodeAt(open - 1))) open--;
    open = Math.max(0, open - 1);
    while (open > 0 && !endsWord(text.charCodeAt(open - 1))) open--;
  }
  return open;
}

/** Whether a text that begins like this one is JSON, as the arguments of tools are; null while that is not known. */
export function beginsAsJson(text: string): boolean | null {
  const first = text.search(/\S/);
  return first < 0 ? null : text[first] === "{" || text[first] === "[";
}

/** A JSON text with blanks for its written line breaks and tabs: else these would stick to the word behind them. As long as it was. */
export function withoutBreaks(json: string): string {
  return json.replace(/\\[nrt]/g, "  ");
}

function isBlank(code: number): boolean {
  return code <= 0x20 || code === 0xa0;
}
