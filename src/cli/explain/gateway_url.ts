// Where the gateway is that a command asks: the one that runs on the data folder says so itself, whatever port it was started with;
// without one, it is where the configuration would have it listen.

import { existsSync } from "node:fs";
import { listenerUrl, localUrl } from "../../config/address.ts";
import { loadConfig } from "../../config/load.ts";
import { openRunning } from "../admin_client.ts";
import { findDataFolder } from "../data_folder.ts";

/** Where a gateway listens that nobody has configured. */
export const DEFAULT_URL = "http://127.0.0.1:8080";

const DEFAULT_FILE = "venturi.yaml";
/** How long the gateway may take to say where it listens. */
const ANSWER_MAX_MS = 5_000;

/** By which flags it is found. */
export interface Wish {
  /** `--data`: the gateway of this folder, and no other. */
  readonly data: string | undefined;
  readonly config: string | undefined;
}

/** Its URL, or in words why that is not known. */
export async function findGatewayUrl({ data, config }: Wish): Promise<string | { readonly fault: string }> {
  if (config !== undefined && !existsSync(config)) return { fault: `there is no file ${config}` };
  const folder = findDataFolder(data, config);
  const running = typeof folder === "string" ? await askRunning(folder) : folder;
  if (typeof running === "string") return running;
  if (data !== undefined) return running;
  return configuredUrl(config) ?? { fault: `${config} has faults; \`venturi check\` tells them` };
}

async function askRunning(folder: string): Promise<string | { readonly fault: string }> {
  const client = await openRunning(folder);
  if (client === null) return { fault: `no gateway runs on ${folder}` };
  try {
    const { json, fault } = await client.ask("GET", "gateway", undefined, ANSWER_MAX_MS);
    return fault === null ? (json as { readonly url: string }).url : { fault };
  } finally {
    await client.close();
  }
}

/** Where a configuration has the gateway listen; null where it cannot be read. */
function configuredUrl(config: string | undefined): string | null {
  const file = config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  if (file === null) return DEFAULT_URL;
  const loaded = loadConfig(file);
  // A file that nobody named may be meant for another machine's variables.
  if (!loaded.ok) return config === undefined ? DEFAULT_URL : null;
  const { host, port, tls } = loaded.plan.listen;
  return localUrl(listenerUrl(host, port, tls !== null));
}
