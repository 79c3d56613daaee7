// Whether a program can do this gateway's work: it is started beside it as a user would start it, with the same configuration, on a port
// and in a data folder of its own, asked whether it is ready, and ended. All that it has to understand is the command line.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TRIAL_VARIABLE, trialEnvironment } from "../../config/environment.ts";
import { claimPort } from "../port.ts";

const READY_MAX_MS = 30_000;
const LOOK_MS = 20;
/** How often a program that is tried looks whether anybody waits for it. */
const PARENT_LOOK_MS = 500;
/** How long it may take to end. */
const END_MAX_MS = 5_000;
/** What is told of what it said. */
const SAID_MAX_CHARS = 2_000;

/** What is tried. */
export interface TrialOptions {
  /** The command line, with the flags that this gateway was started with. */
  readonly command: readonly string[];
  /** This gateway's data folder. */
  readonly data: string;
  /** Whether it speaks TLS, and whether clients show certificates, which nobody here has. */
  readonly is_tls: boolean;
  readonly asks_certificates: boolean;
}

/** Has this process end with the one that tries it, if the environment names one. */
export function endWithTrial(env: Readonly<Record<string, string | undefined>>): void {
  const tried_by = env[TRIAL_VARIABLE];
  if (tried_by === undefined) return;
  setInterval(() => {
    if (String(process.ppid) !== tried_by) process.kill(process.pid, "SIGTERM");
  }, PARENT_LOOK_MS).unref();
}

/** Tries it; null if it is ready to answer, else in words why not. */
export async function tryOut({
  command,
  data,
  is_tls,
  asks_certificates,
}: TrialOptions): Promise<string | null> {
  const port = claimPort("127.0.0.1", 0);
  if (typeof port !== "number") return port.fault;
  const folder = join(data, "trial");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  const flags = ["--data", folder, "--host", "127.0.0.1", "--port", String(port), "--workers", "1"];
  let trial: Bun.Subprocess<"ignore", "ignore", "pipe">;
  try {
    trial = Bun.spawn([...command, ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: trialEnvironment(process.pid),
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    return `it cannot be started: ${error instanceof Error ? error.message : String(error)}`;
  }
  let said = "";
  const listening = (async () => {
    for await (const chunk of trial.stderr)
      said = (said + Buffer.from(chunk).toString()).slice(-SAID_MAX_CHARS);
  })();
  const url = `${is_tls ? "https" : "http"}://127.0.0.1:${port}/health/ready`;
  const isReady = () => (asks_certificates ? connects(port) : answers(url));
  const late_ms = performance.now() + READY_MAX_MS;
  let is_ready = false;
  while (!is_ready && trial.exitCode === null && trial.signalCode === null && performance.now() < late_ms) {
    is_ready = await isReady();
    if (!is_ready) await Bun.sleep(LOOK_MS);
  }
  const status = trial.exitCode ?? trial.signalCode;
  const timer = setTimeout(() => trial.kill("SIGKILL"), is_ready ? END_MAX_MS : 0);
  trial.kill("SIGTERM");
  await trial.exited;
  clearTimeout(timer);
  await Promise.race([listening, Bun.sleep(LOOK_MS)]);
  rmSync(folder, { recursive: true, force: true });
  if (is_ready) return null;
  const what =
    status === null ? `it was not ready within ${READY_MAX_MS / 1_000} s` : `it ended with ${status}`;
  return said.trim() === "" ? what : `${what}, and said: ${said.trim().split("\n").join("; ")}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    // A certificate for a name is not one for this address.
    const response = await fetch(url, {
      tls: { rejectUnauthorized: false },
      signal: AbortSignal.timeout(2_000),
    });
    return response.ok;
  } catch {
    return false;
  }
}

async function connects(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
