// `venturi drill`: makes a provider fail for a while, in all processes and without sending it anything, so that fallbacks can be
// rehearsed. It ends by itself.

import { type AdminClient, openAdminOf } from "./admin_client.ts";
import { FLAG, parseFlags, voiceOf } from "./command_line.ts";

const USAGE = `usage: venturi drill --fail provider=NAME [--model M] [--status 503|timeout|cut] --for 60s
       venturi drill list [--format text|json]
       venturi drill stop [ID]
all of them: [--data DIR]; by default what venturi.yaml names as data, else ./data
A status is 408 or 500 to 599; timeout is a provider that cannot be reached, cut one that closes the connection without an answer.`;
const { help, misuse, failed } = voiceOf("drill", USAGE);

/** Runs it. Returns the exit code: 0, 1 where it could not be done, 2 for misuse. */
export async function drill(args: readonly string[]): Promise<number> {
  const [first = ""] = args;
  if (["help", "--help", "-h"].includes(first)) return help();
  const flags = readFlags(args);
  if (typeof flags === "string") return misuse(flags);
  const { words, fail, model, status, data: named, format = "text", for: duration } = flags;
  const [word, id, ...more] = words;
  if (format !== "text" && format !== "json") return misuse(`--format must be text or json, not "${format}"`);
  const provider = fail?.startsWith("provider=") ? fail.slice("provider=".length) : null;
  if (word === undefined) {
    if (fail === undefined) return misuse("say what is to fail");
    if (provider === null || provider === "") return misuse(`--fail must be provider=NAME, not "${fail}"`);
    if (duration === undefined) return misuse("say for how long, such as --for 60s");
  } else if ((word !== "list" && word !== "stop") || more.length > 0 || (word === "list" && id !== undefined))
    return misuse(`there is no "${words.join(" ")}"`);
  const client = await openAdminOf(named);
  if ("fault" in client) return failed(client.fault);
  try {
    if (word === "list") return await list(client, format);
    if (word === "stop") return await stop(client, id);
    return await begin(client, { provider, model, status, for: duration });
  } finally {
    await client.close();
  }
}

interface Flags {
  readonly words: readonly string[];
  readonly fail?: string;
  readonly model?: string;
  readonly status?: string;
  readonly for?: string;
  readonly format?: string;
  readonly data?: string;
}

function readFlags(args: readonly string[]): Flags | string {
  const options = { fail: FLAG, model: FLAG, status: FLAG, for: FLAG, format: FLAG, data: FLAG };
  const parsed = parseFlags(args, { options, allowPositionals: true });
  return typeof parsed === "string" ? parsed : { ...parsed.values, words: parsed.positionals };
}

/** A drill as the admin API tells it. */
interface ShownDrill {
  readonly id: string;
  readonly provider: string;
  readonly model: string | null;
  readonly failure: string;
  readonly end: string;
}

function lineOf({ id, provider, model, failure, end }: ShownDrill): string {
  return `${id}  ${model === null ? provider : `${provider}/${model}`}  ${failure}  until ${end}`;
}

async function begin(client: AdminClient, wish: Readonly<Record<string, unknown>>): Promise<number> {
  const { json, fault } = await client.ask("POST", "drills", wish);
  if (fault !== null) return failed(fault);
  console.log(lineOf(json as ShownDrill));
  return 0;
}

async function list(client: AdminClient, format: string): Promise<number> {
  const { json, fault } = await client.ask("GET", "drills");
  if (fault !== null) return failed(fault);
  const { data } = json as { readonly data: readonly ShownDrill[] };
  if (format === "json") console.log(JSON.stringify(data));
  else console.log(data.length === 0 ? "no drills" : data.map(lineOf).join("\n"));
  return 0;
}

async function stop(client: AdminClient, id: string | undefined): Promise<number> {
  const path = id === undefined ? "drills" : `drills/${encodeURIComponent(id)}`;
  const { json, fault } = await client.ask("DELETE", path);
  if (fault !== null) return failed(fault);
  const { data } = json as { readonly data: readonly ShownDrill[] };
  console.log(`${data.length} ${data.length === 1 ? "drill" : "drills"} ended`);
  return 0;
}
