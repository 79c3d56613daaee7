// The product as a user runs it, between a client that plants markers and a provider that keeps what it gets; and every place in which a
// marker could be left.

import { dlopen } from "bun:ffi";
import { Database } from "bun:sqlite";
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { contentPath } from "../../src/content/file.ts";
import { ContentStore } from "../../src/content/store.ts";
import { keyFor } from "../../src/privacy/key.ts";
import { Venturi } from "../chaos/harness.ts";
import { childrenOf } from "../chaos/processes.ts";
import { answers, askedIn, textAnswer } from "../gateway/format_calls.ts";
import {
  chatChunks,
  chatCompletion,
  type Reply,
  type ScriptedUpstream,
  type SeenRequest,
  startUpstream,
} from "../scripted_upstream.ts";
import { CUSTOM_KINDS, MARKERS, type MarkerSearch, NAMED } from "./markers.ts";

/** What is done about personal data; `off` is for what has to be found. */
export type Mode = "redact" | "mask" | "audit" | "off";

/** What is asked for by the configuration of a run. */
export interface MarkedOptions {
  readonly mode: Mode;
  /** How many gateway processes there are; one by default. */
  readonly workers?: number;
}

/** How long anything may take on a machine with other work. */
export const SLOW_MS = 120_000;

/** A key that may call everything, and one that may call once. */
export const KEY = "app-key-for-markers";
export const LIMITED_KEY = "limited-key-for-markers";

/** What each of the provider's models does. */
const PROVIDER_MODELS: Readonly<Record<string, (request: SeenRequest, reply: Reply) => unknown>> = {
  echo,
  refuses: (request, reply) => {
    const text = request.text();
    const said = { message: text, type: "invalid_request_error", code: textIn(text), param: textIn(text) };
    return reply.json(400, { error: said });
  },
  breaks: async (request, reply) => {
    await reply.head(500, { "content-type": "text/html" });
    await reply.chunk(`<html><title>${request.text()}</title></html>`);
  },
  cuts: async (request, reply) => {
    await reply.sse(chunkOf(request.text().slice(0, 400)));
    reply.destroy();
  },
  stops: async (request, reply) => {
    const text = request.text();
    await reply.sse(chunkOf("a beginning"));
    await reply.sse({ error: { message: text, type: textIn(text), code: textIn(text) } });
  },
  odd: (request, reply) => {
    const text = request.text();
    const { stream } = request.json() as { stream?: boolean };
    if (stream) return reply.sse(`no JSON: ${text}`);
    const answer = chatCompletion(text) as { choices: { finish_reason: string }[] };
    for (const choice of answer.choices) choice.finish_reason = textIn(text);
    return reply.json(200, { ...answer, model: textIn(text), id: textIn(text), odd: text });
  },
  garbled: async (request, reply) => {
    await reply.head(200, { "content-type": "application/json" });
    await reply.chunk(`{"choices": [${request.text()}`);
  },
  waits: (_, reply) => reply.never(),
};

/** The last thing in quotes that has a blank, an "@" or a bracket: what somebody wrote. */
function textIn(body: string): string {
  return (
    body
      .match(/"[^"]*[ @[][^"]*"/g)
      ?.at(-1)
      ?.slice(1, 120) ?? "nothing"
  );
}

/** Says again all that it was told. */
async function echo(request: SeenRequest, reply: Reply): Promise<void> {
  if (request.path.endsWith("/embeddings") || request.path.endsWith("/moderations")) {
    const { input } = request.json() as { input: string | string[] };
    const data = [input].flat().map((_, index) => ({ object: "embedding", index, embedding: [1, index] }));
    return reply.json(200, {
      object: "list",
      data,
      results: [],
      model: "echo",
      usage: { prompt_tokens: 1, total_tokens: 1 },
    });
  }
  if (!request.text().startsWith("{")) return reply.json(200, { text: "what was said" });
  if (askedIn(request.path) !== "chat") {
    await answers(textAnswer, (text) => text.match(/.{1,700}/gs) ?? [])(request, reply);
    return;
  }
  const { stream } = request.json() as { stream?: boolean };
  const text = request.text();
  if (!stream) {
    const answer = chatCompletion(text) as { choices: object[] };
    return reply.json(200, { ...answer, choices: answer.choices.map((choice) => ({ ...choice, text })) });
  }
  const [opening, , ...rest] = chatChunks("x");
  await reply.sse(opening);
  for (let at = 0; at < text.length; at += 700) await reply.sse(chunkOf(text.slice(at, at + 700)));
  for (const chunk of rest) await reply.sse(chunk);
  await reply.sse("[DONE]");
}

function chunkOf(content: string): object {
  return {
    ...(chatChunks("x")[1] as object),
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  };
}

function configOf(base_url: string, hooks_url: string, { mode, workers = 1 }: MarkedOptions): string {
  const privacy = `privacy: { mode: ${mode} }`;
  const alone = `retries: { attempts: 0 }, ${privacy}`;
  return `
listen: { workers: ${workers}, max_body_bytes: 300000 }
providers:
  up: { kind: openai, base_url: "${base_url}", api_keys: [none] }
  messages: { kind: anthropic, base_url: "${base_url}", api_keys: [none] }
  responses: { kind: openai, base_url: "${base_url}", api_keys: [none], responses: true }
  gemini: { kind: gemini, base_url: "${base_url}", api_keys: [none] }
models:
  chat: { targets: [up/echo], ${alone}, cache: { exact: { ttl_s: 60, stale_s: 60 }, semantic: { threshold: 0.75 } } }
  open: { targets: [up/echo], ${alone} }
  messages: { targets: [messages/echo], ${alone}, on_unsupported: drop, cache: { exact: { ttl_s: 60 } } }
  responses: { targets: [responses/echo], ${alone}, on_unsupported: drop, cache: { exact: { ttl_s: 60 } } }
  gemini: { targets: [gemini/echo], ${alone}, on_unsupported: drop, cache: { exact: { ttl_s: 60 } } }
  dropping: { targets: [up/echo], ${alone}, on_unsupported: drop }
  tried: { targets: [up/breaks], retries: { attempts: 1, backoff_ms: 1 }, fallbacks: [open], ${privacy} }
  refuses: { targets: [up/refuses], ${alone} }
  breaks: { targets: [up/breaks], ${alone} }
  cuts: { targets: [up/cuts], ${alone} }
  stops: { targets: [up/stops], ${alone} }
  odd: { targets: [up/odd], ${alone} }
  garbled: { targets: [up/garbled], ${alone} }
  waits: { targets: [up/waits], ${alone} }
  hurried: { targets: [up/waits], ${alone}, deadline_ms: 50 }
  named: { targets: [up/echo], retries: { attempts: 0 }, privacy: { mode: ${mode}, entities: [PERSON, EMAIL], on_failure: block }, cache: { exact: {}, semantic: {} } }
  judged:
    targets: [up/echo]
    privacy: { mode: ${mode} }
    guards:
      input:
        - hidden_text
        - { guard: denied_words, words: [nightjar], action: block }
        - { guard: denied_words, words: [kestrel], action: redact }
        - { guard: prompt_injection, action: flag }
        - { guard: limits, max_messages: 3, action: block }
      output:
        - { guard: secrets, action: redact }
        - { guard: personal_data, action: flag }
        - { guard: denied_words, words: [falcon], action: block }
        - { guard: denied_words, words: [merlin], action: redact }
        - prompt_leak
keys:
  - { name: app, key: ${KEY} }
  - { name: limited, key: ${LIMITED_KEY}, limits: { rpm: 1 } }
privacy:
  names_budget_ms: 10000
  custom: ${CUSTOM_KINDS}
cache: { semantic: { budget_ms: 2000 } }
telemetry: { content: { store: on } }
ledger: { billing: { file: billing.ndjson, webhook: "${hooks_url}/billing" } }`;
}

/** How a request of a test differs from others. */
export interface Asked {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The product, running. */
export class MarkedGateway {
  readonly venturi: Venturi;
  readonly upstream: ScriptedUpstream;
  readonly hooks: ScriptedUpstream;

  private constructor(venturi: Venturi, upstream: ScriptedUpstream, hooks: ScriptedUpstream) {
    this.venturi = venturi;
    this.upstream = upstream;
    this.hooks = hooks;
  }

  static async start(options: MarkedOptions): Promise<MarkedGateway> {
    const upstream = await startUpstream((request, reply) => {
      const name = /"model"\s*:\s*"([a-z]+)"/.exec(request.text())?.[1] ?? "echo";
      return (PROVIDER_MODELS[name] ?? echo)(request, reply);
    });
    const hooks = await startUpstream((_, reply) => reply.json(200, {}));
    const venturi = new Venturi({ config: configOf(upstream.base_url, hooks.base_url, options) });
    await venturi.line(/listening on/, 0, SLOW_MS);
    return new MarkedGateway(venturi, upstream, hooks);
  }

  get data(): string {
    return join(this.venturi.folder, "data");
  }

  /** Posts a body, and gives what came back; null where that broke off. */
  async post(
    path: string,
    body: unknown,
    asked: Asked = {},
  ): Promise<{ status: number; text: string } | null> {
    const type = body instanceof FormData ? {} : { "content-type": "application/json" };
    try {
      const response = await fetch(`${this.venturi.url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${asked.key ?? KEY}`, ...type, ...asked.headers },
        body: typeof body === "string" || body instanceof FormData ? body : JSON.stringify(body),
        ...(asked.signal === undefined ? {} : { signal: asked.signal }),
      });
      return { status: response.status, text: await response.text() };
    } catch {
      return null;
    }
  }

  /** Resolves when it takes calls again. */
  async answers(): Promise<void> {
    const ask = () => fetch(`${this.venturi.url}/health/ready`, { keepalive: false }).catch(() => null);
    for (const end_ms = performance.now() + SLOW_MS; (await ask())?.status !== 200; ) {
      if (performance.now() > end_ms) throw new Error("it takes no calls");
      await Bun.sleep(20);
    }
  }

  /** What the admin API answers at its socket. */
  async admin(path: string, method = "GET"): Promise<string> {
    const response = await fetch(`http://admin/admin/v1/${path}`, {
      unix: join(this.data, "admin.sock"),
      method,
    });
    return response.text();
  }

  /** All that is told of the calls so far: by metrics, the admin API, the processes' command lines. */
  async told(): Promise<Map<string, Buffer>> {
    await this.admin("ledger/flush", "POST");
    const told = new Map<string, Buffer>();
    told.set(
      "metrics",
      Buffer.from(await (await fetch(`${this.venturi.url}/metrics`, { keepalive: false })).text()),
    );
    for (const path of [
      "calls?limit=1000",
      "usage?by=user,feature,model,provider,key",
      "usage?by=served_model",
      "limits",
      "cache",
      "config",
      "keys",
      "audit",
    ]) {
      told.set(`admin ${path}`, Buffer.from(await this.admin(path)));
    }
    for (const pid of [this.venturi.pid, ...childrenOf(this.venturi.pid)]) {
      told.set(`command line of ${pid}`, readFileSync(`/proc/${pid}/cmdline`));
    }
    return told;
  }

  /** Every file of the run, as its bytes are. */
  files(): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const entry of readdirSync(this.data, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // What is renamed or removed while it is looked for is found by its other name, or is nowhere.
      if (entry.isFile() && existsSync(path)) files.set(path, readWritten(path));
    }
    return files;
  }

  /** What calls said, opened, as those see it who may. */
  contents(): Map<string, Buffer> {
    const contents = new Map<string, Buffer>();
    if (!existsSync(contentPath(this.data))) return contents;
    const key = readFileSync(join(this.data, "privacy.key"));
    const keys = { seal: keyFor(key, "content seal"), name: keyFor(key, "content name") };
    const store = ContentStore.open(this.data, keys) as ContentStore;
    const db = new Database(contentPath(this.data), { readonly: true });
    for (const { id } of db.query<{ id: string }, []>("SELECT id FROM calls").iterate()) {
      const { request, answer } = store.find(id)!;
      contents.set(`content of ${id}`, Buffer.concat([request, answer?.bytes ?? Buffer.alloc(0)]));
    }
    db.close();
    store.close();
    return contents;
  }

  /** What the processes said, and what was posted to others than the provider. */
  said(): Map<string, Buffer> {
    const posted = this.hooks.requests.map((request) => request.body);
    return new Map([
      ["log", Buffer.from([...this.venturi.lines, this.venturi.output].join("\n"))],
      ["billing events", Buffer.concat(posted)],
    ]);
  }

  /** All that the provider got. */
  sent(): Map<string, Buffer> {
    return new Map(
      this.upstream.requests.map(({ method, path, header_list, body }, index) => {
        const head = [`${method} ${path}`, ...header_list.map(([name, value]) => `${name}: ${value}`)].join(
          "\n",
        );
        return [`request ${index} to the provider`, Buffer.concat([Buffer.from(`${head}\n\n`), body])];
      }),
    );
  }

  /** Stops it as an operator does, with its folder left for who wants to look into it. */
  async stop(): Promise<void> {
    this.venturi.kill("SIGTERM");
    await this.venturi.exited;
  }

  async end(): Promise<void> {
    await this.venturi.end();
    this.upstream.stop();
    this.hooks.stop();
  }
}

const { symbols: libc } = dlopen("libc.so.6", { lseek: { args: ["i32", "i64", "i32"], returns: "i64" } });
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** What was ever written of a file, without its holes: most of a mapped file is one. */
function readWritten(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const parts: Buffer[] = [];
    for (let at = 0; at < size; ) {
      const start = Number(libc.lseek(file, at, SEEK_DATA));
      if (start < 0) break;
      at = Number(libc.lseek(file, start, SEEK_HOLE));
      const part = Buffer.alloc(at - start);
      parts.push(part.subarray(0, readSync(file, part, 0, part.length, start)));
    }
    return Buffer.concat(parts);
  } finally {
    closeSync(file);
  }
}

/** Every place in which a marker could be left: while it runs, and when it has stopped. What was audited has gone out as it came. */
export async function leaksOf(gateway: MarkedGateway, mode: Mode, search: MarkerSearch): Promise<string[]> {
  const sent = mode === "audit" ? [] : [gateway.sent()];
  const running = leaksIn([await gateway.told(), gateway.files(), gateway.said(), ...sent], search);
  await gateway.stop();
  const left = [gateway.files(), gateway.contents(), gateway.said(), ...sent];
  return [...running, ...leaksIn(left, search)];
}

/** Starts gateways for the tests of a file, several at a time; `end` ends them all. */
export function markedGateways(): {
  started(options: MarkedOptions): Promise<MarkedGateway>;
  end(): Promise<unknown>;
} {
  const all: MarkedGateway[] = [];
  return {
    async started(options) {
      const gateway = await MarkedGateway.start(options);
      all.push(gateway);
      return gateway;
    },
    end: () => Promise.all(all.map((gateway) => gateway.end())),
  };
}

/** The places that hold a marker, each with those that it holds. */
export function leaksIn(places: Iterable<ReadonlyMap<string, Uint8Array>>, search: MarkerSearch): string[] {
  const leaks: string[] = [];
  for (const place of places) {
    for (const [name, bytes] of place) {
      const found = search.in(bytes);
      if (found.length > 0) leaks.push(`${name}: ${found.slice(0, 5).join(", ")} (${found.length} in all)`);
    }
  }
  return leaks;
}

/** All markers, the names too. */
export const ALL_MARKERS = [...MARKERS, ...NAMED];
