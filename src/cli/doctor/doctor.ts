// `venturi doctor`: whether this host is fit for the gateway, and for everything that is not as it should be, what to change.

import { existsSync } from "node:fs";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "../command_line.ts";
import { findDataFolder } from "../data_folder.ts";
import { printable } from "../table.ts";
import { checkClock } from "./clock.ts";
import { checkDisk } from "./disk.ts";
import type { Finding, Verdict } from "./finding.ts";
import { checkConfig, checkPort, loadServed } from "./gateway.ts";
import { checkKernel } from "./kernel.ts";
import { checkParts } from "./parts.ts";

const USAGE = `usage: venturi doctor [--config venturi.yaml] [--data DIR] [--json]
exit code: 0, or 1 where something must be changed before the gateway can run`;

const OPTIONS = { config: FLAG, data: FLAG, json: SWITCH, help: HELP } as const;
const DEFAULT_FILE = "venturi.yaml";
/** What a configuration that cannot be loaded is taken to ask for. */
const DEFAULT_LOAD = { workers: 1, max_calls: 20_000 };
const MARKS: Readonly<Record<Verdict, string>> = { ok: "ok  ", note: "note", warn: "WARN", fail: "FAIL" };

/** Runs it. Returns the exit code: 0, 1 where something fails, 2 for misuse. */
export async function doctor(args: readonly string[]): Promise<number> {
  const voice = voiceOf("doctor", USAGE);
  const parsed = parseFlags(args, { options: OPTIONS });
  if (typeof parsed === "string") return voice.misuse(parsed);
  const { values } = parsed;
  if (values.help) return voice.help();
  if (values.config === "") return voice.misuse("--config must not be empty");
  const file = values.config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  const data = findDataFolder(values.data, file ?? undefined);
  if (typeof data !== "string") return voice.misuse(data.fault);
  const findings = await examine(file, data);
  if (values.json) console.log(JSON.stringify({ object: "doctor", findings }, null, 2));
  else for (const line of report(findings)) console.log(line);
  return findings.some(({ verdict }) => verdict === "fail") ? 1 : 0;
}

async function examine(file: string | null, data: string): Promise<Finding[]> {
  const loaded = loadServed(file, data);
  const asks_for_models = loaded.ok && JSON.stringify(loaded.config.models).includes('"transformers:');
  return [
    ...checkConfig(file, loaded),
    ...(await checkPort(loaded)),
    ...checkDisk(data),
    ...checkKernel(loaded.ok ? loaded.plan.listen : DEFAULT_LOAD),
    ...checkClock(),
    ...checkParts(asks_for_models),
  ];
}

function report(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.flatMap(({ what, verdict, found, advice }) => [
    `${MARKS[verdict]}  ${what.padEnd(width)}  ${printable(found)}`,
    ...(advice === null ? [] : [`${" ".repeat(width + 8)}→ ${printable(advice)}`]),
  ]);
  const count = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length;
  return [
    ...lines,
    "",
    `${count("ok")} ok, ${count("note")} to know, ${count("warn")} to mend, ${count("fail")} in the way`,
  ];
}
