// `venturi build`: one file that is the whole program, for this machine or for another; or modules by which the sources start faster.

import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { IS_EXECUTABLE, partPath } from "../../program/parts.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "../command_line.ts";
import { hostFiles, hostTarget, installFor, TARGETS } from "./targets.ts";

const NAMES = TARGETS.map(({ name }) => name).join(", ");
const USAGE = `usage: venturi build [--target NAME] [--output FILE] | --modules
makes one executable with everything in it, dist/venturi: for this machine, or for one of ${NAMES}
--modules: bundles of the sources as they are now, dist/modules, by which they start faster; npm ci makes them too`;
const { help, misuse, failed } = voiceOf("build", USAGE);

/** Runs it. Returns the exit code: 0, 1 where it could not be made, 2 for misuse. */
export async function build(args: readonly string[]): Promise<number> {
  const output = { type: "string", short: "o" } as const;
  const parsed = parseFlags(args, { options: { target: FLAG, output, modules: SWITCH, help: HELP } });
  if (typeof parsed === "string") return misuse(parsed);
  const { values } = parsed;
  if (values.help === true) return help();
  if (IS_EXECUTABLE)
    return failed("this is the executable; it is made from the sources, by npx venturi build");
  const project = partPath("");
  if (values.modules === true) {
    if (values.target !== undefined || values.output !== undefined)
      return misuse("--modules are for this folder: --target and --output say nothing of them");
    return makeModules(project);
  }
  const host = hostTarget();
  const target = values.target === undefined ? host : TARGETS.find(({ name }) => name === values.target);
  if (target === undefined) return misuse(`there is no target ${values.target}; there are ${NAMES}`);
  if (target === null) return failed(`no executable can be made for this machine; there are ${NAMES}`);

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

async function makeModules(project: string): Promise<number> {
  const { bundleModules } = await import("./bundle.ts");
  try {
    console.log(await bundleModules(project));
    return 0;
  } catch (error) {
    return failed(messagesOf(error).join("\n"));
  }
}

function messagesOf(error: unknown): string[] {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(messagesOf);
  return [error instanceof Error ? error.message : String(error)];
}
