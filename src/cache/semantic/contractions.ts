// Contractions written out: "don't" and "dont" are "do not", "what's" is "what is", so that phrases are found in either.

import type { Token } from "./scanner.ts";

const WHOLE = new Map<string, readonly string[]>();
for (const line of `can't:can not|cant:can not|cannot:can not|won't:will not|wont:will not|shan't:shall not|ain't:is not|aint:is not
dont:do not|isnt:is not|doesnt:does not|didnt:did not|havent:have not|hasnt:has not|hadnt:had not|wasnt:was not|werent:were not|arent:are not
couldnt:could not|shouldnt:should not|wouldnt:would not|mustnt:must not|neednt:need not
let's:let|lets:let|whats:what is|wheres:where is|whos:who is|hows:how is|whens:when is|whys:why is|thats:that is|theres:there is|heres:here is
im:i am|ive:i have|youre:you are|youve:you have|theyre:they are|theyve:they have|weve:we have|y'all:you|gonna:going to|wanna:want to|gotta:have to
gimme:give me|lemme:let me|dunno:do not know`.split(/[|\n]/)) {
  const [word, parts] = line.split(":");
  WHOLE.set(word!, parts!.split(" "));
}
const ENDINGS = new Map([
  ["ll", "will"],
  ["re", "are"],
  ["ve", "have"],
  ["m", "am"],
  ["d", "would"],
]);
/** After these, 's is a verb; after others it is a genitive, which says nothing here. */
const SUBJECTS = new Set("what who where when how why it that this there here he she which".split(" "));

/** The words that a word stands for, or null where it is none but itself. */
function partsOf(word: string): readonly string[] | null {
  const whole = WHOLE.get(word);
  if (whole !== undefined) return whole;
  const at = word.indexOf("'");
  if (at < 1) return null;
  if (word.endsWith("n't")) return [word.slice(0, -3), "not"];
  const start = word.slice(0, at);
  const ending = word.slice(at + 1);
  if (ending === "s") return SUBJECTS.has(start) ? [start, "is"] : [start];
  const verb = ENDINGS.get(ending);
  return verb === undefined ? null : [start, verb];
}

/** The tokens of a text with its contractions written out; quoted ones stay. */
export function expandContractions(tokens: readonly Token[]): readonly Token[] {
  let expanded: Token[] | null = null;
  for (const [at, token] of tokens.entries()) {
    const parts = token.kind === "word" && !token.is_quoted ? partsOf(token.text) : null;
    if (parts !== null) {
      expanded ??= tokens.slice(0, at);
      for (const text of parts) expanded.push({ ...token, text, is_expanded: true });
    } else expanded?.push(token);
  }
  return expanded ?? tokens;
}
