// `venturi content`: how much is kept of prompts and answers, and its removal, as those who ask for the deletion of their data need it.
// It asks the gateway that runs on the data folder, or looks into the folder itself.

import { type AdminClient, openAdminOf } from "./admin_client.ts";
import { FLAG, parseFlags, SWITCH, voiceOf } from "./command_line.ts";
import { showCount } from "./table.ts";

const USAGE = `usage: venturi content [--json]
       venturi content delete [--id ID] [--tenant T [--user U]] [--before 7d] [--all]
all of them: [--data DIR]; by default what venturi.yaml names as data, else ./data
What a call said is shown by: venturi logs --request ID --content`;
const { help, misuse, failed } = voiceOf("content", USAGE);

const MIB = 1024 * 1024;

interface Flags {
  readonly json?: boolean | undefined;
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  readonly user?: string | undefined;
  readonly before?: string | undefined;
  readonly all?: boolean | undefined;
  readonly data?: string | undefined;
}

/** Runs it. Returns the exit code: 0, 1 where it could not be done, 2 for misuse. */
export async function content(args: readonly string[]): Promise<number> {
  const is_delete = args[0] === "delete";
  const rest = is_delete ? args.slice(1) : args;
  if (["help", "--help", "-h"].includes(rest[0] ?? "")) return help();
  const flags = readFlags(rest);
  if (typeof flags === "string") return misuse(flags);
  const { json = false, id, tenant, user, before, all = false, data: named } = flags;
  const filter = { tenant, user, before, ...(all ? { all: "true" } : {}) };
  const says_what = [id, ...Object.values(filter)].some((one) => one !== undefined);
  if (is_delete !== says_what) return misuse(is_delete ? "say what to delete" : "only delete takes filters");
  if (id !== undefined && Object.values(filter).some((one) => one !== undefined))
    return misuse("an --id needs nothing else");
  const client = await openAdminOf(named);
  if ("fault" in client) return failed(client.fault);
  try {
    return is_delete ? await remove(client, id, filter) : await tell(client, json);
  } finally {
    await client.close();
  }
}

function readFlags(args: readonly string[]): Flags | string {
  const options = {
    ...{ id: FLAG, tenant: FLAG, user: FLAG, before: FLAG, data: FLAG, json: SWITCH, all: SWITCH },
  };
  const parsed = parseFlags(args, { options });
  return typeof parsed === "string" ? parsed : { ...parsed.values };
}

async function remove(
  client: AdminClient,
  id: string | undefined,
  filter: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const given = Object.entries(filter).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const path =
    id === undefined ? `content?${new URLSearchParams(given)}` : `calls/${encodeURIComponent(id)}/content`;
  const { json, fault } = await client.ask("DELETE", path);
  if (fault !== null) return failed(fault);
  const { removed } = json as { readonly removed: number };
  console.log(`what ${showCount(removed)} ${removed === 1 ? "call" : "calls"} said is deleted`);
  return 0;
}

/** What the admin API tells; see `/admin/v1/content`. */
interface Told {
  readonly store: "on" | "off" | null;
  readonly retention_days: number | null;
  readonly max_bytes: number | null;
  readonly calls: number;
  readonly bytes: number;
  readonly oldest: string | null;
}

async function tell(client: AdminClient, is_json: boolean): Promise<number> {
  const { json, fault } = await client.ask("GET", "content");
  if (fault !== null) return failed(fault);
  if (is_json) {
    console.log(JSON.stringify(json));
    return 0;
  }
  const { store, retention_days, max_bytes, calls, bytes, oldest } = json as Told;
  const bound = max_bytes === null ? "" : ` of ${showCount(max_bytes / MIB)} at most`;
  const lines = [
    `store      ${store ?? "no gateway runs on this folder"}`,
    ...(retention_days === null ? [] : [`kept for   ${retention_days} days`]),
    `calls      ${showCount(calls)}${oldest === null ? "" : `, the oldest of ${oldest}`}`,
    `MiB        ${(bytes / MIB).toFixed(1)}${bound}`,
    ...(store === "off" ? ["to keep what calls say: telemetry: { content: { store: on } }"] : []),
  ];
  console.log(lines.join("\n"));
  return 0;
}
