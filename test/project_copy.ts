// The project in another folder, whose sources a test may change: everything else is that of this one.

import { cpSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";

const PROJECT = resolve(import.meta.dirname, "..");

/** Copies it into a folder that is not there yet. */
export function copyProject(folder: string): void {
  mkdirSync(folder);
  cpSync(join(PROJECT, "src"), join(folder, "src"), { recursive: true });
  for (const name of ["node_modules", "models", "native", "package.json"])
    symlinkSync(realpathSync(join(PROJECT, name)), join(folder, name));
}
