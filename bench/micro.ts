// Measures the functions over bytes, in TypeScript and at every level of native code: ns a call and GB/s; the mapped file;
// what a call's account costs.
// `bun bench/micro.ts [--ms 200] [scan | candidates | tokens | markers | sse | privacy | recognisers | names | memory | account | health | translation | policy ...]`

import { parseArgs } from "node:util";
import { implementations, type Kernels } from "../src/wire/kernels.ts";
import { markerSet } from "../src/wire/markers.ts";
import { accountTasks } from "./micro/account.ts";
import { healthTasks } from "./micro/health.ts";
import { type Figure, measure, type Task } from "./micro/measure.ts";
import { memoryTasks } from "./micro/memory.ts";
import { nameTasks } from "./micro/names.ts";
import { policyTasks } from "./micro/policy.ts";
import { privacyTasks } from "./micro/privacy.ts";
import { recogniserTasks } from "./micro/recognisers.ts";
import { sseTasks } from "./micro/sse.ts";
import { type Text, texts } from "./micro/texts.ts";
import { translationTasks } from "./micro/translation.ts";

const MARKERS = markerSet(["[EMAIL_", "[PHONE_", "[PERSON_", "[IP_"]);

/** The functions, each as a run over a text. */
const FUNCTIONS: Readonly<Record<string, (kernels: Kernels, bytes: Uint8Array) => unknown>> = {
  scan: (kernels, bytes) => kernels.scanText(bytes, 0, bytes.length),
  candidates: (kernels, bytes) => kernels.candidates(bytes, 0, bytes.length),
  tokens: (kernels, bytes) => kernels.estimateTokens(bytes, 0, bytes.length),
  markers: (kernels, bytes) => kernels.findMarker(bytes, 0, MARKERS),
};

/** The names of what can be measured. */
export const MICRO_PARTS: readonly string[] = [
  ...Object.keys(FUNCTIONS),
  ...["sse", "privacy", "recognisers", "names", "memory", "account", "health", "translation", "policy"],
];

function tasksOf(part: string, over: readonly Text[], scale: number): readonly Task[] {
  if (part === "privacy") return privacyTasks(scale);
  if (part === "recognisers") return recogniserTasks(scale);
  if (part === "names") return nameTasks();
  if (part === "policy") return policyTasks(scale);
  const work = FUNCTIONS[part];
  if (work === undefined) return sseTasks();
  return over.flatMap(({ name: text, bytes }) => {
    const tasks: Task[] = implementations.map((kernels) => {
      return { text, name: kernels.level, bytes: bytes.length, run: () => work(kernels, bytes) };
    });
    const parse = () => JSON.parse(Buffer.prototype.toString.call(bytes));
    if (part === "scan") tasks.push({ text, name: "JSON.parse", bytes: bytes.length, run: parse });
    return tasks;
  });
}

function partOf(
  part: string,
  over: readonly Text[],
  scale: number,
): { readonly tasks: readonly Task[]; end(): void } {
  if (part === "memory") return memoryTasks();
  if (part === "account") return accountTasks();
  if (part === "health") return healthTasks();
  if (part === "translation") return { tasks: translationTasks(), end: () => {} };
  return { tasks: tasksOf(part, over, scale), end: () => {} };
}

/** Measures the parts, each task for `time_ms`, and says each figure as it comes. */
export async function micro(
  parts: readonly string[],
  time_ms: number,
  scale: number,
  log: (line: string) => void,
): Promise<readonly Figure[]> {
  const over = texts(scale);
  const all: Figure[] = [];
  for (const part of parts) {
    log(`${part}`);
    const { tasks, end } = partOf(part, over, scale);
    for (const task of tasks) {
      const [figure] = await measure([task], time_ms);
      const { text, name, bytes, ns, gb_per_s } = figure!;
      log(
        `  ${text.padEnd(28)} ${String(bytes).padStart(7)} B  ${name.padEnd(15)} ${ns.toFixed(0).padStart(9)} ns ${gb_per_s.toFixed(2).padStart(7)} GB/s`,
      );
      all.push(figure!);
    }
    end();
  }
  return all;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { ms: { type: "string", default: "200" } },
  });
  const unknown = positionals.find((part) => !MICRO_PARTS.includes(part));
  if (unknown !== undefined) {
    console.error(`there is no part "${unknown}"; there are: ${MICRO_PARTS.join(", ")}`);
    process.exit(2);
  }
  await micro(positionals.length > 0 ? positionals : MICRO_PARTS, Number(values.ms), 1, console.log);
}
