// What is measured: the provider directly, Venturi before it, and HAProxy and nginx before it where they are installed.
// Each listens on 127.0.0.1 in processes of its own, with one process or thread that answers.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childrenOf, tcpRows } from "../test/chaos/processes.ts";

/** Something to put a load on. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** All its processes. */
  pids(): number[];
  stop(): Promise<void>;
}

const CONFIGS = {
  venturi: (port: number, upstream: number) => `
listen: { port: ${port}, workers: 1 }
providers: { bench: { kind: openai, base_url: "http://127.0.0.1:${upstream}/v1", api_keys: [none] } }`,
  haproxy: (port: number, upstream: number) => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen bench
  bind 127.0.0.1:${port}
  server upstream 127.0.0.1:${upstream}
`,
  nginx: (port: number, upstream: number, folder: string) => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  upstream bench { server 127.0.0.1:${upstream}; keepalive 256; }
  server {
    listen 127.0.0.1:${port}; keepalive_requests 100000000;
    location / { proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}`,
} as const;

/** The command that runs a program with its configuration; null where it is not installed. */
function commandFor(name: keyof typeof CONFIGS, file: string, folder: string): string[] | null {
  const main = join(import.meta.dirname, "../src/main.ts");
  if (name === "venturi") return [process.execPath, main, "serve", "--config", file, "--data", folder];
  const path = Bun.which(name, { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` });
  if (path === null) return null;
  return name === "haproxy"
    ? [path, "-db", "-f", file]
    : [path, "-p", folder, "-e", `${folder}/log`, "-c", file];
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}

async function startProgram(name: keyof typeof CONFIGS, upstream: number): Promise<Target | null> {
  const folder = mkdtempSync(join(tmpdir(), "venturi-bench-"));
  const file = join(folder, "config");
  const port = freePort();
  writeFileSync(file, CONFIGS[name](port, upstream, folder));
  const command = commandFor(name, file, folder);
  const spawned = command && Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const stop = async () => {
    spawned?.kill("SIGTERM");
    await spawned?.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const isListening = () => tcpRows().some((row) => row.state === "0A" && row.local_port === port);
  for (let look = 0; look < 200 && spawned?.exitCode === null && !isListening(); look++) await Bun.sleep(50);
  if (spawned !== null && isListening()) {
    return { name, port, pids: () => [spawned.pid, ...childrenOf(spawned.pid)], stop };
  }
  await stop();
  return null;
}

/** Starts the provider and everything before it that is installed. */
export async function startTargets(log: (line: string) => void): Promise<Target[]> {
  const upstream = Bun.spawn([process.execPath, join(import.meta.dirname, "upstream.ts")]);
  const first = await upstream.stdout.getReader().read();
  const port = Number(Buffer.from(first.value ?? []).toString());
  const stop = async () => upstream.kill();
  const targets: Target[] = [{ name: "direct", port, pids: () => [upstream.pid], stop }];
  for (const name of ["venturi", "haproxy", "nginx"] as const) {
    const target = await startProgram(name, port);
    if (target === null) log(`${name} is not installed or does not start: left out`);
    else targets.push(target);
  }
  return targets;
}
