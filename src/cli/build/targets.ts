// What an executable can be made for, and where the parts of it are that differ: npm has them as packages of their own.

import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { libcName } from "../../program/libc.ts";

/** A system and a processor that an executable is made for. */
export interface Target {
  readonly name: string;
  /** As npm calls them. */
  readonly os: "linux" | "darwin";
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl" | null;
}

/** All that there are. */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", os: "linux", cpu: "x64", libc: "glibc" },
  { name: "linux-x64-musl", os: "linux", cpu: "x64", libc: "musl" },
  { name: "linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "linux-arm64-musl", os: "linux", cpu: "arm64", libc: "musl" },
  { name: "darwin-x64", os: "darwin", cpu: "x64", libc: null },
  { name: "darwin-arm64", os: "darwin", cpu: "arm64", libc: null },
];

/** The one that this machine is; null where it is none of them. */
export function hostTarget(): Target | null {
  const libc = process.platform !== "linux" ? null : libcName().includes("musl") ? "musl" : "glibc";
  return (
    TARGETS.find((one) => one.os === process.platform && one.cpu === process.arch && one.libc === libc) ??
    null
  );
}

/** The files of a target's packages. */
export interface PackageFiles {
  /** Bun for that target. */
  readonly runtime: string;
  readonly lmdb: string;
  readonly msgpackr: string;
  /** Null where it is not built. */
  readonly hnswlib: string | null;
}

/** Those of this machine's own packages. */
export function hostFiles(target: Target, project: string): PackageFiles {
  const hnswlib = join(project, "node_modules/hnswlib-node/build/Release/addon.node");
  return {
    ...packageFiles(target, project),
    runtime: process.execPath,
    hnswlib: existsSync(hnswlib) ? hnswlib : null,
  };
}

/**
 * Those of another target, which npm installs into a folder of their own: the very releases that the lock file names, with the checksums
 * that it has of them. In words, why it could not.
 */
export async function installFor(
  target: Target,
  project: string,
  folder: string,
): Promise<PackageFiles | { readonly fault: string }> {
  const known = packageFiles(target, folder);
  if (areThere(known)) return known;
  mkdirSync(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json"])
    copyFileSync(join(project, name), join(folder, name));
  const libc = target.libc === null ? [] : [`--libc=${target.libc}`];
  const flags = [`--os=${target.os}`, `--cpu=${target.cpu}`, ...libc, "--omit=dev", "--ignore-scripts"];
  const npm = Bun.spawn(["npm", "ci", ...flags, "--no-audit", "--no-fund"], {
    cwd: folder,
    stdout: "ignore",
    stderr: "pipe",
  });
  const [status, said] = await Promise.all([npm.exited, npm.stderr.text()]);
  if (status !== 0) return { fault: `npm could not install its packages: ${said.trim().split("\n").at(-1)}` };
  const files = packageFiles(target, folder);
  return areThere(files) ? files : { fault: "its packages lack parts that are needed" };
}

function packageFiles({ os, cpu, libc }: Target, folder: string): PackageFiles {
  const modules = join(folder, "node_modules");
  const runtime = ["bun", os, cpu === "arm64" ? "aarch64" : cpu, ...(libc === "musl" ? ["musl"] : [])].join(
    "-",
  );
  // Packages for macOS name a C library where there is no choice, or do not.
  const addons = libc === null ? ["node.napi.node", "node.napi.glibc.node"] : [`node.napi.${libc}.node`];
  const addonIn = (scope: string, name: string) => {
    const paths = addons.map((addon) => join(modules, scope, name, addon));
    return paths.find((path) => existsSync(path)) ?? paths[0]!;
  };
  return {
    runtime: join(modules, "@oven", runtime, "bin", "bun"),
    lmdb: addonIn("@lmdb", `lmdb-${os}-${cpu}`),
    msgpackr: addonIn("@msgpackr-extract", `msgpackr-extract-${os}-${cpu}`),
    hnswlib: null,
  };
}

function areThere(files: PackageFiles): boolean {
  return [files.runtime, files.lmdb, files.msgpackr].every((file) => existsSync(file));
}
