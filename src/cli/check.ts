// `venturi check`: says whether a configuration would be accepted, and everything that is wrong with it.
// It loads exactly as `serve` does, so that what passes here starts there.

import { parseArgs } from "node:util";
import { hasStoredKeys } from "../access/key_store.ts";
import { certificateText } from "../config/certificate_text.ts";
import { type LoadResult, loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { checkCustom } from "./check_custom.ts";

const USAGE = "usage: venturi check [--config venturi.yaml]";

/** Checks the file of `--config`, by default `venturi.yaml`. Returns the exit code: 0, 1 for problems, 2 for misuse. */
export async function check(args: readonly string[]): Promise<number> {
  let file: string;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { config: { type: "string", short: "c" } },
      allowPositionals: true,
    });
    if (positionals.length > 1) throw new Error("more than one file");
    file = values.config ?? positionals[0] ?? "venturi.yaml";
  } catch {
    console.error(USAGE);
    return 2;
  }
  const result = loadConfig(file, { hasStoredKeys, checkCustom });
  if (!result.ok) {
    for (const problem of result.problems) console.error(formatProblem(problem));
    return 1;
  }
  console.log(`${file}: ok`);
  if (result.told !== undefined) console.log(result.told);
  console.log(summary(result));
  return 0;
}

function summary({ config, plan }: LoadResult & { ok: true }): string {
  const count = (number: number, noun: string, names: Iterable<string> = []): string => {
    const list = [...names].join(", ");
    return `  ${number} ${noun}${number === 1 ? "" : "s"}${list === "" ? "" : `: ${list}`}`;
  };
  return [
    ...(plan.listen.tls?.certificates ?? []).map(
      (one) => `  certificate ${certificateText(one, Date.now())}`,
    ),
    count(plan.providers.size, "provider", plan.providers.keys()),
    count(plan.models.size, "model", plan.models.keys()),
    count(config.keys.length, "client key"),
  ].join("\n");
}
