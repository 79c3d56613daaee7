// How commands reach the admin API of a data folder: at the socket of the gateway that runs there, else by opening what is in
// the folder themselves. What is asked and what is answered is the same, so a command does not see the difference.

import { isThereKeyStore } from "../access/key_store.ts";
import { adminSocketPath } from "../config/admin_socket.ts";
import { isAnswered, openAdminApi } from "../console/admin.ts";
import { ACTOR_HEADER, CONTENT_HEADER } from "../console/router.ts";
import { findDataFolder, findKeyStore } from "./data_folder.ts";

/** How long a gateway may take to answer. */
const ANSWER_MAX_MS = 60_000;

/** What the API answered. */
export interface AdminAnswer {
  readonly status: number;
  readonly json: unknown;
  /** What is wrong, where something is. */
  readonly fault: string | null;
}

/** The admin API, as a command uses it. */
export interface AdminClient {
  /**
   * @param path below `/admin/v1/`
   * @param within_ms how long it may take
   */
  ask(method: string, path: string, body?: unknown, within_ms?: number): Promise<AdminAnswer>;
  close(): Promise<void>;
}

/** Reaches that of the gateway that runs on a data folder; null where none does. */
export async function openRunning(data: string): Promise<AdminClient | null> {
  const socket = adminSocketPath(data);
  return typeof socket === "string" && (await isAnswered(socket)) ? atSocket(socket) : null;
}

/** Reaches the admin API of a data folder; `may_make` says whether there may be nothing in it yet. */
export async function openAdmin(
  data: string,
  may_make: boolean,
  key_store: string | null = null,
): Promise<AdminClient | { readonly fault: string }> {
  const running = await openRunning(data);
  if (running !== null) return running;
  if (!may_make && key_store === null && !isThereKeyStore(data)) {
    return { fault: `no gateway runs on ${data}, and no key was ever stored there` };
  }
  return byItself(data, key_store);
}

/** Reaches that of the folder that a command means. */
export async function openAdminOf(
  flag: string | undefined,
  may_make = false,
): Promise<AdminClient | { readonly fault: string }> {
  const data = findDataFolder(flag);
  if (typeof data !== "string") return data;
  const key_store = findKeyStore(flag);
  if (key_store !== null && typeof key_store !== "string") return key_store;
  return openAdmin(data, may_make, key_store);
}

function atSocket(socket: string): AdminClient {
  return clientOf(
    (request, within_ms) => fetch(request, { unix: socket, signal: AbortSignal.timeout(within_ms) }),
    async () => {},
  );
}

async function byItself(data: string, key_store: string | null): Promise<AdminClient> {
  const log = (line: string) => console.error(`venturi: ${line}`);
  const hooks = {
    config: () => null,
    limitsState: null,
    flushLedger: null,
    caches: null,
    drills: null,
    gateway: null,
    live: null,
    onKeysChange: () => {},
    log,
  };
  const api = openAdminApi({ folder: data, key_store, hooks }, self());
  await api.ready;
  return clientOf(api.answer, api.close);
}

/** Who runs this command, as the audit log calls it. */
function self(): string {
  return `command uid ${process.getuid?.() ?? "unknown"}`;
}

function clientOf(
  send: (request: Request, within_ms: number) => Promise<Response>,
  close: () => Promise<void>,
): AdminClient {
  return {
    async ask(method, path, body, within_ms = ANSWER_MAX_MS) {
      const request = new Request(`http://admin/admin/v1/${path}`, {
        method,
        headers: { "content-type": "application/json", [ACTOR_HEADER]: self(), [CONTENT_HEADER]: "yes" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      let response: Response;
      let json: unknown;
      try {
        response = await send(request, within_ms);
        json = await response.json();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { status: 0, json: null, fault: `the gateway does not answer (${message})` };
      }
      return { status: response.status, json, fault: response.ok ? null : messageOf(json) };
    },
    close,
  };
}

function messageOf(json: unknown): string {
  const message = (json as { readonly error?: { readonly message?: unknown } } | null)?.error?.message;
  return typeof message === "string" ? message : "it failed without saying why";
}
