// A listening socket that a service manager has opened and hands over (sd_listen_fds(3)). It stays open while the gateway is
// started again, so that whoever connects meanwhile waits instead of being refused; and it may have a port that the gateway's own user may not.

import { dlopen, ptr } from "bun:ffi";
import { PREDECESSOR_VARIABLE } from "../config/environment.ts";
import { libcName } from "../program/libc.ts";

/** The first descriptor that is handed over, SD_LISTEN_FDS_START. */
const FIRST_DESCRIPTOR = 3;
/** From Linux' include/uapi/asm-generic/socket.h and include/linux/socket.h. */
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const AF_INET = 2;
const AF_INET6 = 10;
/** The length of `struct sockaddr_in6`; the IPv4 one is shorter. */
const ADDRESS_BYTES = 28;

/** A socket that listens, and where. */
export interface InheritedSocket {
  readonly descriptor: number;
  readonly hostname: string;
  readonly port: number;
}

/**
 * The socket that this process was started with; null where there is none.
 * @param env LISTEN_PID and LISTEN_FDS of it
 */
export function inheritedSocket(
  env: Readonly<Record<string, string | undefined>>,
): InheritedSocket | null | { readonly fault: string } {
  // A predecessor hands on what was handed to it.
  const handed_to = [String(process.pid), env[PREDECESSOR_VARIABLE]];
  if (env["LISTEN_PID"] === undefined || !handed_to.includes(env["LISTEN_PID"])) return null;
  const count = Number(env["LISTEN_FDS"]);
  if (count === 0) return null;
  if (count !== 1)
    return { fault: `LISTEN_FDS is ${env["LISTEN_FDS"]}: one socket can be used (one ListenStream=)` };
  const address = addressOf(FIRST_DESCRIPTOR);
  return "fault" in address ? address : { descriptor: FIRST_DESCRIPTOR, ...address };
}

function addressOf(
  descriptor: number,
): { readonly hostname: string; readonly port: number } | { readonly fault: string } {
  const libc = dlopen(libcName(), {
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  });
  const { getsockname, getsockopt } = libc.symbols;
  try {
    const is_listening = new Int32Array(1);
    const option_bytes = Uint32Array.of(4);
    const asked = getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, ptr(is_listening), ptr(option_bytes));
    if (asked !== 0) return { fault: `descriptor ${descriptor} is no socket` };
    if (is_listening[0] !== 1)
      return { fault: "its socket does not listen (ListenStream= and Accept=no are needed)" };
    const address = new Uint8Array(ADDRESS_BYTES);
    const address_bytes = Uint32Array.of(ADDRESS_BYTES);
    const fault = { fault: "its socket is not one of TCP" };
    if (getsockname(descriptor, ptr(address), ptr(address_bytes)) !== 0) return fault;
    return readAddress(address) ?? fault;
  } finally {
    libc.close();
  }
}

/** A `struct sockaddr`; null for other families than IPv4 and IPv6. */
function readAddress(bytes: Uint8Array): { readonly hostname: string; readonly port: number } | null {
  const fields = new DataView(bytes.buffer);
  const port = fields.getUint16(2);
  switch (fields.getUint16(0, true)) {
    case AF_INET:
      return { hostname: bytes.subarray(4, 8).join("."), port };
    case AF_INET6: {
      const groups = Array.from({ length: 8 }, (_, group) => fields.getUint16(8 + group * 2).toString(16));
      // In the shortest form, as URLs have it.
      return { hostname: new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1), port };
    }
    default:
      return null;
  }
}
