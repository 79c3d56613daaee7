// The admin API: a server at a socket in the data folder, which whoever may open the folder may use without a token.
// Gateway processes pass on to it what comes to the public port with the token.

import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type KeyStore, openKeyStore } from "../access/key_store.ts";
import type { SharedKeys, SharedKeysOptions } from "../access/shared/shared_keys.ts";
import { adminSocketPath } from "../config/admin_socket.ts";
import type { LoadResult } from "../config/load.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { GatewayError } from "../errors.ts";
import type { ReplayOrder, ReplayOutcome } from "../gateway/replay.ts";
import type { LiveCalls } from "../ledger/live_calls.ts";
import { LedgerSource } from "../ledger/source.ts";
import { auditRoutes } from "./audit_routes.ts";
import { type CacheHooks, cacheRoutes } from "./cache_routes.ts";
import { configRoutes } from "./config_routes.ts";
import { DashboardDoor, FROM_HEADER } from "./dashboard/door.ts";
import { linkRoutes } from "./dashboard/link_routes.ts";
import { Sessions } from "./dashboard/sessions.ts";
import { type DrillHooks, drillRoutes } from "./drill_routes.ts";
import { insightRoutes } from "./insight_routes.ts";
import { ownRegister, sharedRegister } from "./key_register.ts";
import { keyRoutes } from "./key_routes.ts";
import { ledgerRoutes } from "./ledger_routes.ts";
import { liveRoutes } from "./live_routes.ts";
import { ADMIN_BODY_MAX_BYTES, createRouter, type Routes, routesOnDemand, toResponse } from "./router.ts";
import { upgradeRoutes } from "./upgrade_routes.ts";

/** How long answers under way may take when the API stops; connections that are kept open are not waited for. */
const STOP_MAX_MS = 1_000;

/** How long after a change of keys it is told of, with all the changes until then. */
const TELL_MS = 200;

const CONTENT_ENDPOINTS = { "calls/*/content": ["GET", "DELETE"], content: ["GET", "DELETE"] };
const REPLAY_ENDPOINTS = { replays: ["POST"], "replays/*": ["GET", "DELETE"] };

/** What the admin API asks of the process that it runs in. */
export interface AdminHooks {
  /** The present configuration; null where none is loaded. */
  config(): ResolvedConfig | null;
  /** The state of all limits, as JSON; null where nobody counts. */
  readonly limitsState: (() => unknown) | null;
  /** Writes all rows that wait into the ledger; null where none can wait. */
  readonly flushLedger: (() => Promise<void>) | null;
  /** The latest calls; null where none are answered. */
  readonly live: LiveCalls | null;
  /** The caches; null where no gateway runs. */
  readonly caches: CacheHooks | null;
  /** Drills; null where no gateway runs. */
  readonly drills: DrillHooks | null;
  /** What the dashboard shows of a gateway that runs; null where none does. */
  readonly gateway: GatewayHooks | null;
  /** Stored keys have changed; told once for many changes in a row. */
  onKeysChange(): void;
  log(line: string): void;
}

/** What is asked of a gateway that runs. */
export interface GatewayHooks {
  /** Where its own host reaches it, as a URL; null while it does not listen. */
  url(): string | null;
  /** Makes a call again; null where its gateway process is gone before that is over. */
  replay(
    order: ReplayOrder,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<ReplayOutcome | null>;
  /** How its targets do, each as JSON. */
  targets(): Promise<readonly unknown[]>;
  /** Loads the configuration's file as a reload would. */
  loadFile(): LoadResult;
  /** Loads a text as if it were the file. */
  loadDraft(text: string): LoadResult;
  /** Lets another program take over; null: the one that lies where this one was started from. In words, why it did not. */
  upgrade(program: string | null): Promise<{ readonly pid: number } | { readonly fault: string }>;
}

/** How the admin API is started. */
export interface AdminOptions {
  /** The data folder, which is made if it is not there. */
  readonly folder: string;
  /** The database that keys are shared in, for who has no configuration; by default none. */
  readonly key_store?: string | null;
  readonly hooks: AdminHooks;
}

/** The admin API, running. */
export interface Admin {
  /** The stored keys; null where they cannot be used. */
  readonly keys: KeyStore | null;
  /** Makes its socket; `takes_over` says that whoever has it now is to lose it. */
  listen(takes_over: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** What answers requests to the admin API of a data folder, for a server or for a command by itself. */
export interface AdminApi {
  readonly keys: KeyStore | null;
  /** Resolves when keys are as new as the database that they are shared in, or that could not be asked. */
  readonly ready: Promise<void>;
  answer(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Opens what the API answers from. `self` is who asks where nobody says so. */
export function openAdminApi({ folder, key_store = null, hooks }: AdminOptions, self: string): AdminApi {
  const opened = openKeyStore(folder);
  const keys = "fault" in opened ? null : opened;
  if ("fault" in opened) hooks.log(opened.fault);
  let telling: ReturnType<typeof setTimeout> | null = null;
  const tellOfKeys = () => {
    telling ??= setTimeout(() => {
      telling = null;
      hooks.onKeysChange();
    }, TELL_MS);
  };
  const url = hooks.config()?.key_store ?? key_store;
  const sharing =
    url === null || keys === null
      ? null
      : shareKeys({ store: keys, url, log: hooks.log, onChange: tellOfKeys });
  const register = (store: KeyStore) =>
    sharing === null ? ownRegister(store, folder) : sharedRegister(store, sharing);
  const desk =
    "fault" in opened
      ? new GatewayError("unavailable", `Keys cannot be managed: ${opened.fault}.`)
      : { register: register(opened), config: hooks.config };
  const token = () => hooks.config()?.admin?.token ?? null;
  const content_token = () => hooks.config()?.admin?.content_token ?? null;
  const sessions = new Sessions(folder, { token, content_token });
  const ledger = new LedgerSource(folder, () => hooks.config()?.ledger.store ?? "sqlite");
  const content = { data: folder, keys, ledger, config: hooks.config };
  const routes: Routes = {
    ...keyRoutes(desk, tellOfKeys),
    ...ledgerRoutes(ledger, hooks.flushLedger),
    ...liveRoutes(hooks.live),
    ...auditRoutes(folder, sharing),
    ...cacheRoutes({ data: folder, keys, hooks: hooks.caches }),
    ...drillRoutes({ data: folder, keys, config: hooks.config, hooks: hooks.drills }),
    ...insightRoutes(folder, ledger, hooks),
    ...configRoutes(hooks),
    // They read and write all formats.
    ...routesOnDemand(CONTENT_ENDPOINTS, async () =>
      (await import("./content_routes.ts")).contentRoutes(content),
    ),
    ...routesOnDemand(REPLAY_ENDPOINTS, async () =>
      (await import("./replay_routes.ts")).replayRoutes(content, hooks),
    ),
    ...limitRoutes(hooks),
    ...linkRoutes(sessions, hooks),
    ...upgradeRoutes({ data: folder, keys, self, gateway: hooks.gateway }),
  };
  let described: Promise<unknown> | null = null;
  const answer = createRouter(routes, self, hooks.log);
  const door = new DashboardDoor({ sessions, folder, token, content_token, answer });
  return {
    keys,
    ready: Promise.resolve(sharing).then((shared) => shared?.look()),
    answer: async (request) => {
      if (isDashboard(request)) return door.answer(request);
      const { pathname } = new URL(request.url);
      if (pathname !== "/openapi.json") {
        // What a gateway process passes on for anybody, without asking for a token, leads nowhere else.
        return request.headers.has(FROM_HEADER)
          ? toResponse(new GatewayError("not_found", `There is no ${pathname}.`))
          : answer(request);
      }
      // Few ask, and then more than once.
      described ??= import("./openapi/document.ts").then(({ openApiDocument }) => openApiDocument(routes));
      return toResponse({ json: await described, headers: { "cache-control": "no-cache" } });
    },
    close: async () => {
      if (telling !== null) clearTimeout(telling);
      ledger.close();
      await (await sharing)?.close();
      await keys?.close();
    },
  };
}

/** What only shared keys need is loaded only for them. */
async function shareKeys(options: SharedKeysOptions): Promise<SharedKeys> {
  const { SharedKeys } = await import("../access/shared/shared_keys.ts");
  const shared = new SharedKeys(options);
  void shared.start();
  return shared;
}

function isDashboard({ url }: Request): boolean {
  const { pathname } = new URL(url);
  return pathname === "/ui" || pathname.startsWith("/ui/");
}

function limitRoutes({ limitsState }: AdminHooks): Routes {
  return {
    limits: {
      GET: async () =>
        limitsState === null
          ? new GatewayError("unavailable", "Without a gateway there is no state of limits.")
          : { json: await limitsState() },
    },
  };
}

/** Opens the admin API, which then is to listen. Without its socket the rest of the gateway works, and the log says why there is none. */
export function startAdmin(options: AdminOptions): Admin {
  const { folder, hooks } = options;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // Whatever is wrong with the folder is told by whoever opens something in it.
  }
  const api = openAdminApi(options, `socket uid ${process.getuid?.() ?? "unknown"}`);
  for (const { name } of hooks.config()?.keys ?? []) {
    // Counts and limits go by the name.
    if (api.keys?.byName(name))
      hooks.log(`the key '${name}' is in the configuration and stored: they count as one`);
  }
  let listening: Listening | null = null;
  return {
    keys: api.keys,
    listen: async (takes_over) => {
      listening = await listen(folder, api, takes_over);
      if ("fault" in listening) hooks.log(listening.fault);
    },
    stop: async () => {
      if (listening !== null && !("fault" in listening)) await listening.stop();
      await api.close();
    },
  };
}

type Listening = { stop(): Promise<void> } | { readonly fault: string };

async function listen(folder: string, api: AdminApi, takes_over: boolean): Promise<Listening> {
  const path = adminSocketPath(folder);
  if (typeof path !== "string") return path;
  if (!takes_over && (await isAnswered(path))) {
    return { fault: `the admin API has no socket: another gateway has ${path}; use another data folder` };
  }
  try {
    const server = serveAt(path, api);
    const own = inodeOf(path);
    return {
      async stop() {
        // Another gateway may have made its own since.
        if (inodeOf(path) === own) rmSync(path, { force: true });
        await Promise.race([server.stop(), Bun.sleep(STOP_MAX_MS)]);
        await server.stop(true);
      },
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { fault: `the admin API has no socket: ${path} cannot be made (${message})` };
  }
}

/** Nobody else may ever connect: the socket is made where nobody can see it, closed to others, and then put in its place. */
function serveAt(path: string, api: AdminApi): Bun.Server<undefined> {
  const hidden = join(dirname(path), ".s");
  rmSync(hidden, { recursive: true, force: true });
  mkdirSync(hidden, { mode: 0o700 });
  try {
    const unix = join(hidden, "s");
    const server = Bun.serve({
      unix,
      fetch: api.answer,
      maxRequestBodySize: ADMIN_BODY_MAX_BYTES,
    });
    chmodSync(unix, 0o600);
    renameSync(unix, path);
    return server;
  } finally {
    rmSync(hidden, { recursive: true, force: true });
  }
}

/** Whether somebody listens at a socket. */
export async function isAnswered(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
