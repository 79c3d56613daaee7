// The gateway as a user runs it: the command in a process of its own, in a folder of its own, seen through its log, its port
// and its signals. Waits end with what they wait for, or fail after a bound with all that the gateway said.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { childrenOf, isAlive, roleOf } from "./processes.ts";

const MAIN = resolve(process.env["VENTURI_MAIN"] ?? join(import.meta.dirname, "../../src/main.ts"));

/** How to run it. */
export interface RunOptions {
  /** Flags of `serve`, besides `--port 0 --data ./data`, which stand before them. */
  readonly args?: readonly string[];
  /** The text of `venturi.yaml` in its folder; none is written without. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The whole command line behind the program's name. */
  readonly command?: readonly string[];
  /** The program; by default the sources. */
  readonly program?: readonly string[];
  /** Descriptor of a socket that it is handed, as a service manager does. */
  readonly socket?: number;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** How long after it was started, in milliseconds. */
  readonly after_ms: number;
}

/** A gateway that runs. */
export class Venturi {
  readonly folder: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Lines of its log, and what goes to standard output. */
  readonly lines: string[] = [];
  output = "";
  /** Where it listens; 0 until it has said so. */
  port = 0;
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #waits = new Set<() => void>();

  constructor(options: RunOptions = {}) {
    this.folder = mkdtempSync(join(tmpdir(), "venturi-"));
    if (options.config !== undefined) this.writeConfig(options.config);
    const started_ms = performance.now();
    const args = options.command ?? ["serve", "--port", "0", "--data", "./data", ...(options.args ?? [])];
    const { socket } = options;
    const command = [...(options.program ?? [process.execPath, MAIN]), ...args];
    // The process has to know its own id before it is this program.
    const handed = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", ...command];
    this.#process = Bun.spawn(socket === undefined ? command : handed, {
      cwd: this.folder,
      env: { PATH: process.env["PATH"] ?? "", ...options.env },
      stdio: ["ignore", "pipe", "pipe", ...(socket === undefined ? [] : [socket])],
    });
    this.pid = this.#process.pid;
    const told = Promise.all([
      readLines(this.#process.stderr, (line) => this.#hear(line)),
      readLines(this.#process.stdout, (line) => {
        this.output += `${line}\n`;
      }),
    ]);
    this.exited = this.#process.exited.then(async () => {
      const after_ms = performance.now() - started_ms;
      // A gateway process that outlives it holds the pipes open.
      await Promise.race([told, Bun.sleep(500)]);
      const { exitCode: code, signalCode: signal } = this.#process;
      for (const ask of this.#waits) ask();
      return {
        code: signal === null ? code : null,
        signal: signal === null ? null : String(signal),
        after_ms,
      };
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get config_path(): string {
    return join(this.folder, "venturi.yaml");
  }

  writeConfig(text: string): void {
    writeFileSync(this.config_path, text);
  }

  /** The gateway processes that live. */
  get gateways(): number[] {
    return childrenOf(this.pid).filter((pid) => roleOf(pid) === "gateway");
  }

  /** The inference process; null while there is none. */
  get inference(): number | null {
    return childrenOf(this.pid).find((pid) => roleOf(pid) === "inference") ?? null;
  }

  /** Waits for a line of the log, by default anywhere in it, else among those from `from` on; gives the line. */
  async line(pattern: RegExp, from = 0, limit_ms = 25_000): Promise<string> {
    const find = () => this.lines.slice(from).find((line) => pattern.test(line));
    await this.until(() => find() !== undefined, `a line like ${pattern}`, limit_ms);
    return find()!;
  }

  /** Waits until something holds: asked at every line, and every few milliseconds. */
  async until(isSo: () => boolean, what: string, limit_ms = 25_000): Promise<void> {
    const { promise, resolve: settle, reject } = Promise.withResolvers<void>();
    const ask = () => {
      if (isSo()) settle();
    };
    const late = () =>
      reject(new Error(`no ${what} within ${limit_ms} ms; it said:\n${this.lines.join("\n")}`));
    const timers = [setTimeout(late, limit_ms), setInterval(ask, 20)];
    this.#waits.add(ask);
    ask();
    try {
      await promise;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#waits.delete(ask);
    }
  }

  /** Waits until it says where it listens. */
  async ready(): Promise<this> {
    await this.line(/listening on/);
    return this;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it, asking first, and removes its folder. */
  async end(): Promise<void> {
    if (isAlive(this.pid)) {
      const gateways = this.gateways;
      this.kill("SIGTERM");
      const exit = await Promise.race([this.exited, Bun.sleep(3_000).then(() => null)]);
      if (exit === null) {
        this.kill("SIGKILL");
        for (const pid of gateways) if (isAlive(pid)) process.kill(pid, "SIGKILL");
        await this.exited;
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #hear(line: string): void {
    this.lines.push(line);
    const port = /listening on https?:\/\/.*:(\d+) /.exec(line)?.[1];
    if (port !== undefined) this.port = Number(port);
    for (const ask of this.#waits) ask();
  }
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  }
  if (rest !== "") onLine(rest);
}

/** Asks the admin API of whichever gateway has a data folder. */
export function admin(data: string, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`http://admin/admin/v1/${path}`, {
    ...{ method, unix: join(data, "admin.sock") },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The body of a chat call. */
export function chat(model: string, content = "hello there", extra: Record<string, unknown> = {}): string {
  return JSON.stringify({ model, messages: [{ role: "user", content }], ...extra });
}

/** The sum of a metric's samples whose labels hold all of `labels` (as text, such as `status="200"`). */
export async function metric(url: string, name: string, ...labels: string[]): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { keepalive: false })).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
