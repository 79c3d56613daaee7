// The frames of WebSockets as RFC 6455 has them, case by case as the Autobahn test suite numbers them: lengths, pings, reserved bits and
// opcodes, fragments, UTF-8, closing.

import net from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { rig } from "../gateway/harness.ts";

const room = rig();
const WAIT_MAX_MS = 5_000;

const CONTINUATION = 0x0;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

interface FrameOptions {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
}

/** A client's frame. */
function frame(opcode: number, payload: Uint8Array | string = "", options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = options;
  const bytes = Buffer.from(payload as string);
  const length = bytes.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask_bit = masked ? 0x80 : 0;
  if (length < 126) head.push(mask_bit | length);
  else if (length < 65_536) head.push(mask_bit | 126, length >> 8, length & 255);
  else
    head.push(
      mask_bit | 127,
      0,
      0,
      0,
      0,
      (length >>> 24) & 255,
      (length >> 16) & 255,
      (length >> 8) & 255,
      length & 255,
    );
  if (!masked) return Buffer.concat([Buffer.from(head), bytes]);
  const hidden = bytes.map((byte, index) => byte ^ MASK[index & 3]!);
  return Buffer.concat([Buffer.from(head), MASK, hidden]);
}

function closeFrame(code: number, reason: Uint8Array | string = ""): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([payload, Buffer.from(reason as string)]));
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A connection that has become a WebSocket, byte by byte. */
class RawSocket {
  readonly frames: Frame[] = [];
  is_gone = false;
  readonly #socket: net.Socket;
  #rest = Buffer.alloc(0);
  #is_open = false;
  #wake: (() => void)[] = [];

  constructor(port: number) {
    this.#socket = net.connect(port, "127.0.0.1", () => {
      this.#socket.write(
        `GET /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n`,
      );
    });
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.is_gone = true;
      this.#look();
    });
  }

  async opened(): Promise<this> {
    await this.until(() => this.#is_open);
    return this;
  }

  send(...parts: Uint8Array[]): void {
    for (const part of parts) this.#socket.write(part);
  }

  /** Waits for what arrives. */
  until(isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`it did not come; there are ${this.frames.length} frames`)),
        WAIT_MAX_MS,
      );
      const look = () => {
        if (!isSo()) {
          this.#wake.push(look);
          return;
        }
        clearTimeout(late);
        resolve();
      };
      this.#wake.push(look);
    });
  }

  async frame(index: number): Promise<Frame> {
    await this.until(() => this.frames.length > index || this.is_gone);
    const found = this.frames[index];
    if (found === undefined) throw new Error("the connection is gone");
    return found;
  }

  /** How it ends: the code of a close frame, or `dropped`. */
  async end(): Promise<number | "dropped"> {
    await this.until(() => this.is_gone || this.frames.some(({ opcode }) => opcode === CLOSE));
    const close = this.frames.find(({ opcode }) => opcode === CLOSE);
    if (close === undefined) return "dropped";
    return close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #look(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const look of waiting) look();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#is_open) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!this.#rest.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(this.#rest.toString());
      this.#is_open = true;
      this.#rest = this.#rest.subarray(end + 4);
    }
    for (;;) {
      if (this.#rest.length < 2) break;
      let length = this.#rest[1]! & 0x7f;
      let at = 2;
      if (length === 126) {
        if (this.#rest.length < 4) break;
        length = this.#rest.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (this.#rest.length < 10) break;
        length = Number(this.#rest.readBigUInt64BE(2));
        at = 10;
      }
      if (this.#rest.length < at + length) break;
      this.frames.push({ opcode: this.#rest[0]! & 15, payload: this.#rest.subarray(at, at + length) });
      this.#rest = this.#rest.subarray(at + length);
    }
    this.#look();
  }
}

const CONFIG = "listen: { websocket: { max_message_bytes: 4194304 } }";
const open_sockets: RawSocket[] = [];
afterAll(() => {
  for (const socket of open_sockets) socket.destroy();
});

async function open(): Promise<RawSocket> {
  const socket = new RawSocket(room.gateway(CONFIG).port);
  open_sockets.push(socket);
  return socket.opened();
}

/** A message that is answered with an error that repeats its id. */
const asking = (id: string) => JSON.stringify({ id, body: { model: "nowhere/nothing", messages: [] } });

async function answeredId(socket: RawSocket, index = 0): Promise<unknown> {
  const { payload } = await socket.frame(index);
  return (JSON.parse(payload.toString()) as { id?: unknown }).id;
}

/** Ids may be so long. */
const ID_MAX = 128;

describe("1, 9: lengths", () => {
  test.each([0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_048_576])(
    "a message with %i bytes beside the rest",
    async (size) => {
      const socket = await open();
      socket.send(frame(TEXT, asking("here").replace("{", `{"padding":"${"*".repeat(size)}",`)));
      expect(await answeredId(socket)).toBe("here");
    },
  );

  test("octet by octet", async () => {
    const socket = await open();
    for (const byte of frame(TEXT, asking("drip"))) socket.send(Uint8Array.of(byte));
    expect(await answeredId(socket)).toBe("drip");
  });

  test("longer than it may be: 1009", async () => {
    const socket = await open();
    socket.send(frame(TEXT, "x".repeat(4_194_305)));
    expect([1009, "dropped"]).toContain(await socket.end());
  });
});

describe("2: pings", () => {
  test.each([0, 1, 125])("of %i bytes are answered with the same", async (size) => {
    const socket = await open();
    const payload = Buffer.alloc(size, 0xfe);
    socket.send(frame(PING, payload));
    expect(await socket.frame(0)).toEqual({ opcode: PONG, payload });
  });

  test("ten at once, in order", async () => {
    const socket = await open();
    socket.send(...Array.from({ length: 10 }, (_, index) => frame(PING, `ping ${index}`)));
    for (let index = 0; index < 10; index++)
      expect((await socket.frame(index)).payload.toString()).toBe(`ping ${index}`);
  });

  test("pongs that nobody asked for are nothing", async () => {
    const socket = await open();
    socket.send(frame(PONG, "why"), frame(PING, "here?"));
    expect((await socket.frame(0)).payload.toString()).toBe("here?");
  });
});

/** What breaks the protocol: the connection ends, by 1002 or without a word. */
const BROKEN: [name: string, ...frames: Buffer[]][] = [
  ["2.5 a ping of 126 bytes", frame(PING, Buffer.alloc(126))],
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv): [string, Buffer] => [
    `3 reserved bits ${rsv.toString(2)}`,
    frame(TEXT, asking("a"), { rsv }),
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer] => [
    `4 opcode ${opcode}`,
    frame(opcode, "a"),
  ]),
  ["5.1 a ping in fragments", frame(PING, "a", { fin: false }), frame(CONTINUATION, "b")],
  ["5.2 a pong in fragments", frame(PONG, "a", { fin: false }), frame(CONTINUATION, "b")],
  ["5.9 a continuation of nothing", frame(CONTINUATION, "a")],
  ["5.18 a message within a message", frame(TEXT, "a", { fin: false }), frame(TEXT, "b")],
  ["7.3.2 a close with one byte", frame(CLOSE, "a")],
  ["7.3.6 a close of 126 bytes", frame(CLOSE, Buffer.alloc(126))],
  ["a frame without a mask", frame(TEXT, asking("a"), { masked: false })],
];

describe("what breaks the protocol ends the connection", () => {
  for (const [name, ...frames] of BROKEN)
    test(name, async () => {
      const socket = await open();
      socket.send(...frames, frame(TEXT, asking("behind")));
      expect([1002, 1006, "dropped"]).toContain(await socket.end());
      // Nothing behind it is heard.
      expect(socket.frames.filter(({ opcode }) => opcode === TEXT)).toEqual([]);
    });
});

describe("5, 10: fragments", () => {
  test("are one message, with pings between them", async () => {
    const socket = await open();
    const message = Buffer.from(asking("parts"));
    socket.send(
      frame(TEXT, message.subarray(0, 5), { fin: false }),
      frame(PING, "between"),
      frame(CONTINUATION, message.subarray(5, 9), { fin: false }),
      frame(CONTINUATION, "", { fin: false }),
      frame(CONTINUATION, message.subarray(9)),
    );
    expect(await socket.frame(0)).toEqual({ opcode: PONG, payload: Buffer.from("between") });
    expect(await answeredId(socket, 1)).toBe("parts");
  });

  test("65,536 bytes in fragments of 1,300", async () => {
    const socket = await open();
    const message = Buffer.from(asking("many").replace("{", `{"padding":"${"*".repeat(65_536)}",`));
    for (let at = 0; at < message.length; at += 1300) {
      const fin = at + 1300 >= message.length;
      socket.send(frame(at === 0 ? TEXT : CONTINUATION, message.subarray(at, at + 1300), { fin }));
    }
    expect(await answeredId(socket)).toBe("many");
  });
});

describe("6: UTF-8", () => {
  test("characters over the ends of fragments", async () => {
    const id = "Hello-µ@ßöäüàá-𐍈".slice(0, ID_MAX);
    const message = Buffer.from(asking(id));
    const socket = await open();
    const frames = [...message].map((byte, index) =>
      frame(index === 0 ? TEXT : CONTINUATION, Uint8Array.of(byte), { fin: index === message.length - 1 }),
    );
    socket.send(...frames);
    expect(await answeredId(socket)).toBe(id);
  });

  test.each([
    ["a lone continuation", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["cut at its end", [0xce]],
    ["0xfe", [0xfe]],
  ])("that is none ends the connection by 1007: %s", async (_, bytes) => {
    const socket = await open();
    socket.send(frame(TEXT, Uint8Array.from(bytes)));
    expect([1007, "dropped"]).toContain(await socket.end());
  });
});

describe("7: closing", () => {
  test("without a code, and with one", async () => {
    const without = await open();
    without.send(frame(CLOSE));
    expect([1000, 1005]).toContain(await without.end());
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
      const socket = await open();
      socket.send(closeFrame(code, "so"));
      expect(await socket.end()).toBe(code);
    }
  });

  test("what comes behind it is not heard", async () => {
    const socket = await open();
    socket.send(closeFrame(1000), frame(TEXT, asking("late")), frame(PING, "late"));
    expect(await socket.end()).toBe(1000);
    expect(socket.frames.filter(({ opcode }) => opcode !== CLOSE)).toEqual([]);
  });

  test("codes that may not be sent, and reasons that are no UTF-8", async () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]) {
      const socket = await open();
      socket.send(closeFrame(code));
      expect([code, await socket.end()]).toEqual([code, 1002]);
    }
    const socket = await open();
    socket.send(closeFrame(1000, Uint8Array.of(0xce, 0xba, 0xff)));
    expect(await socket.end()).toBe(1007);
  });
});
