// Runs benchmarks by name (all by default), prints their tables, and keeps their figures in bench/results/.
// `npm run bench -- relay --rounds 5 --seconds 4 --connections 64`

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { relay } from "./relay.ts";

const PARTS = new Map([["relay", relay]]);

const number = (usual: string) => ({ type: "string", default: usual }) as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: number("5"), seconds: number("4"), connections: number("64") },
});
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(Number);
const size = { rounds: rounds!, seconds: seconds!, connections: connections! };
const processor = `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const machine = { processor, kernel: release(), bun: Bun.version };

for (const name of positionals.length > 0 ? positionals : PARTS.keys()) {
  const part = PARTS.get(name);
  if (part === undefined) {
    console.error(`there is no benchmark "${name}"; there are: ${[...PARTS.keys()].join(", ")}`);
    process.exit(2);
  }
  console.log(`${name}: ${JSON.stringify(size)}, ${JSON.stringify(machine)}`);
  const cases = await part({ ...size, log: console.log });
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ machine, size, cases }, null, 1)}\n`);
}
