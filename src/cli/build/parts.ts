// The parts of an executable that are no modules, where they are for a target, and what it is without those that are not to be had.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compileAddon, findCompiler } from "../../../native/compile.js";
import { PREPARED_PRICES, storePackagePrices } from "../../ledger/prices/load.ts";
import type { PackageFiles, Target } from "./targets.ts";

/** Weights of models, by their paths in the project's folder. */
const WEIGHTS = [
  "models/embedder/venturi-embed.bin",
  "models/ner/venturi-names.bin",
  "models/injection/venturi-injection.bin",
];
const OWN_ADDON = "native/build/venturi.node";
/** What C++ addons need, and a machine may lack. */
const CXX_LIBRARIES = ["libstdc++.so.6", "libgcc_s.so.1"];
/** Compilers for Linux on other processors, as Debian names them. */
const CROSS_COMPILERS = { x64: "x86_64-linux-gnu-g++", arm64: "aarch64-linux-gnu-g++" } as const;

/** What there is, by the names that the executable knows them by, and in words what there is not. */
export interface Parts {
  readonly found: ReadonlyMap<string, string>;
  readonly missing: readonly string[];
}

/** Looks for them; what has to be compiled or written first goes into a folder. Throws where prices cannot be written. */
export async function findParts(
  target: Target,
  files: PackageFiles,
  {
    project,
    folder,
    is_host,
  }: { readonly project: string; readonly folder: string; readonly is_host: boolean },
): Promise<Parts> {
  const found = new Map<string, string>(WEIGHTS.map((path) => [path, join(project, path)]));
  found.set("addons/lmdb.node", files.lmdb);
  found.set("addons/msgpackr.node", files.msgpackr);
  const prices = join(folder, "prices.json");
  await preparePrices(prices);
  found.set(PREPARED_PRICES, prices);
  const missing: string[] = [];
  const add = (name: string, path: string | null, without: string) => {
    if (path !== null && existsSync(path)) found.set(name, path);
    else missing.push(without);
  };
  const cross = is_host || target.os !== "linux" ? null : crossCompiler(target);
  const own = is_host ? join(project, OWN_ADDON) : compiled(cross, project, folder);
  add(OWN_ADDON, own, "the native twins (no C++ compiler for it): TypeScript does their work, slower");
  add(
    "addons/hnswlib.node",
    files.hnswlib,
    "hnswlib (not built for it): similar requests are found by scanning",
  );
  if (target.os === "linux") {
    const places = is_host ? await loadedLibraries() : askedOf(target.libc === "glibc" ? cross : null);
    for (const name of CXX_LIBRARIES)
      add(`addons/${name}`, places.get(name) ?? null, `${name}: the machine must have its own`);
  }
  return { found, missing };
}

/** Writes the package's prices as gateway processes read them, so that no start has to make them of the package. Throws where it cannot. */
export async function preparePrices(path: string): Promise<void> {
  const stored = await storePackagePrices(path);
  if (!stored.ok) throw new Error(stored.fault);
}

/** A compiler for the target that runs here. The addon goes by no C library, so that the same is good for glibc and musl. */
function crossCompiler({ cpu }: Target): string | null {
  const name = CROSS_COMPILERS[cpu];
  if (spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0) return name;
  return cpu === process.arch && process.platform === "linux" ? findCompiler() : null;
}

function compiled(compiler: string | null, project: string, folder: string): string | null {
  if (compiler === null) return null;
  const output = join(folder, "venturi.node");
  rmSync(output, { force: true });
  return compileAddon(compiler, output, join(project, "native")) === null ? output : null;
}

/** Where the C++ library is that this process has loaded for LMDB. */
async function loadedLibraries(): Promise<Map<string, string>> {
  await import("../../memory/lmdb.ts");
  const places = new Map<string, string>();
  for (const [path] of readFileSync("/proc/self/maps", "utf8").matchAll(/\/[^\n]+\.so\.\d+[^\n]*/g)) {
    const name = CXX_LIBRARIES.find((one) => path.includes(`/${one}`));
    if (name !== undefined) places.set(name, path);
  }
  return places;
}

function askedOf(compiler: string | null): Map<string, string> {
  const places = new Map<string, string>();
  for (const name of compiler === null ? [] : CXX_LIBRARIES) {
    const { stdout } = spawnSync(compiler!, [`-print-file-name=${name}`], { encoding: "utf8" });
    places.set(name, (stdout ?? "").trim());
  }
  return places;
}
