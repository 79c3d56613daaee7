// Whether the host's clock can be relied on: budgets go by the day, requests to some providers are signed with the time, and
// certificates are judged by it.

import { dlopen, ptr } from "bun:ffi";
import { libcName } from "../../program/libc.ts";
import { bad, type Finding, ok } from "./finding.ts";

/** `struct timex` of 64-bit Linux (include/uapi/linux/timex.h), and where its fields are. */
const TIMEX_BYTES = 208;
const MAX_ERROR_AT = 24;
const STATUS_AT = 40;
/** Nobody keeps the clock right. */
const STA_UNSYNC = 0x40;
/** Providers refuse signatures that are off by five minutes; a clock that may be off by this much is not kept. */
const ERROR_MOST_US = 1_000_000;

/** The findings. */
export function checkClock(): Finding[] {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const now = new Date();
  const findings: Finding[] = [];
  const state = clockState();
  if (now.getUTCFullYear() < 2026)
    findings.push(
      bad("fail", "clock", now.toISOString(), "set the clock: certificates of providers are not valid yet"),
    );
  else if (state !== null) findings.push(synchronised(state));
  findings.push(ok("time zone", `${zone}; days and months of budgets and reports are UTC's`));
  return findings;
}

/** What the kernel says of its clock; null where it cannot be asked. */
function clockState(): { readonly status: number; readonly max_error_us: number } | null {
  if (process.platform !== "linux") return null;
  try {
    const libc = dlopen(libcName(), { adjtimex: { args: ["ptr"], returns: "i32" } });
    const timex = new Uint8Array(TIMEX_BYTES);
    const state = libc.symbols.adjtimex(ptr(timex));
    libc.close();
    const fields = new DataView(timex.buffer);
    if (state < 0) return null;
    return {
      status: fields.getInt32(STATUS_AT, true),
      max_error_us: Number(fields.getBigInt64(MAX_ERROR_AT, true)),
    };
  } catch {
    return null;
  }
}

/** Whether somebody keeps the clock right. */
export function synchronised(state: { readonly status: number; readonly max_error_us: number }): Finding {
  const { status, max_error_us } = state;
  const advice =
    "run a time service: systemd-timesyncd or chrony on the host (containers have the host's clock)";
  if ((status & STA_UNSYNC) !== 0) return bad("warn", "clock", "not synchronised", advice);
  const found = `synchronised, off by ${Math.ceil(max_error_us / 1_000)} ms at most`;
  return max_error_us > ERROR_MOST_US ? bad("warn", "clock", found, advice) : ok("clock", found);
}
