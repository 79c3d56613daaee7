// Finding where one of a few markers may begin, such as the placeholder "[EMAIL_1]" that is to be put back.
// Made for streams: the end of a chunk may cut a marker, and the answer says from where on to wait.

/** The most markers of a set, and the most bytes of one. */
export const MARKERS_MAX = 64;
const MARKER_BYTES_MAX = 255;

/** How many different bytes the search tells apart at a time; with more at one place, it does not look there. */
const FILTER_BYTES_MAX = 8;

/** Markers to look for, made once. */
export interface MarkerSet {
  readonly markers: readonly Uint8Array[];
  readonly ignores_case: boolean;
  /** 1 for each byte that a marker may begin with. */
  readonly firsts: Uint8Array;
  /** The only byte that a marker may begin with, or -1 if there are several. */
  readonly only_first: number;
  /**
   * The set as native code reads it: whether case is ignored, how many first bytes are told apart and eight
   * places for them, the same for second bytes (0 of them: any), how many markers, and each with its length
   * before it.
   */
  readonly packed: Uint8Array;
}

/**
 * A set of ASCII markers, such as `["[EMAIL_", "[PHONE_"]`: the fixed beginnings are enough, because what follows
 * is for the caller to read. With `ignores_case`, letters match in either case. Throws if a marker is empty, is
 * too long or is not ASCII, or if there are too many.
 */
export function markerSet(texts: readonly string[], ignores_case = false): MarkerSet {
  if (texts.length === 0 || texts.length > MARKERS_MAX) throw new RangeError(`${texts.length} markers`);
  const markers = texts.map((text) => {
    if (text === "" || text.length > MARKER_BYTES_MAX || /[^\x00-\x7f]/.test(text)) {
      throw new RangeError(`no marker: ${JSON.stringify(text)}`);
    }
    return Buffer.from(ignores_case ? text.toLowerCase() : text, "latin1");
  });
  const cases = (byte: number) => (ignores_case && isLower(byte) ? [byte, byte - 0x20] : [byte]);
  const first_bytes = new Set(markers.flatMap((marker) => cases(marker[0]!)));
  const has_short = markers.some((marker) => marker.length === 1);
  const second_bytes = has_short ? [] : markers.flatMap((marker) => cases(marker[1]!));
  const firsts = new Uint8Array(256);
  for (const byte of first_bytes) firsts[byte] = 1;
  const packed = Buffer.concat([
    Uint8Array.of(ignores_case ? 1 : 0),
    filter(first_bytes),
    filter(new Set(second_bytes)),
    Uint8Array.of(markers.length),
    ...markers.flatMap((marker) => [Uint8Array.of(marker.length), marker]),
  ]);
  const only_first = first_bytes.size === 1 ? markers[0]![0]! : -1;
  return { markers, ignores_case, firsts, only_first, packed: Uint8Array.from(packed) };
}

function filter(bytes: ReadonlySet<number>): Uint8Array {
  const packed = new Uint8Array(1 + FILTER_BYTES_MAX);
  if (bytes.size <= FILTER_BYTES_MAX) packed.set([bytes.size, ...bytes]);
  return packed;
}

/**
 * The first offset from `from` on at which a marker begins as far as the bytes go. A marker that is there whole
 * is told by its offset; one that the end of the bytes cuts, by the complement of its offset. Nothing is told by
 * the complement of the end: `~result` is how much of the text may be passed on at once, before more arrives.
 */
export function findMarker(bytes: Uint8Array, from: number, set: MarkerSet): number {
  const end = bytes.length;
  for (let pos = from; pos < end; pos++) {
    if (set.only_first >= 0) {
      pos = bytes.indexOf(set.only_first, pos);
      if (pos < 0) return ~end;
    } else if (set.firsts[bytes[pos]!] === 0) continue;
    let is_cut = false;
    for (const marker of set.markers) {
      const length = Math.min(marker.length, end - pos);
      let i = 0;
      while (i < length && folded(bytes[pos + i]!, set.ignores_case) === marker[i]) i++;
      if (i === marker.length) return pos;
      if (i === length) is_cut = true;
    }
    if (is_cut) return ~pos;
  }
  return ~end;
}

function folded(byte: number, ignores_case: boolean): number {
  return ignores_case && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function isLower(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}
