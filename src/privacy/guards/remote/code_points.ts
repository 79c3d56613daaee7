// Places in texts as most languages count them, by Unicode's code points, where JavaScript counts UTF-16.

const SURROGATE = /[\ud800-\udfff]/;

/** How many code points a text has; a half without its other counts as one. */
export function countCodePoints(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * JavaScript's place of each code point's place in a text; null where the text is the same in both.
 * The place behind the last is one of them.
 */
export function placesOf(text: string): Uint32Array | null {
  if (!SURROGATE.test(text)) return null;
  const places = new Uint32Array(countCodePoints(text) + 1);
  let at = 0;
  let count = 0;
  for (const character of text) {
    places[count++] = at;
    at += character.length;
  }
  places[count] = at;
  return places;
}
