// A Postgres server of a test's own: in a temporary folder, on a free port, as a user that is not root, which it would refuse to be.

import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HERE, type Place } from "../network_space.ts";
import { freePort } from "../redis_server.ts";

/** Where Debian and others put the server's programs. */
const PLACES = ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"];
const PASSWORD = "secret-of-tests";

function findPrograms(): string | null {
  for (const place of PLACES) {
    if (!existsSync(place)) continue;
    for (const version of readdirSync(place).sort((a, b) => Number(b) - Number(a))) {
      const folder = join(place, version, "bin");
      if (existsSync(join(folder, "initdb"))) return folder;
    }
  }
  const found = Bun.which("initdb");
  return found === null ? null : join(found, "..");
}

const programs = findPrograms();

/** Who the server runs as: whoever runs the tests, but for root. */
function userIds(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ["postgres", "nobody"]) {
    const found = spawnSync("id", ["-u", name], { encoding: "utf8" });
    const group = spawnSync("id", ["-g", name], { encoding: "utf8" });
    if (found.status === 0) return { uid: Number(found.stdout), gid: Number(group.stdout) };
  }
  return null;
}

/** Why there can be no server here; null if there can. */
export const postgres_missing: string | null =
  programs === null ? "PostgreSQL is not installed (Debian: apt-get install postgresql)" : null;

if (postgres_missing !== null) console.warn(`${postgres_missing}: its tests are skipped`);

/** A server. */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  readonly #place: Place;
  #process: Bun.Subprocess | null = null;

  private constructor(folder: string, port: number, options: readonly string[], place: Place) {
    this.#folder = folder;
    this.port = port;
    this.#options = options;
    this.#place = place;
  }

  /** Starts one; `options` are settings, such as `ssl=on`. */
  static async start(options: readonly string[] = [], place: Place = HERE): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), "venturi-pg-"));
    const ids = userIds();
    if (ids !== null) chownSync(folder, ids.uid, ids.gid);
    const password_file = join(folder, "password");
    writeFileSync(password_file, PASSWORD);
    if (ids !== null) chownSync(password_file, ids.uid, ids.gid);
    execFileSync(
      join(programs!, "initdb"),
      [
        ...["-D", join(folder, "data"), "-U", "venturi", "-A", "scram-sha-256", "-E", "UTF8"],
        ...["--locale=C", "--no-sync", `--pwfile=${password_file}`],
      ],
      { cwd: folder, stdio: ["ignore", "ignore", "inherit"], ...(ids ?? {}) },
    );
    const server = new PostgresServer(folder, await freePort(), options, place);
    appendFileSync(join(server.data, "pg_hba.conf"), "host all all 10.0.0.0/8 scram-sha-256\n");
    await server.go();
    return server;
  }

  /** The folder of its data, for files that its settings name. */
  get data(): string {
    return join(this.#folder, "data");
  }

  /** Its address, with a schema. */
  url(schema: string, more = "", hostname = this.#place.hostname): string {
    return `postgres://venturi:${PASSWORD}@${hostname}:${this.port}/postgres?schema=${schema}${more}`;
  }

  /** Starts it again, with more settings; resolves when it answers. */
  async go(more: readonly string[] = []): Promise<void> {
    const settings = ["fsync=off", "max_connections=60", "log_min_messages=fatal", ...this.#options, ...more];
    const { bind, hostname, prefix } = this.#place;
    const command = [
      ...[join(programs!, "postgres"), "-D", this.data, "-p", String(this.port), "-h", bind],
      ...["-k", this.#folder, ...settings.flatMap((setting) => ["-c", setting])],
    ];
    const ids = userIds();
    const as = ids === null ? [] : ["setpriv", `--reuid=${ids.uid}`, `--regid=${ids.gid}`, "--clear-groups"];
    rmSync(join(this.data, "postmaster.pid"), { force: true });
    this.#process = Bun.spawn([...prefix, ...as, ...command], {
      ...{ cwd: this.#folder, stdout: "ignore", stderr: "pipe" },
    });
    const said = this.#process.stderr as ReadableStream<Uint8Array>;
    const words = new Response(said).text();
    for (let tries = 0; tries < 300; tries++) {
      if (this.#process.exitCode !== null) throw new Error(`Postgres does not start: ${await words}`);
      const ready = spawnSync(join(programs!, "pg_isready"), ["-h", hostname, "-p", String(this.port)]);
      if (ready.status === 0) return;
      await Bun.sleep(50);
    }
    throw new Error("Postgres does not answer");
  }

  /** Kills it as a crash would, with all that serve its connections. */
  async kill(): Promise<void> {
    const pids = this.#pids();
    this.#process?.kill("SIGKILL");
    for (const pid of pids) signal(pid, "SIGKILL");
    await this.#process?.exited;
  }

  /** Stops it in the middle of whatever it does. */
  pause(): void {
    for (const pid of this.#pids()) signal(pid, "SIGSTOP");
  }

  resume(): void {
    for (const pid of this.#pids()) signal(pid, "SIGCONT");
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.resume();
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** It, and the processes of its connections. */
  #pids(): number[] {
    const own = this.#process?.pid;
    if (own === undefined) return [];
    const children = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => parentOf(name) === own);
    return [own, ...children.map(Number)];
  }
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}
