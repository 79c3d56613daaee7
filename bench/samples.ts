// What `perf` saw of a process that compiles JavaScript: each sample is counted by what the process was doing, and under the
// innermost function of ours that was running.

/** A record of a jitdump file that brings code, and the length of its fixed part (Linux, tools/perf/Documentation/jitdump-specification.txt). */
const CODE_LOAD = 0;
const RECORD_HEAD_BYTES = 16;
const CODE_HEAD_BYTES = 40;

/** A compiled function, and where it lies. */
export interface Code {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** The compiled functions that an engine wrote down, sorted by address. */
export function readJitDump(bytes: Buffer): Code[] {
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

/** What a process may be doing, in the order in which it is told. */
export const ACTIVITIES = {
  kernel: "kernel",
  runtime: "the runtime by itself",
  called: "the runtime, called by our functions",
  ours: "our compiled code",
  addons: "native addons",
} as const;
/** What the kernel does where nobody called it: interrupts, and what they leave to be done. */
const INTERRUPTS = "interrupts";

/** Samples, counted three times over. */
export interface Counts {
  readonly samples: number;
  /** By activity. */
  readonly activities: ReadonlyMap<string, number>;
  /** Those in the kernel by the system call that is served (`sendto`), page faults and interrupts. */
  readonly kernel: ReadonlyMap<string, number>;
  /** Those outside the kernel by function, and whether it ran itself or had called the runtime; by file, of addons. */
  readonly functions: ReadonlyMap<string, number>;
}

interface Frame {
  readonly address: number;
  readonly symbol: string;
  readonly object: string;
}

/** A line of a sample, `ffffffff81e314b0 __x64_sys_sendto ([kernel.kallsyms])`; null for another. */
function frameOf(line: string): Frame | null {
  const match = /^\s*([0-9a-f]+) (.*) \((.*)\)\s*$/.exec(line);
  return match === null
    ? null
    : { address: Number.parseInt(match[1]!, 16), symbol: match[2]!, object: match[3]! };
}

/** For what the kernel was entered: the outermost of its frames that tells. */
function entryOf(frames: readonly Frame[]): string {
  for (const { symbol } of frames.toReversed()) {
    const call = /^__(?:x64|arm64)_sys_(\w+)$/.exec(symbol)?.[1];
    if (call !== undefined) return call;
    if (/page_fault|el0_[di]a$/.test(symbol)) return "page faults";
  }
  return INTERRUPTS;
}

/** Counts samples. `script` is the output of `perf script -F ip,sym,dso`: stacks with the innermost frame first, a blank line between. */
export function attribute(script: string, codes: readonly Code[]): Counts {
  const activities = new Map<string, number>(Object.values(ACTIVITIES).map((name) => [name, 0]));
  const kernel = new Map<string, number>();
  const functions = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  let samples = 0;
  for (const stack of script.split(/\n\s*\n/)) {
    const frames = stack.split("\n").flatMap((line) => frameOf(line) ?? []);
    if (frames.length === 0) continue;
    samples += 1;
    if (frames[0]!.object.includes("kernel")) {
      count(activities, ACTIVITIES.kernel);
      count(kernel, entryOf(frames));
      continue;
    }
    // Addons keep no frame pointers, so that nobody knows who called.
    const addon = /([^/]+\.node)$/.exec(frames[0]!.object)?.[1];
    if (addon !== undefined) {
      count(activities, ACTIVITIES.addons);
      count(functions, `${addon}: native code`);
      continue;
    }
    const names = frames.map(({ address }) => functionOf(codeAt(codes, address)?.name ?? ""));
    const depth = names.findIndex((name) => name !== null);
    if (depth < 0) {
      count(activities, ACTIVITIES.runtime);
      continue;
    }
    count(activities, depth === 0 ? ACTIVITIES.ours : ACTIVITIES.called);
    count(functions, `${names[depth]}: ${depth === 0 ? "our code" : "the runtime"}`);
  }
  return { samples, activities, kernel, functions };
}
