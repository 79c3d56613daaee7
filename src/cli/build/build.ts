// `venturi build`: one file that is the whole program, for this machine or for another.

import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { IS_EXECUTABLE, partPath } from "../../program/parts.ts";
import { FLAG, HELP, parseFlags, voiceOf } from "../command_line.ts";
import { hostFiles, hostTarget, installFor, TARGETS } from "./targets.ts";

const NAMES = TARGETS.map(({ name }) => name).join(", ");
const USAGE = `usage: venturi build [--target NAME] [--output FILE]
makes one executable with everything in it, dist/venturi: for this machine, or for one of ${NAMES}`;
const { help, misuse, failed } = voiceOf("build", USAGE);

/** Runs it. Returns the exit code: 0, 1 where it could not be made, 2 for misuse. */
export async function build(args: readonly string[]): Promise<number> {
  const output = { type: "string", short: "o" } as const;
  const parsed = parseFlags(args, { options: { target: FLAG, output, help: HELP } });
  if (typeof parsed === "string") return misuse(parsed);
  const { values } = parsed;
  if (values.help === true) return help();
  if (IS_EXECUTABLE)
    return failed("this is the executable; it is made from the sources, by npx venturi build");
  const host = hostTarget();
  const target = values.target === undefined ? host : TARGETS.find(({ name }) => name === values.target);
  if (target === undefined) return misuse(`there is no target ${values.target}; there are ${NAMES}`);
  if (target === null) return failed(`no executable can be made for this machine; there are ${NAMES}`);

  const project = partPath("");
  const is_host = target === host;
  const folder = join(project, "dist", "packages", target.name);
  mkdirSync(folder, { recursive: true });
  const files = is_host ? hostFiles(target, project) : await installFor(target, project, folder);
  if ("fault" in files) return failed(`none can be made for ${target.name}: ${files.fault}`);
  // What makes it is loaded when it is clear that something is made.
  const { findParts } = await import("./parts.ts");
  const { bundle } = await import("./bundle.ts");
  const name = is_host ? "venturi" : `venturi-${target.name}`;
  const outfile = resolve(values.output ?? join(project, "dist", name));
  try {
    const { found, missing } = await findParts(target, files, { project, folder, is_host });
    for (const what of missing) console.error(`venturi build: without ${what}`);
    await bundle({ project, target, runtime: files.runtime, parts: found }, outfile);
  } catch (error) {
    return failed(messagesOf(error).join("\n"));
  }
  console.log(`${outfile}: ${(statSync(outfile).size / 1e6).toFixed(1)} MB for ${target.name}`);
  return 0;
}

function messagesOf(error: unknown): string[] {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(messagesOf);
  return [error instanceof Error ? error.message : String(error)];
}
