// Short words that are kept with a call, such as its user and its tags: what personal data stands in is kept as a hash of it.

import { createHmac } from "node:crypto";
import type { Recognise } from "./entity.ts";

/** Gives a word as it may be kept. Beside its name a value may be told for what the word alone is not. */
export type Discretion = (word: string, name?: string) => string;

/** Keeps words as they are. */
export const OPEN: Discretion = (word) => word;

/** Keeps no words, where nothing is there yet that could tell which may be. */
export const CLOSED: Discretion = () => "withheld";

/** The commonest of ids: its digits say nothing of anybody, though they may look like a telephone number's. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** How a hash in the place of a word begins, and the digits behind that. */
const HIDDEN = "hidden-";
const HASH_DIGITS = 16;
const USER_DIGITS = 32;

/**
 * Keeps the words in which nothing is recognised. Of others a keyed hash is kept: equal words stay equal, and may be counted and limited by.
 * @param secret what they are hashed with
 */
export function makeDiscretion(recognise: Recognise, secret: Uint8Array): Discretion {
  return (word, name = "") => {
    if (word === "" || UUID.test(word)) return word;
    const is_open =
      recognise(word).length === 0 && (name === "" || recognise(`${name}: ${word}`).length === 0);
    if (is_open) return word;
    return hidden(word, secret);
  };
}

function hidden(word: string, secret: Uint8Array): string {
  return HIDDEN + createHmac("sha256", secret).update(word).digest("hex").slice(0, HASH_DIGITS);
}

/** A user as requests name it where personal data is taken out of them: the same for the same, and nobody can tell who it is. */
export function hashedUser(user: string, secret: Uint8Array): string {
  return createHmac("sha256", secret).update(user).digest("hex").slice(0, USER_DIGITS);
}

/** Every name under which a user may stand in the books. */
export function bookedNames(user: string, secret: Uint8Array): string[] {
  const hashed = hashedUser(user, secret);
  return [user, hidden(user, secret), hashed, hidden(hashed, secret)];
}
