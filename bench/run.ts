// Runs parts of the suite by name (all by default), prints their tables, and keeps their figures in bench/results/.
// `npm run bench -- plain sse --rounds 3 --seconds 2`

import { parseArgs } from "node:util";
import { bytes } from "./bytes.ts";
import { contention } from "./contention.ts";
import { alignTable, tablesOf } from "./figures.ts";
import { floor } from "./floor.ts";
import { hits } from "./hits.ts";
import { idle } from "./idle.ts";
import { insight } from "./insight.ts";
import { ledger } from "./ledger.ts";
import { describeMachine, findPlacement } from "./machine.ts";
import { memory } from "./memory.ts";
import { open } from "./open.ts";
import { type Part, type Sizes, USUAL_SIZES } from "./part.ts";
import { peers } from "./peers.ts";
import { plain } from "./plain.ts";
import { profile } from "./profile.ts";
import { vectorIndex } from "./quality/vector_index.ts";
import { redacted } from "./redacted.ts";
import { rejected } from "./rejected.ts";
import { goalsTable, writeReport } from "./report.ts";
import { RESULTS_FOLDER, readResults, slowerThan, writeResults } from "./results.ts";
import { scaling } from "./scaling.ts";
import { shared } from "./shared.ts";
import { single } from "./single.ts";
import { soak } from "./soak.ts";
import { sse } from "./sse.ts";
import { start } from "./start.ts";
import { syscalls } from "./syscalls.ts";
import { endPrograms, makeModules } from "./targets.ts";
import { translated } from "./translated.ts";
import { turns } from "./turns.ts";
import { websocket } from "./websocket.ts";

const PARTS: readonly Part[] = [
  plain,
  single,
  sse,
  translated,
  websocket,
  rejected,
  floor,
  hits,
  redacted,
  turns,
  open,
  syscalls,
  idle,
  start,
  memory,
  scaling,
  contention,
  soak,
  shared,
  insight,
  ledger,
  vectorIndex,
  bytes,
  profile,
  peers,
];

const part_names = PARTS.map(({ name }) => name);
const size_names = Object.keys(USUAL_SIZES) as (keyof Sizes)[];
const USAGE = `usage: npm run bench -- [PART ...] [--SIZE N ...] [--out DIR]
parts: ${part_names.join(", ")}; all without a name
sizes, where a part has them: ${size_names.join(", ")}
--peers installs Portkey from npm into a temporary folder; --out keeps the results elsewhere than in bench/results`;

function misuse(fault: string): never {
  console.error(`${fault}\n${USAGE}`);
  process.exit(2);
}

function commandLine(): { names: string[]; given: Partial<Sizes>; out: string } {
  const options = Object.fromEntries(
    [...size_names.filter((name) => name !== "peers"), "out"].map((name) => [
      name,
      { type: "string" as const },
    ]),
  );
  let parsed: { values: Record<string, string | boolean | undefined>; positionals: string[] };
  try {
    parsed = parseArgs({ allowPositionals: true, options: { ...options, peers: { type: "boolean" } } });
  } catch (error) {
    misuse(error instanceof Error ? error.message : String(error));
  }
  const { out = RESULTS_FOLDER, peers: has_peers, ...sizes } = parsed.values;
  const given: Record<string, number> = has_peers === true ? { peers: 1 } : {};
  for (const [name, value] of Object.entries(sizes)) {
    given[name] = Number(value);
    if (!(given[name]! >= 0)) misuse(`--${name} must be a number, not "${value}"`);
  }
  const unknown = parsed.positionals.find((name) => !part_names.includes(name));
  if (unknown !== undefined) misuse(`there is no part "${unknown}"`);
  const names = parsed.positionals.length > 0 ? parsed.positionals : part_names;
  return { names, given, out: String(out) };
}

const { names, given, out } = commandLine();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    endPrograms();
    process.exit(1);
  });
}
await makeModules(console.log);
const placement = findPlacement();
for (const part of PARTS.filter(({ name }) => names.includes(name))) {
  const machine = describeMachine(placement);
  const named = Object.keys(part.usual) as (keyof Sizes)[];
  const sizes: Sizes = { ...USUAL_SIZES, ...part.usual, ...given };
  console.log(`\n${part.name}: ${part.about}\n  ${JSON.stringify(machine)}`);
  const cases = await part.run(sizes, (line) => console.log(`  ${line}`));
  if (cases.length === 0) continue;
  for (const line of tablesOf(cases).flatMap(alignTable)) console.log(`  ${line}`);
  const before = readResults(part.name, out);
  for (const line of before === null ? [] : slowerThan(before.cases, cases)) {
    console.log(`  slower than in the last results: ${line}`);
  }
  const own_sizes = Object.fromEntries(named.map((name) => [name, sizes[name]]));
  const measured_at = new Date().toISOString();
  writeResults({ part: part.name, about: part.about, measured_at, machine, sizes: own_sizes, cases }, out);
}
writeReport(out);
console.log("\ntargets, by the last results of every part:");
const table = goalsTable((part) => readResults(part, out)?.cases ?? []);
for (const line of alignTable(table)) console.log(`  ${line}`);
