// `venturi upgrade`: the gateway that runs is followed by another program, and no call notices.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openAdminOf } from "./admin_client.ts";
import { FLAG, HELP, parseFlags, voiceOf } from "./command_line.ts";

const USAGE = `usage: venturi upgrade [PROGRAM] [--data DIR]
lets PROGRAM (an executable, or the main.ts of sources) take over from the gateway that runs; without it, the one that lies by now
where that gateway was started from`;
/** A ledger of many millions of calls may have to be brought to another format. */
const UPGRADE_MAX_MS = 20 * 60_000;
const { help, misuse, failed } = voiceOf("upgrade", USAGE);

/** Runs it. Returns the exit code: 0, 1 where the old one goes on, 2 for misuse. */
export async function upgrade(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, { options: { data: FLAG, help: HELP }, allowPositionals: true });
  if (typeof parsed === "string") return misuse(parsed);
  const { values, positionals } = parsed;
  if (values.help === true) return help();
  if (positionals.length > 1) return misuse("one program can take over");
  const [program] = positionals;
  if (program !== undefined && !existsSync(program)) return failed(`there is no ${program}`);
  const client = await openAdminOf(values.data);
  if ("fault" in client) return failed(client.fault);
  try {
    const wish = program === undefined ? {} : { program: resolve(program) };
    const { json, fault } = await client.ask("POST", "upgrade", wish, UPGRADE_MAX_MS);
    if (fault !== null) return failed(fault);
    console.log(
      `process ${(json as { readonly pid: number }).pid} answers calls; the one before finishes its own`,
    );
    return 0;
  } finally {
    await client.close();
  }
}
