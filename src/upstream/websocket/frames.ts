// WebSocket frames as a client reads and writes them (RFC 6455, 5): from bytes as they come to messages that are whole, and back.
// Nothing is negotiated beside it, so that a frame with a reserved bit is a fault.

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const FIN = 0x80;
const RESERVED = 0x70;
const OPCODE = 0x0f;
const MASKED = 0x80;
const CONTROL = 0x08;
const LENGTH = 0x7f;
/** Lengths above 125 stand in two bytes behind the first, those above 65535 in eight. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const CONTROL_MAX_BYTES = 125;

/** Why a connection is closed (RFC 6455, 7.4.1, and the registry that it names). */
export const CLOSE_CODES = {
  normal: 1000,
  going_away: 1001,
  protocol_error: 1002,
  /** Stands for a close frame without a code; never sent. */
  none: 1005,
  /** Stands for a connection that broke; never sent. */
  broken: 1006,
  not_utf8: 1007,
  policy: 1008,
  too_big: 1009,
  internal_error: 1011,
  restart: 1012,
  try_again: 1013,
} as const;

/** What a connection is closed with where what comes is against the rules. */
export interface FrameFault {
  readonly code: number;
  readonly reason: string;
}

/** Hears of what comes. A payload belongs to it from then on. */
export interface FrameListener {
  onMessage(is_text: boolean, payload: Uint8Array): void;
  onPing(payload: Uint8Array): void;
  onPong(): void;
  /** The other side closes; 1005 where it gives no code. */
  onClose(code: number, reason: string): void;
}

/** The most bytes before a payload: a server's frames have no mask. */
const HEAD_MAX_BYTES = 10;
const EMPTY = new Uint8Array(0);

/** Reads a server's frames. The result is the same wherever the bytes are cut. */
export class FrameReader {
  readonly #max_bytes: number;
  readonly #head = new Uint8Array(HEAD_MAX_BYTES);
  #head_bytes = 0;
  /** Of the frame whose head is complete; -1 while it is not. */
  #left = -1;
  #opcode = 0;
  #is_last = false;
  /** The message under way, over all its frames. */
  #message_opcode = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #control: Uint8Array[] = [];
  #is_over = false;

  /** @param max_bytes of a message */
  constructor(max_bytes: number) {
    this.#max_bytes = max_bytes;
  }

  /** Reads on; what is wrong, or null. After a fault or a close frame nothing more is read. */
  read(chunk: Uint8Array, listener: FrameListener): FrameFault | null {
    let at = 0;
    while (!this.#is_over) {
      if (this.#left < 0) {
        if (at === chunk.length) return null;
        this.#head[this.#head_bytes++] = chunk[at++]!;
        const fault = this.#readHead();
        if (fault !== null) {
          this.#is_over = true;
          return fault;
        }
        if (this.#left < 0) continue;
      }
      const taken = Math.min(this.#left, chunk.length - at);
      if (taken > 0) {
        const parts = (this.#opcode & CONTROL) === 0 ? this.#parts : this.#control;
        parts.push(chunk.subarray(at, at + taken));
        at += taken;
        this.#left -= taken;
      }
      if (this.#left > 0) return null;
      this.#left = -1;
      const fault = this.#endFrame(listener);
      if (fault !== null) {
        this.#is_over = true;
        return fault;
      }
    }
    return null;
  }

  /** Looks whether a head is complete, and what it says. */
  #readHead(): FrameFault | null {
    const head = this.#head;
    if (this.#head_bytes < 2) return null;
    const first = head[0]!;
    const short = head[1]! & LENGTH;
    if (this.#head_bytes === 2) {
      const fault = this.#judge(first, (head[1]! & MASKED) !== 0, short);
      if (fault !== null) return fault;
    }
    const head_bytes = short === LENGTH_64 ? HEAD_MAX_BYTES : short === LENGTH_16 ? 4 : 2;
    if (this.#head_bytes < head_bytes) return null;
    this.#head_bytes = 0;
    const view = new DataView(head.buffer);
    const length =
      short === LENGTH_64
        ? view.getUint32(2) * 2 ** 32 + view.getUint32(6)
        : short === LENGTH_16
          ? view.getUint16(2)
          : short;
    this.#opcode = first & OPCODE;
    this.#is_last = (first & FIN) !== 0;
    this.#left = length;
    if ((this.#opcode & CONTROL) !== 0) return null;
    if (this.#opcode !== CONTINUATION) this.#message_opcode = this.#opcode;
    this.#bytes += length;
    if (this.#bytes <= this.#max_bytes) return null;
    return { code: CLOSE_CODES.too_big, reason: `a message has more than ${this.#max_bytes} bytes` };
  }

  #judge(first: number, is_masked: boolean, short: number): FrameFault | null {
    const opcode = first & OPCODE;
    const is_control = (opcode & CONTROL) !== 0;
    const is_under_way = this.#message_opcode !== 0;
    if ((first & RESERVED) !== 0) return wrong("a reserved bit is set");
    if (is_masked) return wrong("a server's frame is masked");
    if (is_control) {
      if (opcode > PONG) return wrong("an unknown opcode");
      if ((first & FIN) === 0 || short > CONTROL_MAX_BYTES) return wrong("a control frame in pieces");
      return null;
    }
    if (opcode > BINARY) return wrong("an unknown opcode");
    if ((opcode === CONTINUATION) !== is_under_way) return wrong("a frame out of its order");
    return null;
  }

  #endFrame(listener: FrameListener): FrameFault | null {
    const opcode = this.#opcode;
    if ((opcode & CONTROL) === 0) {
      if (!this.#is_last) return null;
      const is_text = this.#message_opcode === TEXT;
      const payload = joined(this.#parts);
      this.#message_opcode = 0;
      this.#parts = [];
      this.#bytes = 0;
      listener.onMessage(is_text, payload);
      return null;
    }
    const payload = joined(this.#control);
    this.#control = [];
    if (opcode === PING) listener.onPing(payload);
    else if (opcode === PONG) listener.onPong();
    else if (opcode === CLOSE) return this.#close(payload, listener);
    return null;
  }

  #close(payload: Uint8Array, listener: FrameListener): FrameFault | null {
    if (payload.length === 1) return wrong("a close frame of one byte");
    this.#is_over = true;
    if (payload.length === 0) {
      listener.onClose(CLOSE_CODES.none, "");
      return null;
    }
    const code = (payload[0]! << 8) | payload[1]!;
    if (!isSendable(code)) return wrong("a close code that is never sent");
    listener.onClose(code, Buffer.prototype.utf8Slice.call(payload, 2, payload.length));
    return null;
  }
}

/** Whether a close frame may carry a code (RFC 6455, 7.4). */
export function isSendable(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

function wrong(reason: string): FrameFault {
  return { code: CLOSE_CODES.protocol_error, reason };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 0) return EMPTY;
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** A message in one frame, masked as a client must (RFC 6455, 5.3). */
export function messageFrame(is_text: boolean, payload: Uint8Array): Uint8Array {
  return frame(is_text ? TEXT : BINARY, payload);
}

/** The answer to a ping. */
export function pongFrame(payload: Uint8Array): Uint8Array {
  return frame(PONG, payload);
}

/** A question whether the other side is there. */
export function pingFrame(): Uint8Array {
  return frame(PING, EMPTY);
}

/** The end, with its reason as far as that fits; a code that is never sent makes a frame without one. */
export function closeFrame(code: number, reason: string): Uint8Array {
  if (!isSendable(code)) return frame(CLOSE, EMPTY);
  const text = Buffer.from(shortReason(reason));
  return frame(CLOSE, Buffer.concat([Uint8Array.of(code >> 8, code & 0xff), text]));
}

/** A reason of at most 123 bytes, which is what a close frame has room for, cut between characters. */
export function shortReason(reason: string): string {
  let bytes = 0;
  let short = "";
  for (const character of reason.toWellFormed()) {
    bytes += Buffer.byteLength(character);
    if (bytes > CONTROL_MAX_BYTES - 2) break;
    short += character;
  }
  return short;
}

/** The payload lies on a multiple of four, so that four bytes are masked at once. */
function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const head_bytes = (length > 0xffff ? 10 : length > CONTROL_MAX_BYTES ? 4 : 2) + 4;
  const start = (4 - (head_bytes % 4)) % 4;
  const body = start + head_bytes;
  const bytes = Buffer.from(new ArrayBuffer(body + Math.ceil(length / 4) * 4));
  bytes[start] = FIN | opcode;
  if (length > 0xffff) {
    bytes[start + 1] = MASKED | LENGTH_64;
    bytes.writeBigUInt64BE(BigInt(length), start + 2);
  } else if (length > CONTROL_MAX_BYTES) {
    bytes[start + 1] = MASKED | LENGTH_16;
    bytes.writeUInt16BE(length, start + 2);
  } else {
    bytes[start + 1] = MASKED | length;
  }
  const mask = bytes.subarray(body - 4, body);
  crypto.getRandomValues(mask);
  bytes.set(payload, body);
  const words = new Int32Array(bytes.buffer, body);
  const word = new Int32Array(bytes.buffer, body - 4, 1)[0]!;
  for (let index = 0; index < words.length; index++) words[index]! ^= word;
  return bytes.subarray(start, body + length);
}
