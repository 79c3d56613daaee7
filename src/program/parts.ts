// What the program is made of beside its modules: weights, native addons, the files that threads run. From the sources they lie in the
// project's folder; the executable holds them under the same names, and no disk has them.

import { fileURLToPath, pathToFileURL } from "node:url";

/** Where an executable made by Bun sees what it holds. */
const HELD = "/$bunfs/root/";

/** Whether this is the executable, and not the sources. */
export const IS_EXECUTABLE = Bun.main.startsWith("/$bunfs/");

/** The folder of the modules that run, where they were made of the sources beforehand (`modules.ts`); whoever makes them writes it in. */
declare const VENTURI_MODULES: string | undefined;
const MODULES = typeof VENTURI_MODULES === "string" ? pathToFileURL(VENTURI_MODULES) : null;

const SOURCES = MODULES === null ? new URL("../", import.meta.url) : new URL("../../../src/", MODULES);

/** The path of a part of the program, by its path in the project's folder; where there is no such file, there is none of the path either. */
export function partPath(path: string): string {
  return IS_EXECUTABLE ? `${HELD}${path}` : fileURLToPath(new URL(`../${path}`, SOURCES));
}

/**
 * The path of what was written when the executable or the modules were made, by its path there; null where the sources run, and nothing was.
 */
export function preparedPath(path: string): string | null {
  if (IS_EXECUTABLE) return `${HELD}${path}`;
  return MODULES === null ? null : fileURLToPath(new URL(path, MODULES));
}

/** The file of a thread, by its path in `src`. */
export function threadUrl(path: string): URL {
  if (IS_EXECUTABLE) return new URL(`file://${HELD}${path}`);
  return MODULES === null ? new URL(path, SOURCES) : new URL(path.replace(/\.ts$/, ".js"), MODULES);
}

const PROGRAM: readonly string[] = IS_EXECUTABLE ? [process.execPath] : [process.execPath, Bun.main];

/**
 * The command that starts another program in this one's place, from its executable or the `main.ts` of its sources; null: the one that
 * lies where this one was started from, which by now may be another.
 */
export function programCommand(program: string | null): readonly string[] {
  if (program === null) return PROGRAM;
  return program.endsWith(".ts") && !IS_EXECUTABLE ? [process.execPath, program] : [program];
}

/** The command that starts this very program in another role. */
export function roleCommand(role: string): string[] {
  // The file that runs, even if another one has taken its name.
  const is_held = IS_EXECUTABLE && process.platform === "linux";
  return [...(is_held ? ["/proc/self/exe"] : PROGRAM), role];
}
