// `venturi keys`: the stored keys of clients. A new key's secret is alone on standard output, so that a script can take it;
// everything that is said to a person goes to standard error.

import type { KeyView } from "../console/key_view.ts";
import { type AdminClient, openAdminOf } from "./admin_client.ts";
import { FLAG, parseFlags, voiceOf } from "./command_line.ts";
import { keyBody, LIMIT_FLAGS } from "./key_flags.ts";
import { keyTable } from "./key_table.ts";

const USAGE = `usage: venturi keys create --name N [--tenant T] [--team T] [--tier T] [--models a,b] [--expires 30d|DATE] [--note TEXT]
                           [--rpm N] [--tpm N] [--concurrency N] [--usd-per-day N] [--usd-per-month N]
                           [--requests-per-hour N] [--requests-per-day N] [--tokens-per-hour N] [--tokens-per-day N]
       venturi keys list [--format table|json]
       venturi keys revoke NAME|ID
       venturi keys rotate NAME|ID [--overlap 24h]
all of them: [--data DIR]; by default what venturi.yaml names as data, else ./data`;
const { help, misuse, failed } = voiceOf("keys", USAGE);

/** The answer to a new key or secret. */
type Issued = KeyView & { readonly key: string; readonly first: boolean };

type Values = Readonly<Record<string, string | undefined>>;

interface Action {
  readonly flags: readonly string[];
  /** Whether a name or id is needed. */
  readonly has_subject: boolean;
  run(client: AdminClient, values: Values, subject: string): Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  create: {
    flags: ["name", "tenant", "team", "tier", "models", "expires", "note", ...LIMIT_FLAGS],
    has_subject: false,
    run: create,
  },
  list: { flags: ["format"], has_subject: false, run: list },
  revoke: { flags: [], has_subject: true, run: revoke },
  rotate: { flags: ["overlap"], has_subject: true, run: rotate },
};

/** Runs it. Returns the exit code: 0, 1 where it could not be done, 2 for misuse. */
export async function keys(args: readonly string[]): Promise<number> {
  const [word = "", ...rest] = args;
  if (["help", "--help", "-h"].includes(word)) return help();
  const action = ACTIONS[word];
  if (action === undefined) return misuse(word === "" ? "say what to do" : `there is no "${word}"`);
  const flags = readFlags(rest, action);
  if (typeof flags === "string") return misuse(flags);
  const { values, subject } = flags;
  const client = await openAdminOf(values["data"], word === "create");
  if ("fault" in client) return failed(client.fault);
  try {
    return await action.run(client, values, subject);
  } finally {
    await client.close();
  }
}

function readFlags(
  args: readonly string[],
  { flags, has_subject }: Action,
): { readonly values: Values; readonly subject: string } | string {
  const options = Object.fromEntries([...flags, "data"].map((name) => [name, FLAG] as const));
  const parsed = parseFlags(args, { options, allowPositionals: true });
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  if (positionals.length !== (has_subject ? 1 : 0))
    return has_subject ? "name one key, by its name or id" : `what is "${positionals[0]}"?`;
  return { values: values as Values, subject: positionals[0] ?? "" };
}

async function create(client: AdminClient, values: Values): Promise<number> {
  const body = keyBody(values);
  if (typeof body === "string") return misuse(body);
  const { json, fault } = await client.ask("POST", "keys", body);
  if (fault !== null) return failed(fault);
  const issued = json as Issued;
  console.log(issued.key);
  console.error(`created ${issued.name} (${issued.id}) of tenant ${issued.tenant}`);
  console.error("keep the key now: only its hash is stored, and it cannot be shown again");
  if (issued.first) console.error("it is the first one: from now on every client needs a key");
  return 0;
}

async function list(client: AdminClient, values: Values): Promise<number> {
  const format = values["format"] ?? "table";
  if (format !== "table" && format !== "json")
    return misuse(`--format must be table or json, not "${format}"`);
  const all: KeyView[] = [];
  for (let after = ""; ; ) {
    const { json, fault } = await client.ask("GET", `keys${after === "" ? "" : `?after=${after}`}`);
    if (fault !== null) return failed(fault);
    const { data, has_more } = json as { readonly data: readonly KeyView[]; readonly has_more: boolean };
    all.push(...data);
    after = data.at(-1)?.id ?? "";
    if (!has_more) break;
  }
  if (format === "json") console.log(JSON.stringify(all, null, 2));
  else console.log(keyTable(all).join("\n"));
  return 0;
}

async function revoke(client: AdminClient, _values: Values, subject: string): Promise<number> {
  const { json, fault } = await client.ask("DELETE", `keys/${encodeURIComponent(subject)}`);
  if (fault !== null) return failed(fault);
  const { name, id, revoked } = json as KeyView;
  console.error(`revoked ${name} (${id}) at ${revoked}: calls with it are refused`);
  return 0;
}

async function rotate(client: AdminClient, values: Values, subject: string): Promise<number> {
  const { overlap } = values;
  const body = overlap === undefined ? {} : { overlap };
  const { json, fault } = await client.ask("POST", `keys/${encodeURIComponent(subject)}/rotate`, body);
  if (fault !== null) return failed(fault);
  const { name, id, key, secrets } = json as Issued;
  console.log(key);
  console.error(`${name} (${id}) has another key; only its hash is stored, so keep it now`);
  const ends = secrets[1]?.ends ?? null;
  console.error(
    ends === null ? "the one before it is not valid any more" : `the one before it ends at ${ends}`,
  );
  return 0;
}
