// Which C library this process runs with, for those few of its functions that the runtime has not.

import { readFileSync } from "node:fs";

/** The name of the library's file, as `dlopen` takes it. */
export function libcName(): string {
  if (process.platform === "darwin") return "libSystem.B.dylib";
  let maps = "";
  try {
    maps = readFileSync("/proc/self/maps", "utf8");
  } catch {
    // Without /proc it is taken for the usual one.
  }
  return /\/(ld-musl-[^/\s]+\.so\.1)/.exec(maps)?.[1] ?? "libc.so.6";
}
