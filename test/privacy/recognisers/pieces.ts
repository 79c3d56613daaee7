// Pieces that texts of chance are put together from: whatever recognisers look at.

import type { randomIntegers } from "../../memory/random.ts";
import { TOLD_BY_CONTEXT, TOLD_BY_THEMSELVES } from "./values.cases.ts";

/** Values of all kinds, alone and in sentences. */
export const VALUES: readonly string[] = [
  ...TOLD_BY_THEMSELVES.flatMap(([, values]) => values),
  ...TOLD_BY_CONTEXT.map(([text]) => text),
];

/** Signs, digits, letters and words that values are made of or told by. */
export const PIECES: readonly string[] = [
  ..." .,:;-_/\\@%=()[]{}+'\"\n\t#*`<>|~",
  ..."0123456789aAfFzZéßñЖ中١１９＠–’\u200b\u00a0\ud83d\ude00",
  "://",
  "::",
  "%40",
  "-----BEGIN PRIVATE KEY-----",
  "-----END PRIVATE KEY-----",
  "sk-",
  "eyJ",
  "password",
  "phone",
  "card",
  "born",
  "address",
  "1600",
  "Street",
  "March",
  "0000000000",
  "\\n",
];

/** A text of up to so many pieces, one in twelve of them a value. */
export function textOfPieces(
  random: ReturnType<typeof randomIntegers>,
  pieces_max: number,
  pieces: readonly string[] = PIECES,
): string {
  let text = "";
  for (let count = random(pieces_max); count > 0; count--) {
    text += random(12) === 0 ? VALUES[random(VALUES.length)]! : pieces[random(pieces.length)]!;
  }
  return text;
}
