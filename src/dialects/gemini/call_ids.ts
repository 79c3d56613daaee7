// Ids for calls of functions that Gemini gave none: its models before 3, and older requests, tell them apart by name and order.

const PREFIX = "gcall_";
/** Leaves room for the rest within the 40 characters that OpenAI allows an id. */
const KEY_LENGTH_MAX = 28;

/** Gives ids to the calls of one answer, or of one request's history. */
export class CallIds {
  readonly #key: string;
  #count = 0;

  /** @param key what makes the ids of this answer differ from another's: its `responseId`. Empty: the function's name has to do. */
  constructor(key: string) {
    this.#key = key;
  }

  /** An id for the next call: letters, digits, `_` and `-`, the same for the same answer. */
  next(name: string): string {
    const key = this.#key === "" ? name : this.#key;
    return `${PREFIX}${this.#count++}_${plain(key.slice(0, KEY_LENGTH_MAX))}`;
  }
}

/** Whether an id is one of these: Gemini never saw it, so it is not told. */
export function isMadeId(id: string): boolean {
  return id.startsWith(PREFIX);
}

function plain(text: string): string {
  let all = "";
  for (const letter of text) {
    const is_plain =
      (letter >= "a" && letter <= "z") ||
      (letter >= "A" && letter <= "Z") ||
      (letter >= "0" && letter <= "9") ||
      letter === "_" ||
      letter === "-";
    all += is_plain ? letter : "_";
  }
  return all;
}
