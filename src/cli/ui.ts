// `venturi ui`: a link that opens the dashboard once, for whoever may open the data folder of a gateway that runs.

import { parseArgs } from "node:util";
import { openAdmin } from "./admin_client.ts";
import { findDataFolder } from "./data_folder.ts";

const USAGE = `usage: venturi ui [--data DIR]
prints a link that opens the dashboard; it can be used once, for five minutes`;

/** Runs it. Returns the exit code: 0, 1 where there is no gateway to link to, 2 for misuse. */
export async function ui(args: readonly string[]): Promise<number> {
  let named: string | undefined;
  try {
    const options = { data: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    if (values.help === true) {
      console.log(USAGE);
      return 0;
    }
    named = values.data;
  } catch (error) {
    console.error(`venturi ui: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const data = findDataFolder(named);
  if (typeof data !== "string") return failed(data.fault);
  const client = await openAdmin(data, false);
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

function failed(why: string): number {
  console.error(`venturi ui: ${why}`);
  return 1;
}
