// `venturi explain`: what would happen to a request, and why. It asks the gateway that runs (`POST /v1/explain`), with the caller's own
// key, so that it tells what that caller would get.

import { readFileSync } from "node:fs";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "../command_line.ts";
import { DEFAULT_URL, findGatewayUrl } from "./gateway_url.ts";
import { explanationText } from "./text.ts";

const USAGE = `usage: venturi explain [FILE] [--endpoint PATH] [--key K] [--header "NAME: VALUE"] [--url URL | --data DIR] [--config F] [--json]
FILE is the body of a request, or - for stdin (the default); PATH is by default /v1/chat/completions
the gateway at URL is asked, or the one that runs on DIR; by default the one that runs on what venturi.yaml names as data, else ./data;
where none runs there, the one where venturi.yaml has it listen, or http://127.0.0.1:8080`;
const { help, misuse, failed } = voiceOf("explain", USAGE);

/** How long a gateway may take to answer. */
const ANSWER_MAX_MS = 60_000;

interface Flags {
  readonly file: string;
  readonly endpoint: string | undefined;
  readonly url: string | undefined;
  readonly data: string | undefined;
  readonly config: string | undefined;
  readonly headers: Headers;
  readonly is_json: boolean;
}

/** Prints it. Returns the exit code: 0, 1 where nothing can be told, 2 for misuse. */
export async function explain(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  if (flags === "help") return help();
  if (typeof flags === "string") return misuse(flags);
  const { file, endpoint, url: named_url, headers, is_json } = flags;
  let body: Uint8Array;
  try {
    body = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    return failed(`${file} cannot be read: ${(error as Error).message}`);
  }
  const query = endpoint === undefined ? "" : `?endpoint=${encodeURIComponent(endpoint)}`;
  const url = named_url ?? (await findGatewayUrl(flags));
  if (typeof url !== "string") return failed(url.fault);
  const told = await ask(`${url}/v1/explain${query}`, headers, body, named_url === undefined);
  if ("fault" in told) return failed(told.fault);
  console.log(is_json ? JSON.stringify(told.json, null, 2) : explanationText(told.json));
  return 0;
}

async function ask(
  url: string,
  headers: Headers,
  body: Uint8Array,
  is_own: boolean,
): Promise<{ readonly json: unknown } | { readonly fault: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      // The gateway of this machine is asked by its address, which its certificate does not name.
      ...(is_own ? { tls: { rejectUnauthorized: false } } : {}),
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    const json: unknown = await response.json();
    if (response.ok) return { json };
    const { error } = json as { readonly error?: { readonly message?: unknown } };
    return {
      fault: typeof error?.message === "string" ? error.message : `it was answered ${response.status}`,
    };
  } catch (error) {
    return {
      fault: `no gateway answers at ${url} (${error instanceof Error ? error.message : String(error)})`,
    };
  }
}

/** The flags; in words what is wrong with them; or `help`. */
function readFlags(args: readonly string[]): Flags | string {
  const options = {
    config: { type: "string", short: "c" },
    header: { type: "string", short: "H", multiple: true },
    ...{ endpoint: FLAG, key: FLAG, url: FLAG, data: FLAG, json: SWITCH, help: HELP },
  } as const;
  const parsed = parseFlags(args, { options, allowPositionals: true });
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  if (values.help === true) return "help";
  const [file = "-", ...more] = positionals;
  if (more.length > 0) return "name one file";
  const headers = new Headers({ "content-type": "application/json" });
  if (values.key !== undefined) headers.set("authorization", `Bearer ${values.key}`);
  for (const field of values.header ?? []) {
    const colon = field.indexOf(":");
    if (colon < 1) return `--header must be written as "NAME: VALUE", not "${field}"`;
    try {
      headers.set(field.slice(0, colon).trim(), field.slice(colon + 1).trim());
    } catch {
      return `"${field}" is no header field`;
    }
  }
  const { endpoint, url, data, config, json: is_json = false } = values;
  if (url !== undefined && !URL.canParse(url))
    return `--url must be a URL such as ${DEFAULT_URL}, not "${url}"`;
  if (url !== undefined && data !== undefined) return "say either --url or --data";
  if (data === "") return "--data must not be empty";
  const bare_url = url?.replace(/\/+$/, "").replace(/\/v1$/, "");
  return { file, endpoint, url: bare_url, data, config, headers, is_json };
}
