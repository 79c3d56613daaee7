// The admin API as a test asks it: opened over a folder of its own, without a server before it.

import { type LoadResult, parseConfig } from "../../src/config/load.ts";
import type { ResolvedConfig } from "../../src/config/schema.ts";
import { type AdminApi, openAdminApi } from "../../src/console/admin.ts";
import { LiveCalls } from "../../src/ledger/live_calls.ts";
import { makeFolder } from "../access/records.ts";

/** An answer: its status, its JSON, its headers. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came.
  readonly json: any;
  readonly headers: Headers;
}

/** An API over a folder of its own. */
export interface ApiUnderTest {
  readonly folder: string;
  readonly api: AdminApi;
  readonly live: LiveCalls;
  /** How often the keys were changed. */
  readonly changes: { count: number };
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  end(): Promise<void>;
}

/** A configuration that must be right. */
export function configOf(yaml: string): ResolvedConfig {
  const loaded = loadedOf(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function loadedOf(yaml: string): LoadResult {
  return parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
}

/** Opens one; `yaml` is the configuration that its gateway would have, null for none. */
export function openApi(yaml: string | null = "listen: {}"): ApiUnderTest {
  const folder = makeFolder();
  const changes = { count: 0 };
  const config = yaml === null ? null : configOf(yaml);
  const gateway = {
    url: () => "http://127.0.0.1:8080",
    replay: async () => null,
    targets: async () => [{ provider: "sim", model: "echo", state: "closed" }],
    loadFile: () => loadedOf(yaml ?? ""),
    loadDraft: loadedOf,
    upgrade: async (program: string | null) => (program === null ? { pid: 7 } : { fault: `no ${program}` }),
  };
  const live = new LiveCalls();
  const hooks = {
    config: () => config,
    limitsState: () => ({ counters: 3 }),
    flushLedger: null,
    caches: null,
    drills: null,
    gateway,
    live,
    onKeysChange: () => {
      changes.count += 1;
    },
    log: () => {},
  };
  const api = openAdminApi({ folder: folder.path, hooks }, "socket uid 7");
  return {
    folder: folder.path,
    api,
    live,
    changes,
    async ask(method, path, body, headers = {}) {
      const init = { method, headers, ...(body === undefined ? {} : { body: textOf(body) }) };
      const response = await api.answer(new Request(`http://admin/admin/v1/${path}`, init));
      return { status: response.status, json: await response.json(), headers: response.headers };
    },
    async end() {
      await api.close();
      folder.remove();
    },
  };
}

function textOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
