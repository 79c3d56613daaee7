// Makes a server accept on a socket that listens already, as a service manager hands it over: Bun.serve opens sockets of its own only.
// The server is opened anywhere else, and the socket is put in the place of its listening one: under the same descriptor (`dup2`), and
// in the event loop with what the loop knew of the one before. Both are read from /proc, so nothing is assumed of the runtime but that it
// waits by epoll.

import { dlopen, ptr } from "bun:ffi";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { libcName } from "../program/libc.ts";

/** From Linux' include/uapi/linux/eventpoll.h; the last, that one of the processes that wait for a socket is woken, not all. */
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLEXCLUSIVE = 0x1000_0000;
/** From Linux' include/uapi/asm-generic/fcntl.h. */
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
/** `struct epoll_event` is packed on x86-64 alone. */
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const EVENT_DATA_AT = process.arch === "x64" ? 4 : 8;

/** An entry of an event loop: which loop, what it waits for, and what it knows the descriptor by. */
interface Registration {
  readonly loop: number;
  readonly events: number;
  readonly data: bigint;
}

/**
 * Lets a server's listening socket be another.
 * @param descriptor of a socket that listens
 * @param listeners the server's own, as `listenersOf` gives them
 * @returns in words why it cannot be; null where it is so
 */
export function adoptListener(descriptor: number, listeners: ReadonlyMap<number, string>): string | null {
  if (process.platform !== "linux") return "this is possible on Linux only";
  const [own, ...more] = listeners.keys();
  if (own === undefined || more.length > 0) return "the server's own socket is not found in /proc";
  const registration = registrationOf(own);
  if (registration === null) return "the server's event loop is not found in /proc";
  const libc = dlopen(libcName(), {
    dup2: { args: ["i32", "i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  });
  const { dup2, fcntl, epoll_ctl } = libc.symbols;
  try {
    const flags = fcntl(descriptor, F_GETFL, 0);
    if (flags < 0) return `descriptor ${descriptor} is not open`;
    // Else the loop would stand still in `accept` once nobody is waiting.
    if (fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return "it cannot be made non-blocking";
    if (dup2(descriptor, own) !== own) return "it cannot be duplicated";
    const event = epollEvent(registration);
    const is_added = epoll_ctl(registration.loop, EPOLL_CTL_ADD, own, ptr(event)) === 0;
    return is_added ? null : "the event loop does not take it";
  } finally {
    libc.close();
  }
}

/**
 * Makes this process accept no more on descriptors of a socket that stays open elsewhere; they are pointed at /dev/null, so that the
 * server can close them later. The loop has to be told: it drops a descriptor by itself only when the whole socket is closed, and until
 * then it would take wakings from those that do accept.
 * @returns false: not possible here
 */
export function leaveListeners(descriptors: readonly number[]): boolean {
  if (process.platform !== "linux") return false;
  const libc = dlopen(libcName(), {
    dup2: { args: ["i32", "i32"], returns: "i32" },
    epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  });
  const nowhere = openSync("/dev/null", "r");
  try {
    return descriptors.every((descriptor) => {
      const registration = registrationOf(descriptor);
      if (registration !== null) libc.symbols.epoll_ctl(registration.loop, EPOLL_CTL_DEL, descriptor, null);
      return libc.symbols.dup2(nowhere, descriptor) === descriptor;
    });
  } finally {
    closeSync(nowhere);
    libc.close();
  }
}

/** What the event loops of this process know of a descriptor (proc(5), fdinfo). */
function registrationOf(descriptor: number): Registration | null {
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`) !== "anon_inode:[eventpoll]") continue;
      for (const line of readFileSync(`/proc/self/fdinfo/${name}`, "utf8").split("\n")) {
        const [, target, events, data] =
          /^tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)\s+data:\s*([0-9a-f]+)/.exec(line) ?? [];
        if (Number(target) !== descriptor || events === undefined) continue;
        return { loop: Number(name), events: Number.parseInt(events, 16), data: BigInt(`0x${data}`) };
      }
    } catch {
      // It was closed meanwhile.
    }
  }
  return null;
}

function epollEvent({ events, data }: Registration): Uint8Array {
  const bytes = new Uint8Array(EVENT_BYTES);
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, events | EPOLLEXCLUSIVE, true);
  fields.setBigUint64(EVENT_DATA_AT, data, true);
  return bytes;
}
