// Providers that die, slow down, lie, limit their rate and come back, under two gateway processes and callers of several tenants:
// every call ends in its answer or in an honest error, before its deadline. `VENTURI_CHAOS_S` says how long it lasts.

import { afterEach, expect, test } from "vitest";
import { seededRandom } from "./flaky_upstream.ts";
import { chat, metric, Venturi } from "./harness.ts";
import { Connection, type Outcome } from "./load_client.ts";
import { type MoodyUpstream, startMoody } from "./moody_upstream.ts";

const CHAOS_S = Number(process.env["VENTURI_CHAOS_S"] ?? 12);
const LANES = 24;
const PROVIDERS = 5;
const IDLE_MS = 800;
const THINK_MAX_MS = 60;
/** How much later than its deadline a call may end, on a machine with other work. */
const LATE_MAX_MS = 2_500;
const TENANTS = ["acme", "globex", "initech"] as const;
const MODELS = ["ordered", "shared", "quick", "hedged"] as const;

let venturi: Venturi | null = null;
let providers: MoodyUpstream[] = [];

afterEach(async () => {
  await venturi?.end();
  for (const { upstream } of providers) upstream.stop();
  providers = [];
});

function config(): string {
  const names = providers.map((_, index) => `p${index}`);
  const targets = `[${names.map((name) => `${name}/m`).join(", ")}]`;
  const rest = "retries: { attempts: 1, backoff_ms: 20 }, deadline_ms: 3000";
  const lines = providers.map(
    ({ upstream }, index) =>
      `  p${index}: { kind: openai, base_url: "${upstream.base_url}", api_keys: [k1, k2], timeouts: { connect_ms: 500, first_byte_ms: 1000, idle_ms: ${IDLE_MS} } }`,
  );
  return `
providers:
${lines.join("\n")}
models:
  ordered: { targets: ${targets}, ${rest} }
  shared: { targets: ${targets}, strategy: weighted, ${rest} }
  quick: { targets: ${targets}, strategy: least-latency, ${rest} }
  hedged: { targets: ${targets}, ${rest}, hedge: { after: 100ms, max_extra: 0.2 } }
keys:
${TENANTS.map((tenant) => `  - { name: ${tenant}, key: key-of-${tenant}, tenant: ${tenant}, limits: { concurrency: 100 } }`).join("\n")}
`;
}

/** What a call was, and what is wrong with how it ended; null: nothing. */
type Verdict = { readonly kind: string; readonly fault: string | null };

function judgePlain(text: string, outcome: Outcome): Verdict {
  if (outcome.kind !== "answered") return { kind: outcome.kind, fault: "the connection ended" };
  const { status, body, headers } = outcome;
  const answer = JSON.parse(body) as {
    choices?: { message: { content: string } }[];
    error?: { code?: string; type?: string; message?: string };
  };
  if (status === 200) {
    const said = answer.choices?.[0]?.message.content;
    return { kind: "answered", fault: said === text ? null : `it got ${JSON.stringify(said)}` };
  }
  return {
    kind: `${status} ${answer.error?.code ?? answer.error?.type}`,
    fault: faultOf(status, answer.error, headers),
  };
}

/** An honest error says what happened in a status of a failure, and when to come back where that makes sense. */
function faultOf(
  status: number,
  error: { readonly message?: string } | undefined,
  headers: ReadonlyMap<string, string>,
): string | null {
  if (status < 400 || !error?.message) return `status ${status} without an error`;
  if ((status === 429 || status === 503) && !headers.has("retry-after"))
    return `${status} without retry-after`;
  return status === 401 || status === 403 || status === 404 ? `status ${status}` : null;
}

function judgeStream(text: string, outcome: Outcome): Verdict {
  if (outcome.kind !== "answered") return { kind: outcome.kind, fault: "the connection ended" };
  if (outcome.status !== 200) return judgePlain(text, outcome);
  const events = outcome.body
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice(6));
  const chunks = events
    .filter((data) => data !== "[DONE]")
    .map(
      (data) =>
        JSON.parse(data) as {
          choices?: { delta?: { content?: string } }[];
          error?: { code?: string; type?: string };
        },
    );
  const said = chunks.map((chunk) => chunk.choices?.[0]?.delta?.content ?? "").join("");
  const error = chunks.at(-1)?.error;
  const is_done = events.at(-1) === "[DONE]";
  if (error !== undefined) {
    const is_prefix = text.startsWith(said) && !is_done;
    return {
      kind: `an error event: ${error.code ?? error.type}`,
      fault: is_prefix ? null : `it got ${outcome.body}`,
    };
  }
  const is_whole = said === text && is_done;
  return { kind: "streamed", fault: is_whole ? null : `it got ${JSON.stringify(outcome.body)}` };
}

test(
  `${CHAOS_S} s of providers that die, slow down, lie and come back: every call ends well or honestly, and in time`,
  async () => {
    providers = await Promise.all(Array.from({ length: PROVIDERS }, (_, index) => startMoody(index + 1)));
    venturi = await new Venturi({ args: ["--workers", "2"], config: config() }).ready();
    const { port, url } = venturi;
    const ended = new Map<string, number>();
    const faults: string[] = [];
    let calls = 0;
    const began_ms = performance.now();

    const lane = async (_: unknown, number: number) => {
      const random = seededRandom(1_000 + number);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
      let connection: Connection | string = "none";
      while (performance.now() - began_ms < CHAOS_S * 1_000) {
        if (typeof connection === "string" || !connection.is_open) connection = await Connection.open(port);
        if (typeof connection === "string") {
          faults.push(`no connection: ${connection}`);
          continue;
        }
        // Who asks at once again would meet mostly those who answer at once.
        await Bun.sleep(random() * THINK_MAX_MS);
        const text = `call-${number}-${calls++}`;
        const is_stream = random() < 0.5;
        const deadline_ms = 300 + Math.floor(random() * 2_000);
        const model = pick(MODELS);
        const headers = {
          authorization: `Bearer key-of-${pick(TENANTS)}`,
          "x-venturi-deadline-ms": String(deadline_ms),
        };
        const sent_ms = performance.now();
        const outcome = await connection.call(
          "/v1/chat/completions",
          chat(model, text, is_stream ? { stream: true } : {}),
          headers,
        );
        const took_ms = performance.now() - sent_ms;
        const { kind, fault } = is_stream ? judgeStream(text, outcome) : judgePlain(text, outcome);
        ended.set(kind, (ended.get(kind) ?? 0) + 1);
        const what = `${model}, ${is_stream ? "stream" : "plain"}, ${deadline_ms} ms`;
        if (fault !== null) faults.push(`${what}: ${kind}: ${fault}`);
        // A stream's deadline is that of its first content; a stall behind it ends with the silence that is allowed.
        const allowed_ms = deadline_ms + (is_stream ? IDLE_MS : 0) + LATE_MAX_MS;
        if (took_ms > allowed_ms) faults.push(`${what}: ${kind} after ${Math.round(took_ms)} ms`);
      }
      if (typeof connection !== "string") connection.close();
    };
    await Promise.all(Array.from({ length: LANES }, lane));

    const met = new Map<string, number>();
    for (const one of providers)
      for (const [mood, count] of one.met) met.set(mood, (met.get(mood) ?? 0) + count);
    console.log(`${calls} calls in ${CHAOS_S} s\n  ended: ${listed(ended)}\n  tries met: ${listed(met)}`);
    expect(faults).toEqual([]);
    expect((ended.get("answered") ?? 0) + (ended.get("streamed") ?? 0)).toBeGreaterThan(calls / 2);
    // Every call is counted once, and nothing is left under way.
    for (let look = 0; look < 50 && (await metric(url, "venturi_calls_in_flight")) > 0; look++)
      await Bun.sleep(100);
    expect(await metric(url, "venturi_calls_in_flight")).toBe(0);
    expect(await metric(url, "venturi_calls_total")).toBe(calls);
  },
  CHAOS_S * 1_000 + 60_000,
);

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}
