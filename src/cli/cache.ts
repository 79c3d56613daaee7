// `venturi cache`: what the caches hold and have done, and the removal of what they hold. It asks the gateway that runs on the
// data folder, or looks into the folder itself.

import { type AdminClient, openAdminOf } from "./admin_client.ts";
import { FLAG, parseFlags, SWITCH, voiceOf } from "./command_line.ts";
import { showCount, showUsd } from "./table.ts";

const USAGE = `usage: venturi cache stats [--format text|json]
       venturi cache purge [--tenant T] [--model M] [--tag T] [--key K] [--all]
all of them: [--data DIR]; by default what venturi.yaml names as data, else ./data
A key is what x-venturi-cache-key said of an answer: removed by it, the answer never again serves a similar request.`;
const { help, misuse, failed } = voiceOf("cache", USAGE);

/** Runs it. Returns the exit code: 0, 1 where it could not be done, 2 for misuse. */
export async function cache(args: readonly string[]): Promise<number> {
  const [word = "", ...rest] = args;
  if (["help", "--help", "-h"].includes(word)) return help();
  if (word !== "stats" && word !== "purge")
    return misuse(word === "" ? "say what to do" : `there is no "${word}"`);
  const flags = readFlags(rest);
  if (typeof flags === "string") return misuse(flags);
  const { format = "text", data: named, all, ...filter } = flags;
  if (format !== "text" && format !== "json") return misuse(`--format must be text or json, not "${format}"`);
  if (word === "purge" && all !== true && Object.keys(filter).length === 0)
    return misuse("say what to remove");
  const client = await openAdminOf(named);
  if ("fault" in client) return failed(client.fault);
  try {
    return word === "stats" ? await tellStats(client, format) : await purge(client, filter, all === true);
  } finally {
    await client.close();
  }
}

interface Flags {
  readonly format?: string;
  readonly data?: string;
  readonly tenant?: string;
  readonly model?: string;
  readonly tag?: string;
  readonly key?: string;
  readonly all?: boolean;
}

function readFlags(args: readonly string[]): Flags | string {
  const options = {
    ...{ format: FLAG, data: FLAG, tenant: FLAG, model: FLAG, tag: FLAG, key: FLAG, all: SWITCH },
  };
  const parsed = parseFlags(args, { options });
  return typeof parsed === "string" ? parsed : { ...parsed.values };
}

async function purge(client: AdminClient, filter: Record<string, string>, all: boolean): Promise<number> {
  const query = new URLSearchParams({ ...filter, ...(all ? { all: "true" } : {}) });
  const { json, fault } = await client.ask("DELETE", `cache?${query}`);
  if (fault !== null) return failed(fault);
  const { removed } = json as { readonly removed: number };
  console.log(`${showCount(removed)} ${removed === 1 ? "answer" : "answers"} removed`);
  return 0;
}

/** What the admin API tells; see `/admin/v1/cache`. */
interface Stats {
  readonly answers: { readonly entries: number; readonly bytes: number; readonly faults: number };
  readonly calls?: Readonly<Record<string, number>>;
  readonly hit_rate?: number | null;
  readonly saved_usd?: number;
  readonly saved_seconds?: number;
  readonly verified: { readonly compared: number; readonly wrong: number };
  readonly similar: { readonly index: { readonly entries: number } | null } | null;
}

async function tellStats(client: AdminClient, format: string): Promise<number> {
  const { json, fault } = await client.ask("GET", "cache");
  if (fault !== null) return failed(fault);
  if (format === "json") {
    console.log(JSON.stringify(json));
    return 0;
  }
  const { answers, calls, hit_rate, saved_usd, saved_seconds, verified, similar } = json as Stats;
  const lines = [`answers    ${showCount(answers.entries)} in ${(answers.bytes / 1024 ** 2).toFixed(1)} MiB`];
  if (calls !== undefined) {
    const counts = Object.entries(calls).map(([outcome, number]) => `${showCount(number)} ${outcome}`);
    lines.push(`calls      ${counts.join(", ")}`);
    if (typeof hit_rate === "number") lines.push(`hit rate   ${(hit_rate * 100).toFixed(1)} %`);
    lines.push(
      `saved      ${showUsd(saved_usd ?? 0)} and ${showCount(Math.round(saved_seconds ?? 0))} s of waiting`,
    );
  }
  if (similar?.index) lines.push(`similar    ${showCount(similar.index.entries)} requests to compare with`);
  if (verified.compared > 0) {
    const share = ((verified.wrong / verified.compared) * 100).toFixed(1);
    lines.push(
      `verified   ${showCount(verified.compared)} similar answers were compared, ${share} % were wrong`,
    );
  }
  if (answers.faults > 0) lines.push(`faults     ${showCount(answers.faults)} answers could not be kept`);
  console.log(lines.join("\n"));
  return 0;
}
