// The values of one conversation and the placeholders that stand for them. Numbered by first appearance, so that a history which is
// sent again gives the same placeholders again.

import type { Entity } from "./entity.ts";
import { Labels, type PlaceholderMatcher } from "./placeholder.ts";

/** The most values of one conversation, and the most characters that they have together. */
const VALUES_MAX = 20_000;
const CHARS_MAX = 8 * 1024 * 1024;

/** Values of these are the same however they are spaced and whether in capitals or not. */
const FOLDED = new Set<Entity>(["EMAIL", "PERSON", "LOCATION", "ORGANIZATION"]);
/** Values of these are the same however their digits are grouped. */
const GROUPED = new Set<Entity>(["PHONE", "CREDIT_CARD", "IBAN"]);

/** How a conversation's values are kept. */
export interface MappingOptions {
  /** Whether `EMAIL_1` without brackets is restored where it stands as a word. */
  readonly restores_bare?: boolean;
  /** The most values. */
  readonly values_max?: number;
}

/** One value of a mapping, as it is stored. */
export interface MappedValue {
  readonly entity: Entity;
  readonly number: number;
  readonly value: string;
  /** It is no value but a text of the client's that looks like a placeholder. */
  readonly is_literal: boolean;
}

/** The placeholders of one label. */
interface Numbers {
  /** What each number stands for. */
  readonly values: Map<number, MappedValue>;
  /** The number of each value, as `identityOf` has it, and that of each look-alike, by its text. */
  readonly of_values: Map<string, number>;
  readonly of_literals: Map<string, number>;
  next: number;
}

/**
 * The values of one conversation. Equal values of one entity have one placeholder, and come back in the spelling that was seen
 * first. What a client wrote that looks like a placeholder has a number of its own too, its own one where that is free, and stands
 * for itself: so it comes back as it was written, and no value ever takes its place.
 */
export class Mapping {
  /** Those of them that have a number. */
  readonly used_labels = new Labels();
  readonly restores_bare: boolean;
  readonly #labels = new Labels();
  /** What was admitted and has no label yet: most requests hold nothing that labels are needed for. */
  #admitted: Entity[] = [];
  readonly #values_max: number;
  readonly #numbers = new Map<string, Numbers>();
  #size = 0;
  #chars = 0;

  constructor({ restores_bare = true, values_max = VALUES_MAX }: MappingOptions = {}) {
    this.restores_bare = restores_bare;
    this.#values_max = values_max;
  }

  /** How many values and look-alikes it holds. */
  get size(): number {
    return this.#size;
  }

  /** Makes entities known: what looks like their placeholders is escaped even before the first value comes. */
  admit(entities: readonly Entity[]): void {
    this.#admitted.push(...entities);
  }

  /** The labels that placeholders of this conversation may have. */
  get labels(): Labels {
    for (const entity of this.#admitted) this.#labels.add(entity);
    this.#admitted.length = 0;
    return this.#labels;
  }

  /** The placeholder of a value, such as `[EMAIL_1]`; null where there is no room for another value. */
  placeholderOf(entity: Entity, value: string): string | null {
    const label = this.labels.add(entity);
    const numbers = this.#numbersOf(label);
    const identity = identityOf(entity, value);
    const number =
      numbers.of_values.get(identity) ?? this.#take(numbers, { entity, value, is_literal: false }, 0);
    if (number === null) return null;
    numbers.of_values.set(identity, number);
    return `[${label}_${number}]`;
  }

  /**
   * What stands for a text that looks like a placeholder: the text itself where its number is free and its spelling is plain; null
   * where there is no room.
   * @param found the matcher that has just found it
   */
  escapeOf(text: string, found: PlaceholderMatcher): string | null {
    const { label, is_bare } = found;
    const numbers = this.#numbersOf(label);
    const literal = { entity: label, value: text, is_literal: true };
    const number = numbers.of_literals.get(text) ?? this.#take(numbers, literal, found.number);
    if (number === null) return null;
    numbers.of_literals.set(text, number);
    return is_bare ? `${label}_${number}` : `[${label}_${number}]`;
  }

  /** What a placeholder stands for, or null. */
  valueOf(label: string, number: number): string | null {
    return this.#numbers.get(label)?.values.get(number)?.value ?? null;
  }

  /** Everything it holds, in the order in which it came for each entity. */
  *[Symbol.iterator](): Iterator<MappedValue> {
    for (const { values } of this.#numbers.values()) yield* values.values();
  }

  /** Puts back what was stored. False where it does not fit: the number is taken, or there is no room. */
  put({ entity, number, value, is_literal }: MappedValue): boolean {
    const numbers = this.#numbersOf(this.labels.add(entity));
    if (numbers.values.has(number)) return false;
    if (this.#take(numbers, { entity, value, is_literal }, number) === null) return false;
    if (is_literal) numbers.of_literals.set(value, number);
    else numbers.of_values.set(identityOf(entity, value), number);
    return true;
  }

  #numbersOf(label: string): Numbers {
    const known = this.#numbers.get(label);
    if (known !== undefined) return known;
    this.used_labels.add(label);
    const numbers: Numbers = { values: new Map(), of_values: new Map(), of_literals: new Map(), next: 1 };
    this.#numbers.set(label, numbers);
    return numbers;
  }

  /** Takes the wanted number if it is free, else the next one; null where there is no room. */
  #take(numbers: Numbers, held: Omit<MappedValue, "number">, wanted: number): number | null {
    if (this.#size >= this.#values_max || this.#chars + held.value.length > CHARS_MAX) return null;
    let number = wanted;
    if (number === 0 || numbers.values.has(number)) {
      while (numbers.values.has(numbers.next)) numbers.next++;
      number = numbers.next;
    }
    numbers.values.set(number, { ...held, number });
    this.#size++;
    this.#chars += held.value.length;
    return number;
  }
}

/** What makes two values of an entity the same one. */
function identityOf(entity: Entity, value: string): string {
  if (FOLDED.has(entity)) return value.trim().replace(/\s+/g, " ").toLowerCase();
  if (GROUPED.has(entity)) return value.replace(/[\s()./-]+/g, "").toUpperCase();
  return value;
}
