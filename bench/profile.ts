// Where the time of a call goes: the gateway process under `perf`, with the names of its compiled JavaScript. Every sample is
// counted under the innermost function of ours that was running, and by what it was running in: our code, the runtime, the kernel.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HIT_BODIES, HIT_ROW } from "./hits.ts";
import type { LoadOrder } from "./load_order.ts";
import { findProgram } from "./machine.ts";
import { type Case, caseOf, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { CACHED_MODEL, type Target, VENTURI } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Samples a second. */
const FREQUENCY = 2_999;
/** Functions with a smaller share are added up. */
const SHARE_MIN = 0.4;
/** A record of a jitdump file that brings code, and the length of its fixed part (Linux, tools/perf/Documentation/jitdump-specification.txt). */
const CODE_LOAD = 0;
const RECORD_HEAD_BYTES = 16;
const CODE_HEAD_BYTES = 40;

interface Code {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** The compiled functions that an engine wrote down, sorted by address. */
function readJitDump(bytes: Buffer): Code[] {
  const codes: Code[] = [];
  let at = bytes.readUInt32LE(8);
  while (at + RECORD_HEAD_BYTES <= bytes.length) {
    const size = bytes.readUInt32LE(at + 4);
    if (size === 0) break;
    if (bytes.readUInt32LE(at) === CODE_LOAD) {
      const start = Number(bytes.readBigUInt64LE(at + RECORD_HEAD_BYTES + 16));
      const length = Number(bytes.readBigUInt64LE(at + RECORD_HEAD_BYTES + 24));
      const name_at = at + RECORD_HEAD_BYTES + CODE_HEAD_BYTES;
      const name = bytes.toString("latin1", name_at, bytes.indexOf(0, name_at));
      codes.push({ start, end: start + length, name });
    }
    at += size;
  }
  return codes.sort((a, b) => a.start - b.start);
}

function codeAt(codes: readonly Code[], address: number): Code | null {
  let low = 0;
  let high = codes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (codes[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const code = codes[low - 1];
  return code !== undefined && address < code.end ? code : null;
}

/** `JSC-FTL: answerCall#AWaB1c` is our `answerCall`, `JSC-FTL: #use#ACvmzW` our `#use`; thunks are the engine's own. */
function functionOf(name: string): string | null {
  const match = /^JSC-(?:Baseline|DFG|FTL): (.*)#\w*$/.exec(name);
  return match === null ? null : match[1] || "(no name)";
}

/** Counts samples by function and place. `script` is the output of `perf script -F ip,dso`. */
export function attribute(script: string, codes: readonly Code[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const stack of script.split("\n\n")) {
    const frames = stack.split("\n").flatMap((line) => {
      const match = /^\s*([0-9a-f]+)\s+\((.*)\)\s*$/.exec(line);
      return match === null ? [] : [{ address: Number.parseInt(match[1]!, 16), object: match[2]! }];
    });
    if (frames.length === 0) continue;
    let place = frames[0]!.object.includes("kernel") ? "kernel" : "the runtime";
    let owner = "";
    for (const [depth, { address }] of frames.entries()) {
      const name = functionOf(codeAt(codes, address)?.name ?? "");
      if (name === null) continue;
      owner = name;
      if (depth === 0) place = "our code";
      break;
    }
    const row = place === "kernel" ? "kernel" : owner === "" ? "the runtime by itself" : `${owner}: ${place}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  return counts;
}

/** Records the gateway process under a load of `order`; null where perf may not. */
async function record(
  stage: Stage,
  target: Target,
  folder: string,
  changes: Partial<LoadOrder>,
): Promise<Map<string, number> | null> {
  const { seconds } = stage.sizes;
  await stage.generator.run(
    orderFor(stage, target, { ...changes, seconds: Math.max(0.1, stage.sizes.warm_seconds * 3) }),
  );
  const pid = target.pids().at(-1)!;
  const data = join(folder, "perf.data");
  const flags = ["-q", "--call-graph", "fp", "-F", String(FREQUENCY), "-p", String(pid), "-o", data];
  const load = stage.generator.run(orderFor(stage, target, changes));
  const perf = Bun.spawn(["perf", "record", ...flags, "--", "sleep", String(seconds * 0.8)], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  const [status] = await Promise.all([perf.exited, load]);
  if (status !== 0) return null;
  const script = Bun.spawnSync(["perf", "script", "-i", data, "-F", "ip,dso"]).stdout.toString();
  const dump = readdirSync(join(folder, "jit")).find((name) => name.endsWith(`-${pid}.dump`));
  const codes =
    dump === undefined ? [] : readJitDump(Buffer.from(await Bun.file(join(folder, "jit", dump)).bytes()));
  return attribute(script, codes);
}

function casesOf(row: string, counts: Map<string, number>): Case[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const shares = [...counts].map(([name, count]) => [name, (100 * count) / total] as const);
  const large = shares.filter(([, share]) => share >= SHARE_MIN).sort((a, b) => b[1] - a[1]);
  const rest = shares.filter(([, share]) => share < SHARE_MIN).reduce((sum, [, share]) => sum + share, 0);
  return [...large, ["all others", rest] as const].map(([name, share]) =>
    caseOf(row, name, [{ values: { share_percent: share }, fault: null, raw: total }]),
  );
}

/** What is profiled. */
const ROWS: readonly (readonly [row: string, changes: Partial<LoadOrder>])[] = [
  ["1 KB", {}],
  [HIT_ROW, { model: CACHED_MODEL, bodies: HIT_BODIES }],
];

/** Shares of processor time by function. */
export const profile: Part = {
  name: "profile",
  about:
    "Where the gateway process spends the time of plain 1 KB calls over 32 connections, by `perf`: under which of our functions, and in whose code.",
  usual: { seconds: 6, connections: 32 },
  run: async (sizes, log) => {
    if (findProgram("perf") === null) {
      log("perf is not installed: left out");
      return [];
    }
    const folder = mkdtempSync(join(tmpdir(), "venturi-profile-"));
    mkdirSync(join(folder, "jit"));
    const env = { BUN_JSC_useJITDump: "1", BUN_JSC_jitDumpDirectory: join(folder, "jit") };
    try {
      return await onStage(sizes, log, [{ ...VENTURI, env }], async (stage) => {
        await stage.provider.play(PLAIN_SCRIPT);
        const cases: Case[] = [];
        for (const [row, changes] of ROWS) {
          const counts = await record(stage, stage.targets[1]!, folder, changes);
          if (counts === null) log("perf may not record here: left out");
          else cases.push(...casesOf(row, counts));
        }
        return cases;
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
