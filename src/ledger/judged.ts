// What was seen of an answer that was looked at: a few facts, never a word of it. A line has them as letters at its very end, so that
// whoever counts them needs to read nothing else of the rest.

/** What an answer turned out to be. */
export interface Judged {
  /** A refusal, by its own word or by how it begins. */
  readonly refused: boolean;
  /** It ended because it was too long. */
  readonly cut: boolean;
  /** Whether it is the JSON that was asked for; null where none was, or nobody can tell. */
  readonly json: boolean | null;
  /** Whether it calls tools as they are offered; null where it calls none. */
  readonly tools: boolean | null;
}

const BEGIN = ',"judged":"';
const END = '"}';
/** The most letters that there are: one for each fact. */
const LETTERS_MAX = 4;

/** The facts as letters; an answer about which nothing is remarkable has none. */
export function lettersOf({ refused, cut, json, tools }: Judged): string {
  const letters = `${refused ? "r" : ""}${cut ? "c" : ""}`;
  const of_json = json === null ? "" : json ? "j" : "J";
  return letters + of_json + (tools === null ? "" : tools ? "t" : "T");
}

/** The member that is the last of a row's rest, without the brace that closes it. */
export function judgedMember(judged: Judged): string {
  return `${BEGIN}${lettersOf(judged)}"`;
}

/** The letters at the end of a row's rest; null where its answer was not looked at. */
export function lettersAt(rest: string): string | null {
  if (!rest.endsWith(END)) return null;
  const end = rest.length - END.length;
  for (let letters = 0; letters <= LETTERS_MAX; letters++) {
    if (rest.startsWith(BEGIN, end - letters - BEGIN.length)) return rest.slice(end - letters, end);
  }
  return null;
}

/** The facts that letters stand for. */
export function judgedOf(letters: string): Judged {
  const has = (letter: string) => letters.includes(letter);
  return {
    refused: has("r"),
    cut: has("c"),
    json: has("j") ? true : has("J") ? false : null,
    tools: has("t") ? true : has("T") ? false : null,
  };
}
