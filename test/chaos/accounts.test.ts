// Accounts when everything goes wrong: limits with hundreds of callers at once over two processes, and the ledger against the
// provider's own books through twenty kills.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openLedgerReader } from "../../src/ledger/store/query.ts";
import { chat, type RunOptions, Venturi } from "./harness.ts";
import { isAlive } from "./processes.ts";
import { startTally, type TallyUpstream, tallyOf } from "./tally_upstream.ts";

let venturi: Venturi | null = null;
let upstream: TallyUpstream | null = null;
let data = "";

afterEach(async () => {
  await venturi?.end();
  venturi = null;
  upstream?.stop();
  upstream = null;
  if (data !== "") rmSync(data, { recursive: true, force: true });
  data = "";
});

async function start(options: RunOptions): Promise<Venturi> {
  venturi = new Venturi(options);
  return venturi.ready();
}

/** A call of its own connection or not; its status, 0 where it was cut. */
async function call(
  gateway: Venturi,
  key: string,
  id: string,
  extra: Record<string, unknown> = {},
): Promise<number> {
  try {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "x-request-id": id },
      body: chat("m", id, { max_tokens: 60, ...extra }),
    });
    const text = await response.text();
    return response.status === 200 && !text.includes(id) ? 0 : response.status;
  } catch {
    return 0;
  }
}

/** Callers that call again and again until the time is over, and so often at least; what they were told, by status. */
async function press(
  gateway: Venturi,
  key: string,
  callers: number,
  run_ms: number,
  least = 0,
): Promise<Map<number, number>> {
  const told = new Map<number, number>();
  const end_ms = performance.now() + run_ms;
  let number = 0;
  const one = async () => {
    while (performance.now() < end_ms || number < least) {
      const status = await call(gateway, key, `${key}-${number++}`);
      told.set(status, (told.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return told;
}

const USD_PER_MTOK = { input: 1_000, output: 4_000 };

/** What a call costs, by hand: nano-dollars a token are a thousandth of dollars a million tokens, times 10⁶. */
function nanoOf(id: string): number {
  const { input_tokens, output_tokens } = tallyOf(id);
  return input_tokens * USD_PER_MTOK.input * 1_000 + output_tokens * USD_PER_MTOK.output * 1_000;
}

function config(base_url: string, keys: string): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models:
  m:
    targets: [up/m]
    retries: { attempts: 0 }
    price: { input_per_mtok: ${USD_PER_MTOK.input}, output_per_mtok: ${USD_PER_MTOK.output} }
keys:
${keys}`;
}

describe("400 callers over two processes", () => {
  test("are never let over a limit of any kind, and little of it is wasted", async () => {
    upstream = startTally(5);
    const gateway = await start({
      args: ["--workers", "2"],
      config: config(
        upstream.base_url,
        `
  - { name: rpm, key: key-rpm, limits: { rpm: 500 } }
  - { name: tpm, key: key-tpm, limits: { tpm: 20000 } }
  - { name: conc, key: key-conc, limits: { concurrency: 16 } }
  - { name: usd, key: key-usd, limits: { usd_per_day: 100 } }
`,
      ),
    });
    const tallied = () => [...upstream!.answered.values()].flat();

    const by_rpm = await press(gateway, "key-rpm", 400, 1_500, 1_500);
    expect(by_rpm.get(200)).toBe(500);
    expect(tallied()).toHaveLength(500);
    expect([...by_rpm.keys()].sort()).toEqual([200, 429]);

    upstream.reset();
    const by_tpm = await press(gateway, "key-tpm", 400, 1_500);
    const tokens = tallied().reduce(
      (sum, { input_tokens, output_tokens }) => sum + input_tokens + output_tokens,
      0,
    );
    expect(tokens).toBeLessThanOrEqual(20_000);
    // What was reserved and not used goes back, so that nearly all of it is used for real.
    expect(tokens).toBeGreaterThan(20_000 * 0.98);
    expect(by_tpm.get(429)).toBeGreaterThan(0);

    upstream.reset();
    const by_conc = await press(gateway, "key-conc", 400, 1_000);
    expect(upstream.most_at_once()).toBeLessThanOrEqual(16);
    expect(upstream.most_at_once()).toBeGreaterThanOrEqual(14);
    expect(by_conc.get(200)).toBeGreaterThan(100);

    upstream.reset();
    await press(gateway, "key-usd", 400, 2_000);
    const spent = tallied().reduce((sum, { id }) => sum + nanoOf(id), 0);
    expect(spent).toBeLessThanOrEqual(100e9);
    expect(spent).toBeGreaterThan(100e9 * 0.98);
  }, 60_000);
});

describe("twenty kills under load", () => {
  test("lose no row and no nano-dollar: of one process, of all, of the supervisor", async () => {
    upstream = startTally(20);
    data = mkdtempSync(join(tmpdir(), "venturi-data-"));
    const options: RunOptions = {
      args: ["--workers", "2", "--data", data],
      config: config(upstream.base_url, "  - { name: k, key: key-k }\n"),
    };
    const told = new Map<string, number>();
    let number = 0;
    let gateway = await start(options);
    for (let round = 0; round < 20; round++) {
      let is_over = false;
      const one = async () => {
        while (!is_over) {
          const id = `call-${number++}`;
          const status = await call(gateway, "key-k", id, number % 3 === 0 ? { stream: true } : {});
          told.set(id, status);
          // Whoever finds nobody waits a moment before trying again.
          if (status === 0) await Bun.sleep(20);
        }
      };
      const callers = Array.from({ length: 24 }, one);
      await Bun.sleep(150 + (round % 5) * 20);
      const gateways = gateway.gateways;
      if (round % 4 === 3) {
        gateway.kill("SIGKILL");
        if (round % 8 === 7) for (const pid of gateways) if (isAlive(pid)) process.kill(pid, "SIGKILL");
        is_over = true;
        await Promise.all(callers);
        await gateway.until(() => gateways.every((pid) => !isAlive(pid)), "end of the processes");
        await gateway.end();
        gateway = await start(options);
        continue;
      }
      for (const pid of round % 2 === 0 ? gateways.slice(0, 1) : gateways) process.kill(pid, "SIGKILL");
      await Bun.sleep(100);
      is_over = true;
      await Promise.all(callers);
      await gateway.until(() => gateway.gateways.length === 2, "two processes again");
    }
    await gateway.end();
    venturi = null;

    const ledger = openLedgerReader(data);
    if ("fault" in ledger) throw new Error(ledger.fault);
    const rows = (await ledger.calls({ limit: 1_000_000 })).map(({ row }) => row);
    ledger.close();
    const by_id = Map.groupBy(rows, ({ request_id }) => request_id);
    const answered = [...told].filter(([, status]) => status === 200);
    expect(answered.length).toBeGreaterThan(500);
    // One row each, with just what the provider's own books say.
    const missing = answered.filter(([id]) => by_id.get(id)?.length !== 1);
    expect(missing).toEqual([]);
    for (const [id] of answered) {
      expect(by_id.get(id)![0], id).toMatchObject({
        status: 200,
        estimated: false,
        cost_nano_usd: nanoOf(id),
      });
    }
    const cut = [...told].filter(([, status]) => status !== 200);
    for (const [id, status] of cut) {
      const own = by_id.get(id) ?? [];
      expect(own.length, `${id}, told ${status}`).toBeLessThanOrEqual(1);
      // What the provider has seen stands in the ledger, whole or by estimate.
      if (upstream.arrived.has(id)) expect(own.length, `${id}, told ${status}, seen by the provider`).toBe(1);
      if (own[0]?.estimated === false && own[0].status === 200) expect(own[0].cost_nano_usd).toBe(nanoOf(id));
    }
    expect(rows.length).toBeLessThanOrEqual(told.size);
    const exact = rows.filter(({ status, estimated }) => status === 200 && !estimated);
    const sum = exact.reduce((total, { cost_nano_usd }) => total + BigInt(cost_nano_usd!), 0n);
    const by_hand = exact.reduce((total, { request_id }) => total + BigInt(nanoOf(request_id)), 0n);
    expect(sum).toBe(by_hand);
    console.log(
      `${told.size} calls: ${answered.length} answered, ${cut.length} cut, ${rows.length} rows, ${rows.filter((row) => row.status === 502).length} of killed processes`,
    );
  }, 120_000);
});
