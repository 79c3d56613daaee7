// Closing the listening socket without touching the connections, so that a stop under load cuts no call.
// `server.stop()` closes idle connections too, and under load a request may just have been sent on any of them: measured with
// 64 busy keep-alive connections, all 64 lost a call by `stop()` alone, none with the listener closed first.

import { dlopen, ptr } from "bun:ffi";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { libcName } from "../program/libc.ts";

/** States of a socket in /proc/net/tcp (Linux, include/net/tcp_states.h): TCP_SYN_RECV, TCP_LISTEN. */
const HANDSHAKE_STATE = "03";
const LISTEN_STATE = "0A";
/** TCP_ESTABLISHED, and TCP_CLOSE_WAIT, where the client has said its last word and may still hear. */
const OPEN_STATES = ["01", "08"];

/** From Linux' include/uapi/asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** How often it is looked whether connections still wait to be accepted, in milliseconds, and how many times at most. */
const LOOK_MS = 5;
const LOOKS_MAX = 50;

/** A row of /proc/net/tcp. */
interface SocketRow {
  readonly state: string;
  readonly local_port: number;
  /** Of a listening socket: connections that wait to be accepted. */
  readonly waiting: number;
  readonly inode: string;
}

function socketRows(): SocketRow[] {
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
    .flatMap((table) => readText(table).split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length > 9)
    .map((columns) => ({
      state: columns[3]!,
      local_port: Number.parseInt(columns[1]!.split(":")[1] ?? "", 16),
      waiting: Number.parseInt(columns[4]!.split(":")[1] ?? "", 16),
      inode: columns[9]!,
    }));
}

/** The sockets of this process that listen on a TCP port, as descriptor and inode; Linux only, elsewhere none. */
export function listenersOf(port: number): Map<number, string> {
  const inodes = new Set(
    socketRows()
      .filter((row) => row.state === LISTEN_STATE && row.local_port === port)
      .map((row) => row.inode),
  );
  const found = new Map<number, string>();
  if (inodes.size === 0) return found;
  for (const descriptor of readdirSync("/proc/self/fd")) {
    const inode = socketInode(descriptor);
    if (inodes.has(inode)) found.set(Number(descriptor), inode);
  }
  return found;
}

/**
 * Whether there are connections to the port, of other processes too. Where that cannot be known, it is true.
 */
export function hasConnections(port: number): boolean {
  const rows = socketRows();
  return rows.length === 0 || rows.some((row) => row.local_port === port && OPEN_STATES.includes(row.state));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function socketInode(descriptor: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1] ?? "";
  } catch {
    return "";
  }
}

/** What drops a packet that opens a connection (SYN without ACK) and passes every other, in Linux' classic BPF. */
const OPENING_FILTER = [
  // Load the flags' byte of the TCP header, mask SYN and ACK, compare with SYN: 0 drops, anything else passes.
  [0x30, 0, 0, 13],
  [0x54, 0, 0, 0x12],
  [0x15, 0, 1, 0x02],
  [0x06, 0, 0, 0],
  [0x06, 0, 0, 0xffff_ffff],
] as const;
/** Sizes of `struct sock_fprog` (64 bits) and of `struct sock_filter`, in bytes. */
const FPROG_BYTES = 16;
const FILTER_BYTES = 8;

/** A `struct sock_fprog` with its program right behind it. */
function openingFilter(): Uint8Array {
  const bytes = new Uint8Array(FPROG_BYTES + OPENING_FILTER.length * FILTER_BYTES);
  const fields = new DataView(bytes.buffer);
  fields.setUint16(0, OPENING_FILTER.length, true);
  fields.setBigUint64(8, BigInt(ptr(bytes)) + BigInt(FPROG_BYTES), true);
  for (const [index, [code, if_true, if_false, operand]] of OPENING_FILTER.entries()) {
    const at = FPROG_BYTES + index * FILTER_BYTES;
    fields.setUint16(at, code, true);
    fields.setUint8(at + 2, if_true);
    fields.setUint8(at + 3, if_false);
    fields.setUint32(at + 4, operand, true);
  }
  return bytes;
}

/** Waits, within a bound, until the server has accepted every connection that was opened. */
async function untilAccepted(port: number, listeners: ReadonlyMap<number, string>): Promise<void> {
  const inodes = new Set(listeners.values());
  let quiet_looks = 0;
  for (let look = 0; look < LOOKS_MAX && quiet_looks < 2; look++) {
    await Bun.sleep(LOOK_MS);
    const is_waiting = socketRows().some(
      (row) =>
        row.local_port === port &&
        (row.state === HANDSHAKE_STATE || (inodes.has(row.inode) && row.waiting > 0)),
    );
    quiet_looks = is_waiting ? 0 : quiet_looks + 1;
  }
}

/**
 * Makes this process listen on sockets of a port no more; connections stay. A connection that the kernel has opened and the server has
 * not accepted yet would be reset with its listener, and the call on it lost: first no more are opened (who tries in these milliseconds
 * tries again by itself, and finds another socket of the port or none), then those that wait are accepted. The descriptor is
 * pointed at /dev/null, so that the server, which goes on believing in it, can close it later.
 * @param listeners as `listenersOf` gives them; nobody else has these sockets
 * @returns false: not possible here, `server.stop()` has to do
 */
export async function closeListeners(port: number, listeners: ReadonlyMap<number, string>): Promise<boolean> {
  try {
    if (listeners.size === 0) return false;
    const libc = dlopen(libcName(), {
      dup2: { args: ["i32", "i32"], returns: "i32" },
      setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    });
    const { dup2, setsockopt } = libc.symbols;
    const descriptors = [...listeners.keys()];
    const filter = openingFilter();
    const is_filtered = descriptors.every(
      (descriptor) => setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, ptr(filter), FPROG_BYTES) === 0,
    );
    if (is_filtered) await untilAccepted(port, listeners);
    const nowhere = openSync("/dev/null", "r");
    const is_closed = descriptors.every((descriptor) => dup2(nowhere, descriptor) === descriptor);
    closeSync(nowhere);
    libc.close();
    return is_closed;
  } catch {
    return false;
  }
}
