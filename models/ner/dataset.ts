// What the model is trained on: texts as rows of features and tags.

import { OUTSIDE, tagOf } from "../../src/inference/ner/chain.ts";
import { FEATURES_MAX, featuresOf, Surroundings } from "../../src/inference/ner/features.ts";
import type { Gazetteer } from "../../src/inference/ner/gazetteer.ts";
import { hashOfWord, Tokens } from "../../src/inference/ner/tokens.ts";
import type { Example } from "./examples.ts";
import { COMPANY_WORDS } from "./gazetteer_table.ts";

const COMPANY_HASHES: ReadonlySet<number> = new Set(COMPANY_WORDS.map(hashOfWord));

/** A text's tokens: where the features of each begin in the list of all, and its tag. */
export interface Row {
  readonly offsets: Int32Array;
  readonly tags: Uint8Array;
}

/** All texts. Features are hashes first, and numbers of their own after `number`. */
export class Dataset {
  readonly rows: Row[] = [];
  features = new Int32Array(1 << 24);
  #used = 0;
  readonly #tokens = new Tokens();
  readonly #around = new Surroundings();
  readonly #gazetteer: Gazetteer;
  readonly #random: () => number;

  constructor(gazetteer: Gazetteer, random: () => number) {
    this.#gazetteer = gazetteer;
    this.#random = random;
  }

  /** Takes a text; what does not fit into one stretch of tokens is left out. */
  add(example: Example): void {
    const tokens = this.#tokens;
    tokens.fill(example.text, 0);
    if (tokens.count === 0) return;
    this.#around.fill(tokens, this.#gazetteer);
    const tags = this.#tags(example);
    if (example.is_generated) this.#hide(example);
    const offsets = new Int32Array(tokens.count + 1);
    const features = new Int32Array(FEATURES_MAX);
    for (let token = 0; token < tokens.count; token++) {
      offsets[token] = this.#used;
      const count = featuresOf(tokens, this.#around, token, features);
      if (this.#used + count > this.features.length) {
        const larger = new Int32Array(this.features.length * 2);
        larger.set(this.features);
        this.features = larger;
      }
      this.features.set(features.subarray(0, count), this.#used);
      this.#used += count;
    }
    offsets[tokens.count] = this.#used;
    this.rows.push({ offsets, tags });
  }

  #tags({ labels }: Example): Uint8Array {
    const { count, start, end } = this.#tokens;
    const tags = new Uint8Array(count).fill(OUTSIDE);
    for (const label of labels) {
      let is_first = true;
      for (let token = 0; token < count; token++) {
        if (end[token]! <= label.start || start[token]! >= label.end) continue;
        tags[token] = tagOf(label.entity, is_first);
        is_first = false;
      }
    }
    return tags;
  }

  /**
   * Names drawn from lists: most of them are made unknown, as words and some of them in the gazetteer too, so that the model learns
   * to go by what is around them.
   */
  #hide({ labels }: Example): void {
    const { count, start, end, word } = this.#tokens;
    const around = this.#around;
    const hidden_words = [0.9, 0.7, 0.6];
    for (const { start: from, end: to, entity } of labels) {
      const is_word_hidden = this.#random() < hidden_words[entity]!;
      const is_unlisted = this.#random() < 0.35;
      for (let token = 0; token < count; token++) {
        if (end[token]! <= from || start[token]! >= to) continue;
        if (COMPANY_HASHES.has(word[token]!)) continue;
        // A number that nothing else has is a feature that is seen once, and so left out.
        if (is_word_hidden) word[token] = Math.floor(this.#random() * 2 ** 32) | 0;
        if (!is_unlisted) continue;
        around.lists[token] = 0;
        around.begins_phrase[token] = 0;
        around.continues_phrase[token] = 0;
      }
    }
  }

  /** Gives the features that are seen often enough numbers of their own, from 0; the others become -1. Gives their hashes. */
  number(times_min: number): { readonly hashes: Int32Array; readonly times: Uint32Array } {
    const bits = 25;
    const mask = 2 ** bits - 1;
    const hashes = new Int32Array(2 ** bits);
    const times = new Uint32Array(2 ** bits);
    const slotOf = (hash: number) => {
      let slot = Math.imul(hash, 0x9e3779b1) >>> (32 - bits);
      while (times[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) & mask;
      return slot;
    };
    let distinct = 0;
    for (let at = 0; at < this.#used; at++) {
      const slot = slotOf(this.features[at]!);
      if (times[slot] === 0) distinct++;
      if (distinct > 0.9 * 2 ** bits) throw new Error("more features than the table has room for");
      hashes[slot] = this.features[at]!;
      times[slot]!++;
    }
    const numbers = new Int32Array(2 ** bits).fill(-1);
    const kept: number[] = [];
    for (let slot = 0; slot <= mask; slot++) {
      if (times[slot]! < times_min) continue;
      numbers[slot] = kept.length;
      kept.push(slot);
    }
    for (let at = 0; at < this.#used; at++) this.features[at] = numbers[slotOf(this.features[at]!)]!;
    console.log(`${this.rows.length} texts, ${distinct} features, ${kept.length} kept`);
    return {
      hashes: Int32Array.from(kept, (slot) => hashes[slot]!),
      times: Uint32Array.from(kept, (slot) => times[slot]!),
    };
  }
}
