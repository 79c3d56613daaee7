// Whether the pages of an LMDB environment hang together. The library believes every page that it maps, and one wrong number in
// one of them ends the process; so all that it would follow is followed here first, by reads that can do no harm.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { lmdbFileFault } from "./lmdb_file.ts";

/** Where the fields of a head lie in its page, on machines of 64 bits. */
const PAGE_SIZE_AT = 48;
const FREE_TREE_AT = 48;
const MAIN_TREE_AT = 96;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const HEAD_BYTES = 160;

/** What every page begins with: its number, its transaction, its flags, and the bounds of its free room. */
const PAGE_HEADER_BYTES = 24;
const PAGE_TRANSACTION_AT = 8;
const PAGE_FLAGS_AT = 18;
const LOWER_AT = 20;
const UPPER_AT = 22;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;

/** What every node begins with: its size (a branch's: the page below it), its flags, and its key's size. */
const NODE_HEADER_BYTES = 8;
const BIG_DATA = 1;
const SUB_TREE = 2;
/** A tree as a head and a node of the main tree tell it. */
const TREE_BYTES = 48;
/** Where a node tells of pages of its own: the first of them, its transaction, how many. */
const BIG_DATA_BYTES = 24;

const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** Deeper than the library itself goes. */
const MOST_LEVELS = 32;

/** A tree: how deep it is, how many pages and records it has, where it begins. */
interface Tree {
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflows: number;
  readonly entries: number;
  /** Null for an empty one. */
  readonly root: number | null;
}

/** What a walk finds wrong. It never leaves this file. */
class Damage extends Error {}

/**
 * What is wrong with an environment's file, in words, as far as following all of its trees tells; null for nothing, or where there
 * is no file yet. Nobody may write to it meanwhile. It takes about half a second for each gigabyte of small records. It throws where
 * the file cannot be read.
 */
export function lmdbTreeFault(path: string): string | null {
  const fault = lmdbFileFault(path);
  if (fault !== null) return fault;
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    if (fstatSync(descriptor).size > 0) new Walk(descriptor).all();
    return null;
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

class Walk {
  readonly #descriptor: number;
  readonly #page_bytes: number;
  readonly #head: Buffer;
  readonly #pages: number;
  readonly #transaction: bigint;
  /** A bit for each page that a tree has. */
  readonly #seen: Uint8Array;
  /** A buffer for each level, made once. */
  readonly #levels: Buffer[] = [];

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    const first = this.#read(Buffer.alloc(HEAD_BYTES), 0);
    this.#page_bytes = first.readUInt32LE(PAGE_SIZE_AT);
    const second = this.#read(Buffer.alloc(HEAD_BYTES), this.#page_bytes);
    const is_first = first.readBigUInt64LE(TRANSACTION_AT) > second.readBigUInt64LE(TRANSACTION_AT);
    this.#head = is_first ? first : second;
    this.#transaction = this.#head.readBigUInt64LE(TRANSACTION_AT);
    this.#pages = numberAt(this.#head, LAST_PAGE_AT) + 1;
    this.#seen = new Uint8Array((this.#pages >> 3) + 1);
  }

  /** Follows all trees, and looks whether a page is both free and in use. */
  all(): void {
    const trees: Tree[] = [];
    this.#tree(treeAt(this.#head, MAIN_TREE_AT), (page, at, length, flags) => {
      if ((flags & SUB_TREE) === 0) return;
      if (length !== TREE_BYTES) throw new Damage("one of its trees is not described");
      trees.push(treeAt(page, at));
    });
    for (const tree of trees) this.#tree(tree, () => {});
    this.#tree(treeAt(this.#head, FREE_TREE_AT), (page, at, length, flags) => {
      if ((flags & BIG_DATA) === 0) this.#freePages(page, at, length);
      else this.#freePages(this.#bigData(page, at, length), 0, length);
    });
  }

  #tree(tree: Tree, visit: (page: Buffer, at: number, length: number, flags: number) => void): void {
    const counts = { branches: 0, leaves: 0, overflows: 0, entries: 0 };
    const follow = (number: number, level: number): void => {
      this.#take(number, 1);
      this.#levels[level] ??= Buffer.alloc(this.#page_bytes);
      const page = this.#readPage(this.#levels[level], number);
      const is_leaf = level === tree.depth - 1;
      if (page.readUInt16LE(PAGE_FLAGS_AT) !== (is_leaf ? LEAF : BRANCH))
        throw new Damage("a page is not what it should be");
      for (const node of this.#nodesOf(page, is_leaf)) {
        if (!is_leaf) {
          follow(page.readUIntLE(node, 6), level + 1);
          continue;
        }
        counts.entries++;
        const flags = page.readUInt16LE(node + 4);
        const data = node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6);
        const length = page.readUInt32LE(node);
        if (flags & BIG_DATA) counts.overflows += this.#takeBigData(page, data, length);
        visit(page, data, length, flags);
      }
      if (is_leaf) counts.leaves++;
      else counts.branches++;
    };
    if (tree.depth > MOST_LEVELS) throw new Damage("a tree is too deep");
    if (tree.root !== null) follow(tree.root, 0);
    const { branches, leaves, overflows, entries } = tree;
    const is_same =
      branches === counts.branches &&
      leaves === counts.leaves &&
      overflows === counts.overflows &&
      entries === counts.entries;
    if (!is_same) throw new Damage("a tree does not have what it should have");
  }

  /** Where the nodes of a page begin, all of them inside of it. */
  #nodesOf(page: Buffer, is_leaf: boolean): number[] {
    const lower = page.readUInt16LE(LOWER_AT);
    const upper = page.readUInt16LE(UPPER_AT);
    const count = lower >> 1;
    const is_page = lower <= upper && PAGE_HEADER_BYTES + upper <= page.length && count >= (is_leaf ? 1 : 2);
    if (!is_page) throw new Damage("a page's bounds are wrong");
    const nodes: number[] = [];
    let used_bytes = 0;
    for (let index = 0; index < count; index++) {
      const node = PAGE_HEADER_BYTES + page.readUInt16LE(PAGE_HEADER_BYTES + 2 * index);
      if (node < PAGE_HEADER_BYTES + upper || node + NODE_HEADER_BYTES > page.length)
        throw new Damage("a node is not in its page");
      let end = node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6);
      if (is_leaf) end += page.readUInt16LE(node + 4) & BIG_DATA ? BIG_DATA_BYTES : page.readUInt32LE(node);
      if (end > page.length) throw new Damage("a node does not end in its page");
      nodes.push(node);
      // Each begins at an even place.
      used_bytes += (end - node + 1) & ~1;
    }
    if (PAGE_HEADER_BYTES + upper + used_bytes !== page.length)
      throw new Damage("a page's nodes do not fill what they should fill");
    return nodes;
  }

  /** Looks at the pages that a long value has for itself, of which only the first has a header. Says how many they are. */
  #takeBigData(page: Buffer, at: number, length: number): number {
    const first = numberAt(page, at);
    const count = numberAt(page, at + 16);
    if (page.readBigUInt64LE(at + PAGE_TRANSACTION_AT) > this.#transaction)
      throw new Damage("a long value is newer than the newest transaction");
    // More than it needs, where it was longer once.
    if (count < Math.floor((PAGE_HEADER_BYTES - 1 + length) / this.#page_bytes) + 1)
      throw new Damage("a long value's length is wrong");
    this.#take(first, count);
    const header = this.#readPage(Buffer.alloc(PAGE_HEADER_BYTES), first);
    if (header.readUInt16LE(PAGE_FLAGS_AT) !== OVERFLOW || header.readUInt32LE(LOWER_AT) !== count)
      throw new Damage("a long value is not where it should be");
    return count;
  }

  #bigData(page: Buffer, at: number, length: number): Buffer {
    return this.#read(Buffer.alloc(length), numberAt(page, at) * this.#page_bytes + PAGE_HEADER_BYTES);
  }

  /** A list of free pages: how many words, then pages; a negative word says how many follow the page behind it. */
  #freePages(page: Buffer, at: number, length: number): void {
    const count = length >= 8 ? numberAt(page, at) : 0;
    if ((count + 1) * 8 > length) throw new Damage("a list of free pages is cut off");
    for (let index = 1; index <= count; index++) {
      const word = page.readBigInt64LE(at + 8 * index);
      if (word === 0n) continue;
      if (word > 0n) {
        this.#checkFree(Number(word), 1);
        continue;
      }
      index++;
      if (index > count) throw new Damage("a list of free pages is cut off");
      this.#checkFree(numberAt(page, at + 8 * index), -Number(word));
    }
  }

  #checkFree(first: number, count: number): void {
    this.#checkRange(first, count);
    for (let number = first; number < first + count; number++) {
      if (this.#isSeen(number)) throw new Damage("a page is free and in use");
    }
  }

  /** Notes that pages are in use, which they can be only once. */
  #take(first: number, count: number): void {
    this.#checkRange(first, count);
    for (let number = first; number < first + count; number++) {
      if (this.#isSeen(number)) throw new Damage("a page is in use twice");
      this.#seen[number >> 3]! |= 1 << (number & 7);
    }
  }

  #checkRange(first: number, count: number): void {
    if (first < 2 || first + count > this.#pages) throw new Damage("a page lies outside");
  }

  #isSeen(number: number): boolean {
    return (this.#seen[number >> 3]! & (1 << (number & 7))) !== 0;
  }

  #readPage(into: Buffer, number: number): Buffer {
    this.#read(into, number * this.#page_bytes);
    if (numberAt(into, 0) !== number) throw new Damage("a page is not where it should be");
    // One of a later transaction would be taken for one that is being changed.
    if (into.readBigUInt64LE(PAGE_TRANSACTION_AT) > this.#transaction)
      throw new Damage("a page is newer than the newest transaction");
    return into;
  }

  #read(into: Buffer, at: number): Buffer {
    if (readSync(this.#descriptor, into, 0, into.length, at) < into.length)
      throw new Damage("its end is missing");
    return into;
  }
}

function treeAt(bytes: Buffer, at: number): Tree {
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    depth: bytes.readUInt16LE(at + 6),
    branches: numberAt(bytes, at + 8),
    leaves: numberAt(bytes, at + 16),
    overflows: numberAt(bytes, at + 24),
    entries: numberAt(bytes, at + 32),
    root: root === NO_PAGE ? null : Number(root),
  };
}

/** A number of 64 bits, which is exact as far as any that is right. */
function numberAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
