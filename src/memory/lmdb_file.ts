// Whether a file can be an LMDB environment. The library maps it and believes it, and a file that is something else, or was
// cut off, ends the process with a fault of memory; so its two heads are looked at first.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Where the fields of a head lie in its page, on machines of 64 bits: behind 24 bytes that every page begins with. */
const FLAGS_AT = 18;
const MAGIC_AT = 24;
const VERSION_AT = 28;
const MAP_BYTES_AT = 40;
const PAGE_SIZE_AT = 48;
const FREE_ROOT_AT = 88;
const MAIN_ROOT_AT = 136;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const HEAD_BYTES = 160;

/** More than can be mapped. */
const MOST_MAP_BYTES = 1n << 46n;
/** The flag of pages that are heads. */
const HEAD = 8;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** The root of what is empty. */
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** What is wrong with an environment's file, in words; null for nothing, or where there is no file yet. */
export function lmdbFileFault(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return null;
    const first = readHead(descriptor, 0);
    const page_bytes = first.readUInt32LE(PAGE_SIZE_AT);
    const is_size = page_bytes >= 512 && page_bytes <= 65_536 && (page_bytes & (page_bytes - 1)) === 0;
    if (!isHead(first) || !is_size) return "it is no LMDB environment";
    const second = readHead(descriptor, page_bytes);
    if (!isHead(second) || second.readUInt32LE(PAGE_SIZE_AT) !== page_bytes)
      return "its second head is damaged";
    // The newer of the two is in force.
    const newest =
      first.readBigUInt64LE(TRANSACTION_AT) > second.readBigUInt64LE(TRANSACTION_AT) ? first : second;
    const is_cut = [FREE_ROOT_AT, MAIN_ROOT_AT]
      .map((at) => newest.readBigUInt64LE(at))
      .some((root) => root !== NO_PAGE && (root + 1n) * BigInt(page_bytes) > BigInt(size));
    if (is_cut) return "its end is missing";
    // The last pages may never have been written, where they were free again at once; but they are not many.
    const pages = BigInt(Math.ceil(size / page_bytes));
    return newest.readBigUInt64LE(LAST_PAGE_AT) > 16n * pages + 1024n
      ? "its last page is far behind its end"
      : null;
  } finally {
    closeSync(descriptor);
  }
}

function readHead(descriptor: number, at: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  readSync(descriptor, head, 0, HEAD_BYTES, at);
  return head;
}

function isHead(head: Buffer): boolean {
  return (
    (head.readUInt16LE(FLAGS_AT) & HEAD) !== 0 &&
    head.readUInt32LE(MAGIC_AT) === MAGIC &&
    head.readUInt32LE(VERSION_AT) === VERSION &&
    head.readBigUInt64LE(MAP_BYTES_AT) < MOST_MAP_BYTES
  );
}
