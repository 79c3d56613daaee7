// A real Valkey or Redis server for tests: in a folder of its own, on a free port, with nothing written to disk. Where neither is
// installed, tests skip and say so.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HERE, type Place } from "./network_space.ts";

/** The server's program; null where there is none. */
export const SERVER = Bun.which("valkey-server") ?? Bun.which("redis-server");

/** What tests that need it are called when it is missing. */
export const NEEDS_SERVER =
  SERVER === null ? " (skipped: neither valkey-server nor redis-server is installed)" : "";

/** A server that runs. */
export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  /** Stops and goes on with the process. */
  pause(): void;
  resume(): void;
  /** Kills it, and starts another one on the same port with nothing in it. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Runs a command. */
  run(...command: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts one. */
export async function startRedis(
  lines: readonly string[] = [],
  fixed_port = 0,
  place: Place = HERE,
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "venturi-redis-"));
  const port = fixed_port || (await freePort());
  writeFileSync(
    join(folder, "redis.conf"),
    [`port ${port}`, `bind ${place.bind}`, `dir ${folder}`, 'save ""', "appendonly no", ...lines].join("\n"),
  );
  let child = await spawn(folder, port, place);
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    port,
    get pid() {
      return child.pid;
    },
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    kill,
    restart: async () => {
      await kill();
      child = await spawn(folder, port, place);
    },
    run: async (command, ...args) => {
      const client = new Bun.RedisClient(`redis://${place.hostname}:${port}`);
      try {
        return await client.send(command!, args);
      } finally {
        client.close();
      }
    },
    stop: async () => {
      child.kill("SIGCONT");
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function spawn(folder: string, port: number, place: Place): Promise<Bun.Subprocess> {
  const child = Bun.spawn([...place.prefix, SERVER!, join(folder, "redis.conf")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${SERVER} ended with ${child.exitCode}`);
    if (await answers(place.hostname, port)) return child;
    await Bun.sleep(10);
  }
}

async function answers(hostname: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const closed = () => resolve(false);
  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      open: (own) => void own.write("PING\r\n"),
      // What asks for a password or TLS answers as well.
      data: () => resolve(true),
      close: closed,
      error: closed,
      connectError: closed,
    },
  }).catch(() => null);
  if (socket === null) return false;
  const is_up = await promise;
  socket.end();
  return is_up;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
