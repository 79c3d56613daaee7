// What a service manager has and the runtime has not: a listening socket that can be handed over, and a datagram socket that hears
// how a service is doing. By the C library, as in the program itself.

import { dlopen, ptr } from "bun:ffi";
import { libcName } from "../../src/program/libc.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

function libc() {
  return dlopen(libcName(), {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    listen: { args: ["i32", "i32"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;
}

/** A socket that listens on a free port of 127.0.0.1, and that nobody accepts on yet. */
export class ListeningSocket {
  readonly #libc = libc();
  readonly descriptor: number;
  readonly port: number;

  constructor() {
    this.descriptor = this.#libc.socket(AF_INET, SOCK_STREAM, 0);
    const address = new Uint8Array(16);
    const fields = new DataView(address.buffer);
    fields.setUint16(0, AF_INET, true);
    address.set([127, 0, 0, 1], 4);
    const bound = this.#libc.bind(this.descriptor, ptr(address), address.length);
    const listens = this.#libc.listen(this.descriptor, 64);
    if (bound !== 0 || listens !== 0) throw new Error("no socket could be made");
    const length = Uint32Array.of(address.length);
    this.#libc.getsockname(this.descriptor, ptr(address), ptr(length));
    this.port = fields.getUint16(2);
  }

  close(): void {
    this.#libc.close(this.descriptor);
  }
}

/** The socket of a service manager's. */
export class NotifySocket {
  readonly #libc = libc();
  readonly #descriptor: number;
  /** What was heard, a message each. */
  readonly heard: string[] = [];

  constructor(path: string) {
    this.#descriptor = this.#libc.socket(AF_UNIX, SOCK_DGRAM, 0);
    const address = new Uint8Array(110);
    new DataView(address.buffer).setUint16(0, AF_UNIX, true);
    const { written } = new TextEncoder().encodeInto(path, address.subarray(2));
    if (this.#libc.bind(this.#descriptor, ptr(address), 3 + written) !== 0)
      throw new Error(`${path} cannot be bound`);
  }

  /** Whether anything that was heard until now is like this. */
  hasHeard(pattern: RegExp): boolean {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const length = Number(this.#libc.recv(this.#descriptor, ptr(bytes), bytes.length, MSG_DONTWAIT));
      if (length <= 0) break;
      this.heard.push(new TextDecoder().decode(bytes.subarray(0, length)));
    }
    return this.heard.some((message) => pattern.test(message));
  }

  close(): void {
    this.#libc.close(this.#descriptor);
  }
}
