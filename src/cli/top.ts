// `venturi top`: what the gateway does, redrawn in place. It asks the admin API of the data folder, and nothing of the calls' way.

import { processEnvironment } from "../config/environment.ts";
import { type AdminClient, openAdminOf } from "./admin_client.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "./command_line.ts";
import {
  COLOURS,
  type Look,
  lookJson,
  PLAIN,
  type Pulse,
  ratesBetween,
  screenLines,
  type TopCall,
  type TopTarget,
} from "./top_screen.ts";

const USAGE = `usage: venturi top [--every 2] [--once] [--json] [--data DIR]
redraws every so many seconds, until q or Ctrl-C; --once looks for one interval and ends; --json writes a line of JSON for each look`;
const { help, misuse, failed } = voiceOf("top", USAGE);

/** Calls that are asked for: as many as a tall terminal shows. */
const CALLS = 100;
/** The size of what is no terminal. */
const SIZE = { rows: 40, columns: 160 };
/** Another screen, without a cursor; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K";
const END_OF_SCREEN = "\u001b[J";

interface Flags {
  readonly every_ms: number;
  readonly is_once: boolean;
  readonly is_json: boolean;
  readonly data: string | undefined;
}

/** Runs it. Returns the exit code: 0, 1 where there is no gateway to look at, 2 for misuse. */
export async function top(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  if (flags === "help") return help();
  if (typeof flags === "string") return misuse(flags);
  const client = await openAdminOf(flags.data);
  if ("fault" in client) return failed(client.fault);
  const is_drawn = process.stdout.isTTY && !flags.is_json && !flags.is_once;
  try {
    if (is_drawn) process.stdout.write(ENTER);
    return await watch(client, flags, is_drawn);
  } finally {
    if (is_drawn) process.stdout.write(LEAVE);
    await client.close();
  }
}

/** Looks again and again, until somebody ends it. */
async function watch(client: AdminClient, flags: Flags, is_drawn: boolean): Promise<number> {
  const ended = new AbortController();
  const end = () => ended.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  // Told by the write that fails, too.
  process.stdout.on("error", end);
  if (is_drawn && process.stdin.isTTY) {
    process.stdin.setRawMode(true).resume();
    process.stdin.on("data", (keys) => {
      // Ctrl-C is a key here.
      if (["q", "\u0003"].includes(String(keys))) end();
    });
  }
  let before: Pulse | null = null;
  while (!ended.signal.aborted) {
    const look = await lookAt(client);
    if ("fault" in look) return failed(look.fault);
    const rates = before === null ? null : ratesBetween(before, look.pulse);
    // What is written once has rates.
    if (before !== null || !(flags.is_once || flags.is_json)) tell(look, rates, flags, is_drawn);
    if (flags.is_once && before !== null) return 0;
    before = look.pulse;
    await waitFor(flags.every_ms, ended.signal);
  }
  return 0;
}

function tell(look: Look, rates: ReturnType<typeof ratesBetween>, flags: Flags, is_drawn: boolean): void {
  if (flags.is_json) {
    process.stdout.write(`${lookJson(look, rates)}\n`);
    return;
  }
  const { rows, columns } = process.stdout;
  const has_colours = process.stdout.isTTY && processEnvironment()["NO_COLOR"] === undefined;
  const size = process.stdout.isTTY ? { rows, columns } : SIZE;
  const lines = screenLines(look, rates, size, has_colours ? COLOURS : PLAIN);
  if (!is_drawn) process.stdout.write(`${lines.join("\n")}\n`);
  else process.stdout.write(`${HOME}${lines.map((line) => line + END_OF_LINE).join("\n")}${END_OF_SCREEN}`);
}

async function lookAt(client: AdminClient): Promise<Look | { readonly fault: string }> {
  const [pulse, health, calls] = await Promise.all([
    client.ask("GET", "pulse"),
    client.ask("GET", "health"),
    client.ask("GET", `calls?limit=${CALLS}`),
  ]);
  const fault = pulse.fault ?? health.fault ?? calls.fault;
  if (fault !== null) return { fault };
  return {
    pulse: pulse.json as Pulse,
    targets: (health.json as { readonly data: readonly TopTarget[] }).data,
    calls: (calls.json as { readonly data: readonly TopCall[] }).data,
  };
}

function waitFor(duration_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, duration_ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The flags; in words what is wrong with them; or `help`. */
function readFlags(args: readonly string[]): Flags | string {
  const options = { every: FLAG, data: FLAG, once: SWITCH, json: SWITCH, help: HELP };
  const parsed = parseFlags(args, { options });
  if (typeof parsed === "string") return parsed;
  const { values } = parsed;
  if (values.help === true) return "help";
  const every_s = Number(values.every ?? "2");
  if (!(every_s >= 0.2 && every_s <= 3_600))
    return `--every must be seconds from 0.2 to 3600, not "${values.every}"`;
  if (values.data === "") return "--data must not be empty";
  const { once: is_once = false, json: is_json = false, data } = values;
  return { every_ms: every_s * 1_000, is_once, is_json, data };
}
