// The process id in the data folder, for scripts that send signals.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes the file; gives what removes it again, unless another process has written its own since. Or in words why not. */
export function writePidFile(data: string): (() => void) | { readonly fault: string } {
  const path = join(data, "venturi.pid");
  const content = `${process.pid}\n`;
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    // Whoever reads it finds a number, the one before or this one.
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  } catch (error) {
    return { fault: `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}` };
  }
  return () => {
    try {
      if (readFileSync(path, "utf8") === content) rmSync(path);
    } catch {
      // Somebody has removed it already.
    }
  };
}
