// Compiles the native part with whatever C++ compiler the machine has; plain JavaScript, because it runs at install.
// One call of the compiler and no build system: the whole of it takes about two seconds.

import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

const LEVELS = ["levels", "level_plain", "level_sse2", "level_avx2", "level_avx512", "level_neon"];
const kernelSources = (folder) => LEVELS.map((name) => join(folder, `${name}.cpp`));
const COMPILERS = ["c++", "g++", "clang++"];
const COMPILE_MS_MAX = 120_000;
const COMMON = ["-std=c++20", "-Wall", "-Wextra", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden"];

/** Where the addon is built to, and loaded from. */
export const ADDON = join(here, "build", "venturi.node");

/** The C++ compiler to use, or null: `$CXX`, else the first of the usual names that runs. */
export function findCompiler() {
  const names = process.env["CXX"] ? [process.env["CXX"]] : COMPILERS;
  return names.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0) ?? null;
}

/** Builds the addon of the sources in `folder`, where it is loaded from or to `output`. Returns null, or why it could not be built. An older addon is taken away then. */
export function compileAddon(compiler, output = ADDON, folder = here) {
  if (process.platform === "win32") return "there is no build for Windows";
  // It names no libraries of its own: its few functions of the C library are those of the program that loads it, be it glibc or musl.
  const [link, libraries] =
    process.platform === "darwin"
      ? [["-bundle", "-undefined", "dynamic_lookup"], []]
      : [["-shared", "-nodefaultlibs", "-Wl,-s"], ["-lgcc"]];
  const sources = [join(folder, "addon.cpp"), ...kernelSources(folder)];
  return compile(compiler, [...COMMON, "-O2", "-DNDEBUG", "-fPIC", ...link, ...sources, ...libraries], output);
}

/** Builds the test program (test/harness.cpp) with sanitizers to `output`. Returns null, or why it could not be built. */
export function compileHarness(compiler, output) {
  const checks = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
  return compile(compiler, [...COMMON, "-Werror", ...checks, join(here, "test", "harness.cpp"), ...kernelSources(here)], output);
}

/** Compiles beside `output` and moves it into place, so that nobody loads a half-written file. */
function compile(compiler, options, output) {
  mkdirSync(dirname(output), { recursive: true });
  const unfinished = `${output}.${process.pid}`;
  const { status, error, stderr } = spawnSync(compiler, [...options, "-o", unfinished], {
    encoding: "utf8",
    timeout: COMPILE_MS_MAX,
  });
  if (status !== 0) {
    rmSync(unfinished, { force: true });
    rmSync(output, { force: true });
    return error?.message ?? (stderr.trim().split("\n").slice(0, 20).join("\n") || `${compiler} failed`);
  }
  renameSync(unfinished, output);
  return null;
}
