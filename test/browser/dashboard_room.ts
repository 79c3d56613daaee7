// A gateway with traffic of its own, and a browser that looks at its dashboard: what the tests of its pages stand on.

import { Database } from "bun:sqlite";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page, type Browser as Playwright } from "playwright-core";
import { monthOfRows } from "../../bench/ledger_rows.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import { readRow } from "../../src/ledger/row_reader.ts";
import { ledgerPath, openToWrite } from "../../src/ledger/store/open.ts";
import { Store } from "../../src/ledger/store/store.ts";
import { Venturi } from "../chaos/harness.ts";
import { CHROMIUM } from "./chromium.ts";

/** The admin token of the gateway under test. */
export const TOKEN = "an-admin-token-for-tests";

/** The one that may see what calls said. */
export const CONTENT_TOKEN = "a-content-token-for-tests";

const CONFIG = `
admin: { token: ${TOKEN}, content_token: ${CONTENT_TOKEN} }
telemetry: { content: { store: on } }
providers:
  east: { kind: sim }
  west: { kind: sim }
models:
  candidate:
    targets: [east/lorem]
    price: { input_per_mtok: 0.6, output_per_mtok: 2.4 }
  chat:
    shadow: { model: candidate, share: 0.5 }
    targets: [{ provider: east, model: echo, weight: 3 }, { provider: west, model: lorem, weight: 1 }]
    strategy: weighted
    price: { input_per_mtok: 2.5, output_per_mtok: 10 }
  summary:
    targets: [east/lorem]
    price: { input_per_mtok: 0.15, output_per_mtok: 0.6 }
    cache: { exact: { ttl_s: 600 } }
  shaky:
    targets: [west/error-500, east/lorem]
    price: { input_per_mtok: 1, output_per_mtok: 4 }
tiers: { free: { limits: { rpm: 60 } } }
routes:
  - { name: short-ones, when: { model: auto, prompt_tokens: "<=200" }, use: summary }
  - { name: halves, when: { model: fair }, split: { chat: 50, candidate: 50 } }
  - { name: the-rest, when: { model: auto }, use: chat }
keys:
  - { name: checkout, key: sk-checkout, tenant: acme, team: shop, limits: { usd_per_day: 0.05, rpm: 6000 } }
  - { name: search, key: sk-search, tenant: globex, limits: { tpm: 600000 } }
`;

const FEATURES = ["summary", "assistant", "extraction", "translation"];
const MODELS = ["chat", "summary", "fair", "shaky", "auto"];

/** A gateway and a browser. */
export interface DashboardRoom {
  readonly gateway: Venturi;
  readonly browser: Playwright;
  /** Asks the admin API by the token, not by the page. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came.
  admin(path: string): Promise<any>;
  /** A page that is logged in, at a place of the dashboard; requests that leave the gateway are in `foreign`. */
  open(place: string, options?: PageOptions): Promise<LookedAt>;
  /** Sends one more call, of a kind by its number. */
  call(number: number): Promise<void>;
  close(): Promise<void>;
}

/** How a page is looked at. */
export interface PageOptions {
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  readonly is_logged_in?: boolean;
  /** By the token that may see content. */
  readonly may_see_content?: boolean;
}

/** A page that is looked at, and what went wrong in it. */
export interface LookedAt {
  readonly page: Page;
  /** URLs of requests to others than the gateway. */
  readonly foreign: readonly string[];
  /** What the browser complained of: faults of scripts, what the page's policy refused. */
  readonly complaints: readonly string[];
}

/**
 * Starts both over a ledger that has a month of calls already, and sends calls of all kinds.
 * @param gap_ms how long before now the month ends: in the last hour is only what is sent here
 */
export async function openRoom(calls = 80, past = 3_000, gap_ms = 2 * 3_600_000): Promise<DashboardRoom> {
  const data = mkdtempSync(join(tmpdir(), "venturi-dashboard-"));
  writePast(data, past, gap_ms);
  const gateway = await new Venturi({ config: CONFIG, args: ["--data", data] }).ready();
  for (let number = 0; number < calls; number++) await call(gateway, number);
  const admin = async (path: string) => {
    const response = await fetch(`${gateway.url}/admin/v1/${path}`, {
      method: path === "ledger/flush" ? "POST" : "GET",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    return response.json();
  };
  await admin("ledger/flush");
  const browser = await chromium.launch({
    executablePath: CHROMIUM!,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const logins = { plain: await logIn(gateway, TOKEN), content: await logIn(gateway, CONTENT_TOKEN) };
  return {
    gateway,
    browser,
    admin,
    call: (number) => call(gateway, number),
    async open(
      place,
      { scheme = "light", width = 1280, height = 860, is_logged_in = true, may_see_content = false } = {},
    ) {
      const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height } });
      if (is_logged_in) await context.addCookies([may_see_content ? logins.content : logins.plain]);
      const page = await context.newPage();
      const foreign: string[] = [];
      const complaints: string[] = [];
      page.on("request", (request) => {
        const url = request.url();
        if (!url.startsWith(`${gateway.url}/`) && !/^(data|blob):/.test(url)) foreign.push(url);
      });
      page.on("pageerror", (error) => void complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error" && !/status of 40[13]|status of 429/.test(message.text()))
          complaints.push(message.text());
      });
      await page.goto(`${gateway.url}/ui/${place}`);
      await page.waitForSelector("h1");
      return { page, foreign, complaints };
    },
    async close() {
      await browser.close();
      await gateway.end();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Logs in by a token; gives the cookie of the session. */
export async function logIn({ url }: Venturi, token: string) {
  const login = await fetch(`${url}/ui/session`, {
    method: "POST",
    headers: { "x-venturi-ui": "1", origin: url },
    body: JSON.stringify({ token }),
  });
  const [name = "", value = ""] = login.headers.get("set-cookie")!.split(";")[0]!.split("=");
  return { name, value, domain: "127.0.0.1", path: "/ui", httpOnly: true, sameSite: "Strict" as const };
}

function writePast(data: string, count: number, gap_ms: number): void {
  mkdirSync(data, { recursive: true });
  const db = openToWrite(ledgerPath(data), () => {});
  if (!(db instanceof Database)) throw new Error(db.fault);
  const store = new Store(db);
  const end_ms = Date.now() - gap_ms;
  const month = [...monthOfRows(count, 1_000, end_ms)];
  for (const lines of month.slice(0, -1)) store.write(lines, Date.now());
  store.write(month.at(-1)!.map(tested), Date.now());
  db.close();
}

/** Most calls of a batch are those of a test of models with long names: enough of them for every figure that a test has. */
function tested(line: string, index: number): string {
  const row = readRow(line);
  if (row === null || index % 3 === 0 || row.routing !== null) return line;
  const model = index % 3 === 1 ? "anthropic/claude-sonnet-4-5" : "openai/gpt-4o-mini";
  return writeRow({ ...row, routing: { route: "sonnet-or-mini", model, split: true } });
}

async function call({ url }: Venturi, number: number): Promise<void> {
  const model = number % 20 === 19 ? "gpt-unknown" : MODELS[number % MODELS.length];
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${number % 3 === 0 ? "sk-search" : "sk-checkout"}`,
      "content-type": "application/json",
      "x-venturi-feature": FEATURES[number % FEATURES.length]!,
    },
    body: JSON.stringify({
      model,
      stream: number % 4 === 0,
      user: `user-${number % 7}`,
      messages: [
        {
          role: "user",
          content: `Tell me of tube number ${number % 9}. ${"More of it. ".repeat(number % 30)}`,
        },
      ],
    }),
  });
  await response.text();
}
