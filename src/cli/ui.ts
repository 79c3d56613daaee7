// `venturi ui`: a link that opens the dashboard once, for whoever may open the data folder of a gateway that runs.

import { openAdminOf } from "./admin_client.ts";
import { FLAG, HELP, parseFlags, voiceOf } from "./command_line.ts";

const USAGE = `usage: venturi ui [--data DIR]
prints a link that opens the dashboard; it can be used once, for five minutes`;
const { help, misuse, failed } = voiceOf("ui", USAGE);

/** Runs it. Returns the exit code: 0, 1 where there is no gateway to link to, 2 for misuse. */
export async function ui(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, { options: { data: FLAG, help: HELP } });
  if (typeof parsed === "string") return misuse(parsed);
  if (parsed.values.help === true) return help();
  const client = await openAdminOf(parsed.values.data);
  if ("fault" in client) return failed(`${client.fault}; start one with: venturi serve`);
  try {
    const { json, fault } = await client.ask("POST", "ui/link");
    if (fault !== null) return failed(fault);
    console.log((json as { readonly url: string }).url);
    return 0;
  } finally {
    await client.close();
  }
}
