// What is measured: the provider directly, and Venturi, HAProxy and nginx before it where they are installed.
// Each listens on 127.0.0.1 in processes of its own, with one process or thread that answers, on the target's core.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childrenOf, cpuMs, isAlive } from "../test/chaos/processes.ts";
import { findProgram, type Placement, pinned } from "./machine.ts";

/** Something to put a load on. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** Path of its chat calls, lines of the head that they need, and the name of the model there. */
  readonly path: string;
  readonly headers: string;
  readonly model: string;
  /** Its first process; null for `direct`, whose processes are the provider's. */
  readonly pid: number;
  /** All its processes. */
  pids(): number[];
  stop(): Promise<void>;
}

const START_MAX_MS = 10_000;
const STOP_MAX_MS = 5_000;

/** A program with its configuration, to be started. */
export interface Program {
  readonly name: string;
  /** The command, given the port to listen on, the provider's port, and a folder of its own; null if not installed. */
  command(port: number, upstream: number, folder: string): string[] | null;
  readonly path?: string;
  /** Lines of the head of every call, each with its line end. */
  readonly headers?: string | ((upstream: number) => string);
  readonly model?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take until it listens, and to end. */
  readonly start_max_ms?: number;
  readonly stop_max_ms?: number;
}

/** The client's key that Venturi knows, so that authentication is part of every row. */
export const CLIENT_KEY = "vk-bench-0123456789abcdef0123456789abcdef";
const AUTHORIZATION = `authorization: Bearer ${CLIENT_KEY}\r\n`;
/** A key that it does not know. */
export const WRONG_AUTHORIZATION = `authorization: Bearer ${CLIENT_KEY.replace("0123", "4567")}\r\n`;

const MAIN = join(import.meta.dirname, "../src/main.ts");
const ROLES = join(import.meta.dirname, "../src/roles.ts");
const REFUSAL = `{"error":{"message":"Rate limit exceeded.","type":"rate_limit_error","param":null,"code":"rate_limit"}}`;

/** Writes a configuration into the folder; gives its path. */
export function writeConfig(folder: string, text: string, name = "config"): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** The model that keeps its answers, and the one that gives them for similar requests too. */
export const CACHED_MODEL = "cached";
export const SIMILAR_MODEL = "similar";
/** The model whose requests are looked through for personal data. */
export const PRIVATE_MODEL = "private";
/** The model of a provider that speaks Anthropic's Messages. */
export const TRANSLATED_MODEL = "translated";
/** The model that is served by several providers alike: one process may not have as many connections as are wanted. */
export const SPREAD_MODEL = "spread";

/**
 * Venturi with everything on that exists, and so many gateway processes.
 * @param beside ports of more providers
 * @param program what is started, by default what `npm ci` leaves
 */
export function venturi(
  name: string,
  workers: number,
  beside: readonly number[] = [],
  program?: readonly string[],
): Program {
  const text = (port: number, upstream: number) => {
    const providers = [upstream, ...beside].map((at, index) => ({ name: `bench${index || ""}`, at }));
    return `
listen: { port: ${port}, workers: ${workers} }
providers:
${providers.map(({ name, at }) => `  ${name}: { kind: openai, base_url: "http://127.0.0.1:${at}/v1", api_keys: [none] }`).join("\n")}
  messages: { kind: anthropic, base_url: "http://127.0.0.1:${upstream}", api_keys: [none] }
keys: [{ name: bench, key: "${CLIENT_KEY}" }]
models:
  ${CACHED_MODEL}: { targets: [bench/bench], cache: { exact: { ttl_s: 3600 } } }
  ${TRANSLATED_MODEL}: { targets: [messages/bench] }
  ${PRIVATE_MODEL}: { targets: [bench/bench], privacy: { mode: redact } }
  ${SPREAD_MODEL}: { strategy: weighted, targets: [${providers.map(({ name }) => `${name}/bench`).join(", ")}] }
  ${SIMILAR_MODEL}: { targets: [bench/bench], cache: { semantic: { threshold: 0.9, ttl_s: 3600 } } }
`;
  };
  return configured(name, text, {}, program);
}

/**
 * Venturi with a configuration, as `npm ci` leaves it.
 * @param text the configuration, given the port to listen on and the provider's
 */
export function configured(
  name: string,
  text: (port: number, upstream: number) => string,
  more: Partial<Program> = {},
  program: readonly string[] = [process.execPath, MAIN],
): Program {
  return {
    name,
    command: (port, upstream, folder) => [
      ...program,
      "serve",
      "--config",
      writeConfig(folder, text(port, upstream)),
      "--data",
      folder,
    ],
    ...more,
  };
}

/** What the executable is called in results. */
export const EXECUTABLE = "venturi, executable";

/** Runs `venturi build`; gives in its own words why it could not, or null. */
async function build(...flags: readonly string[]): Promise<string | null> {
  const made = Bun.spawn([process.execPath, MAIN, "build", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  if ((await made.exited) === 0) return null;
  return (await new Response(made.stderr).text()).trim().split("\n").at(-1)!;
}

/** Makes the executable in a folder, as `npx venturi build` does; null where it cannot be made. */
export async function executable(folder: string, log: (line: string) => void): Promise<Program | null> {
  const file = join(folder, "venturi");
  const fault = await build("--output", file);
  if (fault === null) return venturi(EXECUTABLE, 1, [], [file]);
  log(`no executable: left out; ${fault}`);
  return null;
}

/** Makes the modules by which Venturi starts, of the sources as they are: those that `npm ci` made may be older. */
export async function makeModules(log: (line: string) => void): Promise<void> {
  const fault = await build("--modules");
  if (fault !== null) log(`no modules: Venturi runs from its sources; ${fault}`);
}

/** Venturi as every row measures it: with one gateway process. */
export const VENTURI: Program = venturi("venturi", 1);

/** The same from its sources, whatever was made of them. */
export const SOURCES: Program = venturi("venturi, sources alone", 1, [], [process.execPath, ROLES]);

/**
 * The runtime's server with nothing behind it: a constant refusal, an answer that it has, or a relay that looks at nothing.
 * @param more_us processor time that it wastes on each call: what a server would be like that does so much more
 */
export function bareServer(kind: "constant" | "kept" | "relay", more_us = 0): Program {
  const script = join(import.meta.dirname, "bare_server.ts");
  return {
    name: more_us === 0 ? "bare server" : `bare server, ${more_us} µs more`,
    command: (port, upstream) => [process.execPath, script, kind, ...[port, upstream, more_us].map(String)],
  };
}

function haproxy(name: string, rules: (upstream: number) => string): Program {
  const config = (port: number, upstream: number) => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
  # Without this it waits for more to send, which saves system calls and holds the chunks of a stream back.
  option http-no-delay
listen bench
  bind 127.0.0.1:${port} backlog 4096
  ${rules(upstream)}
`;
  return {
    name,
    command: (port, upstream, folder) => {
      const path = findProgram("haproxy");
      return path === null ? null : [path, "-db", "-f", writeConfig(folder, config(port, upstream))];
    },
  };
}

/** HAProxy as a relay. */
export const HAPROXY = haproxy("haproxy", (upstream) => `server upstream 127.0.0.1:${upstream}`);

/** HAProxy that answers everything with a constant 429. */
export const HAPROXY_429 = haproxy(
  "haproxy",
  () => `http-request return status 429 content-type application/json string '${REFUSAL}'`,
);

function nginx(location: string): Program {
  const config = (port: number, upstream: number, folder: string) => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log;
worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  client_max_body_size 64m;
  upstream bench { server 127.0.0.1:${upstream}; keepalive 1024; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096; keepalive_requests 100000000;
    location / { ${location} }
  }
}`;
  return {
    name: "nginx",
    command: (port, upstream, folder) => {
      const path = findProgram("nginx");
      if (path === null) return null;
      return [
        path,
        "-p",
        folder,
        "-e",
        `${folder}/log`,
        "-c",
        writeConfig(folder, config(port, upstream, folder)),
      ];
    },
  };
}

/** nginx as a relay: with buffering, it holds the chunks of a stream back and writes large bodies into files. */
export const NGINX = nginx(
  'proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 600s;',
);

/** nginx that answers everything with a constant 429. */
export const NGINX_429 = nginx(`default_type application/json; return 429 '${REFUSAL}';`);

/** What every row is measured through, in this order. */
export const RELAYS: readonly Program[] = [VENTURI, HAPROXY, NGINX];

/** A process and all below it. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

/** Processor time of all processes of a target so far, in milliseconds. */
export function cpuOf(target: Target): number {
  return target.pids().reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/** A port that is free at the moment. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}

/** Whether somebody takes connections there. */
export async function isListening(port: number): Promise<boolean> {
  try {
    (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).terminate();
    return true;
  } catch {
    return false;
  }
}

function lastLine(file: string): string {
  return readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
}

/** A program that was spawned, and may not listen yet. */
export interface Spawned extends Target {
  /** Whether it has ended, and what it said last. */
  ended(): string | null;
}

/** Programs that run, to be ended should the suite be interrupted. */
const running = new Set<{ readonly pid: number; readonly folder: string }>();

/** Ends every program that still runs, at once, and removes its folder. */
export function endPrograms(): void {
  for (const { pid, folder } of running) {
    for (const each of processTree(pid).toReversed()) if (isAlive(each)) process.kill(each, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Spawns a program before the provider; null where it is not installed. */
export function spawnProgram(
  program: Program,
  upstream: number,
  placement: Placement | null,
): Spawned | null {
  const folder = mkdtempSync(join(tmpdir(), "venturi-bench-"));
  const port = freePort();
  const command = program.command(port, upstream, folder);
  if (command === null) {
    rmSync(folder, { recursive: true });
    return null;
  }
  const output = join(folder, "output");
  const spawned = Bun.spawn(pinned(command, placement?.target_core), {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...program.env },
    stdin: "ignore",
    stdout: Bun.file(output),
    stderr: Bun.file(output),
  });
  const entry = { pid: spawned.pid, folder };
  running.add(entry);
  const { headers = AUTHORIZATION } = program;
  return {
    name: program.name,
    port,
    path: program.path ?? "/v1/chat/completions",
    headers: typeof headers === "string" ? headers : headers(upstream),
    model: program.model ?? "bench/bench",
    pid: spawned.pid,
    pids: () => processTree(spawned.pid),
    ended: () => (spawned.exitCode === null ? null : lastLine(output)),
    stop: async () => {
      const below = processTree(spawned.pid).slice(1);
      spawned.kill("SIGTERM");
      const late_ms = program.stop_max_ms ?? STOP_MAX_MS;
      if ((await Promise.race([spawned.exited, Bun.sleep(late_ms).then(() => "late")])) === "late") {
        for (const pid of below) if (isAlive(pid)) process.kill(pid, "SIGKILL");
        spawned.kill("SIGKILL");
        await spawned.exited;
      }
      running.delete(entry);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a program before the provider and waits until it listens; says why where it cannot, and gives null. */
export async function startProgram(
  program: Program,
  upstream: number,
  placement: Placement | null,
  log: (line: string) => void,
): Promise<Target | null> {
  const target = spawnProgram(program, upstream, placement);
  if (target === null) {
    log(`${program.name} is not installed: left out`);
    return null;
  }
  const until_ms = performance.now() + (program.start_max_ms ?? START_MAX_MS);
  while (performance.now() < until_ms && target.ended() === null) {
    if (await isListening(target.port)) return target;
    await Bun.sleep(20);
  }
  log(`${program.name} does not start: left out; it says: ${target.ended()}`);
  await target.stop();
  return null;
}
