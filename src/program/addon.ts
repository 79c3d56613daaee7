// Loads native addons. Those of the executable have no file that the system's loader could read: they are written into memory that has
// a descriptor, and loaded from there, so that nothing is unpacked on any disk.

import { dlopen, ptr } from "bun:ffi";
import { existsSync, readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { libcName } from "./libc.ts";
import { IS_EXECUTABLE, partPath } from "./parts.ts";

/** Addons of packages, as the executable holds them: where the package's own loader would find them. */
export type PackageAddon = "lmdb" | "msgpackr" | "hnswlib";

/** What C++ addons are linked with, in the order of loading, and a function that each has. A machine need not have them. */
const CXX_LIBRARIES = [
  ["libgcc_s.so.1", "_Unwind_DeleteException"],
  ["libstdc++.so.6", "__cxa_pure_virtual"],
] as const;

/** From Linux' include/uapi/linux/memfd.h: closed in processes that are started. */
const MFD_CLOEXEC = 1;

/** The addon that is built from `native/`. Throws where it was not built, or does not load. */
export function loadOwnAddon(): unknown {
  const path = partPath("native/build/venturi.node");
  return IS_EXECUTABLE ? loadHeld(path) : createRequire(import.meta.url)(path);
}

/** An addon of a package, in the executable. Throws where it is not held, or does not load. */
export function loadPackageAddon(name: PackageAddon): unknown {
  return loadHeld(partPath(`addons/${name}.node`));
}

function loadHeld(path: string): unknown {
  try {
    return openAddon(path);
  } catch (error) {
    if (!loadCxxLibraries()) throw error;
    return openAddon(path);
  }
}

function openAddon(path: string): unknown {
  const module = { exports: {} as unknown };
  // Where there is no such memory, the runtime writes it into the folder for temporary files.
  process.dlopen(module, memoryFile(path) ?? path);
  return module.exports;
}

let has_tried = false;

/** Loads the C++ library that the executable brings along, for machines without one. False: it brings none, or they are loaded. */
function loadCxxLibraries(): boolean {
  if (has_tried || process.platform !== "linux") return false;
  has_tried = true;
  return CXX_LIBRARIES.every(([name, symbol]) => {
    const path = partPath(`addons/${name}`);
    const file = existsSync(path) ? memoryFile(path) : null;
    if (file === null) return false;
    // Whatever is linked with a library of the name that stands in it gets it from now on.
    dlopen(file, { [symbol]: { args: [], returns: "void" } });
    return true;
  });
}

/**
 * The path of a copy of a part in memory; null where there is no such memory. Its descriptor stays open: the system's loader knows
 * libraries by their paths, and would take another one with the same number for it.
 */
function memoryFile(path: string): string | null {
  if (process.platform !== "linux") return null;
  const bytes = readFileSync(path);
  const libc = dlopen(libcName(), { memfd_create: { args: ["ptr", "u32"], returns: "i32" } });
  const name = Buffer.from(`${path.slice(path.lastIndexOf("/") + 1)}\0`);
  const descriptor = libc.symbols.memfd_create(ptr(name), MFD_CLOEXEC);
  if (descriptor < 0) return null;
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  return `/proc/self/fd/${descriptor}`;
}
