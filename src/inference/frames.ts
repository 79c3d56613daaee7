// Frames between processes of the gateway: four bytes of length, little end first, and so many bytes of MessagePack.

import { Packr } from "msgpackr";

/** The most bytes that a frame can have behind its length, where nothing else is said. */
export const FRAME_MAX_BYTES = 4 * 1024 * 1024;

const LENGTH_BYTES = 4;
const packr = new Packr({ useRecords: false, moreTypes: false });

/** A frame with a value in it; null if it would be too long, or cannot be written down. */
export function frameOf(value: unknown, max_bytes = FRAME_MAX_BYTES): Uint8Array | null {
  try {
    const payload = packr.pack(value);
    if (payload.length > max_bytes) return null;
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length);
    frame.writeUInt32LE(payload.length);
    frame.set(payload, LENGTH_BYTES);
    return frame;
  } catch {
    return null;
  }
}

/** What cannot be a frame. */
export const BROKEN = Symbol("broken");

/** Puts frames together again, wherever the stream of bytes was cut. What they hold are views of the bytes that came. */
export class FrameReader {
  /** What has come of a frame that is not whole; its room is that of the whole frame once the length is known. */
  #part: Uint8Array = new Uint8Array(0);
  #filled = 0;
  readonly #max_bytes: number;

  constructor(max_bytes = FRAME_MAX_BYTES) {
    this.#max_bytes = max_bytes;
  }

  /** The values of the frames that are whole with these bytes; with `BROKEN` as the last one, nothing can follow. */
  *push(bytes: Uint8Array): Generator<unknown> {
    let at = 0;
    while (at < bytes.length || this.#filled > 0) {
      if (this.#filled === 0 && bytes.length - at >= LENGTH_BYTES) {
        const size = LENGTH_BYTES + lengthAt(bytes, at);
        if (size > LENGTH_BYTES + this.#max_bytes) return yield BROKEN;
        if (bytes.length - at >= size) {
          const value = unpacked(bytes.subarray(at + LENGTH_BYTES, at + size));
          at += size;
          yield value;
          if (value === BROKEN) return;
          continue;
        }
      }
      const wanted = this.#wanted();
      if (wanted === BROKEN) return yield BROKEN;
      if (at === bytes.length) return;
      at += this.#take(bytes, at, wanted);
      if (this.#filled < wanted || wanted === LENGTH_BYTES) continue;
      const value = unpacked(this.#part.subarray(LENGTH_BYTES));
      this.#part = new Uint8Array(0);
      this.#filled = 0;
      yield value;
      if (value === BROKEN) return;
    }
  }

  /** How many bytes the part should have next: a length, or the whole frame. */
  #wanted(): number | typeof BROKEN {
    if (this.#filled < LENGTH_BYTES) return LENGTH_BYTES;
    const length = lengthAt(this.#part, 0);
    return length === 0 || length > this.#max_bytes ? BROKEN : LENGTH_BYTES + length;
  }

  /** Takes bytes until there are as many as wanted; gives how many it took. */
  #take(bytes: Uint8Array, at: number, wanted: number): number {
    if (this.#part.length < wanted) {
      const part = new Uint8Array(wanted);
      part.set(this.#part.subarray(0, this.#filled));
      this.#part = part;
    }
    const size = Math.min(wanted - this.#filled, bytes.length - at);
    this.#part.set(bytes.subarray(at, at + size), this.#filled);
    this.#filled += size;
    return size;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function unpacked(payload: Uint8Array): unknown {
  try {
    return packr.unpack(payload);
  } catch {
    return BROKEN;
  }
}
