// Words that are looked for where they stand in a text. Most words are told from them by their first letter and their length alone, so
// that few are cut out of the text to be looked up.

const LENGTH_MAX = 31;
const OTHER_LETTER = 26;

/** The first letter, of either case, and the length; first letters that are not ASCII are one. */
function traitOf(code: number, length: number): number {
  const letter = (code | 0x20) - 0x61;
  return (
    (letter >= 0 && letter < OTHER_LETTER ? letter : OTHER_LETTER) * (LENGTH_MAX + 1) +
    Math.min(length, LENGTH_MAX)
  );
}

/** What is known of some words. */
export class WordMap<Known> {
  readonly #words: ReadonlyMap<string, Known>;
  readonly #traits = new Uint8Array((OTHER_LETTER + 1) * (LENGTH_MAX + 1));

  /** @param words in lower case */
  constructor(words: ReadonlyMap<string, Known>) {
    this.#words = words;
    for (const word of words.keys()) this.#traits[traitOf(word.charCodeAt(0), word.length)] = 1;
  }

  /** What is known of the word in `text[start..end)`, as it is written. */
  find(text: string, start: number, end: number): Known | undefined {
    if (this.#traits[traitOf(text.charCodeAt(start), end - start)] === 0) return undefined;
    return this.#words.get(text.slice(start, end));
  }

  /** What is known of the word in `text[start..end)`, in whatever case it is written. */
  findFolded(text: string, start: number, end: number): Known | undefined {
    if (this.#traits[traitOf(text.charCodeAt(start), end - start)] === 0) return undefined;
    return this.#words.get(text.slice(start, end).toLowerCase());
  }
}

/** Words of which it is known that they are there. */
export function wordSet(words: Iterable<string>): WordMap<true> {
  return new WordMap(new Map([...words].map((word) => [word, true])));
}
