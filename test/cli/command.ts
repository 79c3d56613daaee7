// A command as a person types it: the program in a process of its own, in a folder of its own, to its end.

import { resolve } from "node:path";

const MAIN = resolve(process.env["VENTURI_MAIN"] ?? resolve(import.meta.dirname, "../../src/main.ts"));

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `venturi …` in a folder. */
export async function venturi(folder: string, ...args: readonly string[]): Promise<Ran> {
  const process_ = Bun.spawn([process.execPath, MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(process_.stdout).text(),
    new Response(process_.stderr).text(),
    process_.exited,
  ]);
  return { code, stdout, stderr };
}
