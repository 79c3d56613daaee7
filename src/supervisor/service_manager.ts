// What a service manager hears of the gateway (sd_notify(3)): that it is ready, reloads, stops, and lives. A datagram to a socket that the
// environment names; where it names none, nobody is told.

import { dlopen, ptr } from "bun:ffi";
import { libcName } from "../program/libc.ts";

/** From Linux' include/linux/socket.h and bits/socket_type.h. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** The clock that a service manager counts by. */
const CLOCK_MONOTONIC = 1;
/** The most bytes of a socket's path in `struct sockaddr_un`. */
const PATH_MAX_BYTES = 107;

/** Whoever started this process and wants to hear of it. */
export interface ServiceManager {
  /** Calls are answered. */
  ready(status: string): void;
  /** Another configuration is being loaded; `ready` follows. */
  reloading(): void;
  /** Another process is the gateway from now on. */
  followedBy(pid: number): void;
  /** It ends, and takes this long at most. */
  stopping(within_ms: number): void;
}

const NOBODY: ServiceManager = { ready() {}, reloading() {}, followedBy() {}, stopping() {} };

/**
 * The service manager that the environment names.
 * @param env NOTIFY_SOCKET, and WATCHDOG_USEC with WATCHDOG_PID where it wants signs of life
 */
export function serviceManager(env: Readonly<Record<string, string | undefined>>): ServiceManager {
  const socket = env["NOTIFY_SOCKET"] ?? "";
  if (process.platform !== "linux" || !/^[/@]/.test(socket) || Buffer.byteLength(socket) > PATH_MAX_BYTES)
    return NOBODY;
  const tell = (...lines: string[]) => send(socket, lines.join("\n"));
  const watchdog_us = Number(env["WATCHDOG_USEC"] ?? 0);
  const is_watched = watchdog_us > 0 && (env["WATCHDOG_PID"] ?? String(process.pid)) === String(process.pid);
  // Twice as often as it has to be; as long as this process turns, it is well: it looks after the others.
  if (is_watched) setInterval(() => tell("WATCHDOG=1"), watchdog_us / 2_000).unref();
  return {
    ready: (status) => tell("READY=1", `MAINPID=${process.pid}`, `STATUS=${status}`),
    reloading: () => tell("RELOADING=1", `MONOTONIC_USEC=${monotonicMicroseconds()}`),
    followedBy: (pid) => tell(`MAINPID=${pid}`),
    stopping: (within_ms) =>
      tell("STOPPING=1", "STATUS=finishing the calls in flight", `EXTEND_TIMEOUT_USEC=${within_ms * 1_000}`),
  };
}

/** Sends a datagram to a socket of this machine: a path, or a name in the abstract namespace with a leading @. */
function send(socket: string, text: string): void {
  const libc = dlopen(libcName(), {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const address = new Uint8Array(2 + PATH_MAX_BYTES + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  const { written } = new TextEncoder().encodeInto(socket, address.subarray(2));
  const is_abstract = socket.startsWith("@");
  if (is_abstract) address[2] = 0;
  const bytes = new TextEncoder().encode(text);
  const descriptor = libc.symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // Nobody is there to hear that it did not arrive.
  libc.symbols.sendto(
    descriptor,
    ptr(bytes),
    bytes.length,
    MSG_NOSIGNAL,
    ptr(address),
    2 + written + (is_abstract ? 0 : 1),
  );
  libc.symbols.close(descriptor);
  libc.close();
}

function monotonicMicroseconds(): bigint {
  const libc = dlopen(libcName(), { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
  const time = new BigInt64Array(2);
  libc.symbols.clock_gettime(CLOCK_MONOTONIC, ptr(time));
  libc.close();
  return time[0]! * 1_000_000n + time[1]! / 1_000n;
}
