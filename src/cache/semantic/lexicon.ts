// What a word stands for: one look-up for all tables, and the canonical form of words that are in none.

import { ANTONYM_PAIRS } from "./antonyms.ts";
import { PHRASE_LIST } from "./phrases.ts";
import { stem } from "./stem.ts";
import { SYNONYM_GROUPS } from "./synonyms.ts";
import {
  KNOWN_WORDS,
  LIGHT_WORDS,
  NEGATIONS,
  QUESTION_WORDS,
  RELATION_WORDS,
  SCOPE_WORDS,
  SLOT_WORDS,
  STRICT_RELATION_WORDS,
} from "./words.ts";

/** What a word is to the guard. */
export type Sense =
  | { readonly role: "light" }
  | { readonly role: "relation"; readonly key: string }
  | { readonly role: "strict_relation"; readonly key: string }
  | { readonly role: "slot"; readonly slot: string; readonly key: string }
  | { readonly role: "negation" | "question" | "scope"; readonly key: string }
  | { readonly role: "content"; readonly key: string; readonly is_known: boolean };

const SENSES = new Map<string, Sense>();
for (const word of LIGHT_WORDS) SENSES.set(word, { role: "light" });
for (const [word, [slot, key]] of SLOT_WORDS) SENSES.set(word, { role: "slot", slot, key });
for (const word of RELATION_WORDS) SENSES.set(word, { role: "relation", key: word });
for (const [word, key] of STRICT_RELATION_WORDS) SENSES.set(word, { role: "strict_relation", key });
for (const [word, key] of SCOPE_WORDS) SENSES.set(word, { role: "scope", key });
for (const word of NEGATIONS) SENSES.set(word, { role: "negation", key: "not" });
for (const [word, key] of QUESTION_WORDS) SENSES.set(word, { role: "question", key });

const CANONICAL = new Map<string, string>();
for (const group of SYNONYM_GROUPS) {
  const name = CANONICAL.get(stem(group[0]!)) ?? stem(group[0]!);
  for (const word of group) if (!CANONICAL.has(stem(word))) CANONICAL.set(stem(word), name);
}

/** What a word is compared by: the name of its synonyms' group, else its stem. */
export function canonicalOf(word: string): string {
  const stemmed = stem(word);
  return CANONICAL.get(stemmed) ?? stemmed;
}

/** Content words that were looked up lately: most texts are made of the same ones. */
const recent = new Map<string, Sense>();
const RECENT_MAX = 8192;
const RECENT_LENGTH_MAX = 32;

/** What a word in lower case stands for. */
export function senseOf(word: string): Sense {
  const sense = SENSES.get(word) ?? recent.get(word);
  if (sense !== undefined) return sense;
  if (word.startsWith("?")) return { role: "question", key: word };
  const found: Sense = { role: "content", key: canonicalOf(word), is_known: isKnown(word) };
  if (word.length <= RECENT_LENGTH_MAX) {
    if (recent.size >= RECENT_MAX) recent.clear();
    recent.set(word, found);
  }
  return found;
}

const ANTONYMS = new Map<string, Set<string>>();
function oppose(one: string, other: string): void {
  const others = ANTONYMS.get(one) ?? new Set();
  ANTONYMS.set(one, others.add(other));
}
function opposeBoth(one: string, other: string): void {
  oppose(one, other);
  oppose(other, one);
}

/** What a particle with a verb of switching is compared by. */
export function switchedBy(particle: string): string {
  return `turn ${particle}`;
}

for (const pair of ANTONYM_PAIRS) {
  const [one, other] = pair.map(keyOf);
  opposeBoth(one!, other!);
  if (RELATION_WORDS.has(one!)) opposeBoth(switchedBy(one!), switchedBy(other!));
}

function keyOf(word: string): string {
  const sense = SENSES.get(word) ?? { role: "light" };
  return "key" in sense && sense.role !== "slot" ? sense.key : canonicalOf(word);
}

const REVERSING_PREFIXES = ["un", "dis", "in", "im", "ir", "il", "non", "de", "mis", "anti"];

/** Whether one of the words is another one of them with a prefix that reverses it. */
function reversesAny(word: string, others: ReadonlySet<string>): boolean {
  return REVERSING_PREFIXES.some(
    (prefix) => word.startsWith(prefix) && others.has(word.slice(prefix.length)),
  );
}

const NO_WORDS: ReadonlySet<string> = new Set();

/** The canonical words that deny or reverse a canonical word, by the table. */
export function oppositesOf(word: string): ReadonlySet<string> {
  return ANTONYMS.get(word) ?? NO_WORDS;
}

/** Whether a canonical word denies or reverses one of the others. */
export function opposesAny(word: string, others: ReadonlySet<string>): boolean {
  for (const opposite of oppositesOf(word)) if (others.has(opposite)) return true;
  return reversesAny(word, others);
}

const KNOWN = new Set([...SENSES.keys()].map(stem));
for (const word of [...SYNONYM_GROUPS.flat(), ...ANTONYM_PAIRS.flat(), ...KNOWN_WORDS]) KNOWN.add(stem(word));

/** Whether the tables know a word, so that it is no typing error and hardly a name. */
export function isKnown(word: string): boolean {
  return KNOWN.has(stem(word));
}

/** Whether a phrase begins with the word. */
export function beginsPhrase(word: string): boolean {
  return PHRASES.next.has(word);
}

/** Phrases as a tree of words: a node says what is read instead of the words that led to it. */
interface PhraseNode {
  readonly next: Map<string, PhraseNode>;
  instead: readonly string[] | null;
}

const PHRASES: PhraseNode = { next: new Map(), instead: null };
for (const [words, instead] of PHRASE_LIST) {
  let node = PHRASES;
  for (const word of words) {
    const found = node.next.get(word) ?? { next: new Map(), instead: null };
    node.next.set(word, found);
    node = found;
  }
  node.instead = instead;
}

/** The longest phrase that begins at `at`: how many words it has, and what is read instead. @param wordAt undefined where no word of a phrase can be */
export function phraseAt(
  at: number,
  wordAt: (at: number) => string | undefined,
): { readonly length: number; readonly instead: readonly string[] } | null {
  let node: PhraseNode | undefined = PHRASES;
  let found: { length: number; instead: readonly string[] } | null = null;
  for (let i = at; ; i += 1) {
    const word = wordAt(i);
    node = word === undefined ? undefined : node.next.get(word);
    if (node === undefined) return found;
    if (node.instead !== null) found = { length: i + 1 - at, instead: node.instead };
  }
}
