// `venturi regress --set FILE --model M`: asks a model, through the gateway that runs, what a set of calls asked, and says whether its
// answers are still like those in the set. A provider that changes a model without a word is noticed by it.

import { loadBuiltinEmbedder } from "../../inference/embedders/builtin/embedder.ts";
import { type AdminClient, openAdminOf } from "../admin_client.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "../command_line.ts";
import { MOMENT_EXAMPLES, parseMoment } from "../moment.ts";
import { runReplay } from "../replay_client.ts";
import { showCount } from "../table.ts";
import { BOUNDS, type Bounds, type ComparedCall, compareCall } from "./compare.ts";
import { reportJson, reportText } from "./report.ts";
import { saveSet } from "./save.ts";
import { CALLS_MAX, readSet, type SetCall, textOfCall } from "./set.ts";

const USAGE = `usage: venturi regress --set FILE --model M [--concurrency 4] [--limit N] [bounds] [--json] [--data DIR]
       venturi regress save --set FILE [--limit 100] [--since T] [--model M] [--tenant T] [--feature F] [--key K] [--data DIR]
the first asks M what the set asks and compares the answers: exit 0 where they are alike, 1 where something has shifted, 3 where it
could not be done; the second makes a set of the newest calls whose content is kept
bounds: --max-failed ${BOUNDS.failed} (share of calls), --max-refusals ${BOUNDS.refusals} and --max-invalid-json ${BOUNDS.invalid_json} (by how much their shares may grow),
  --max-length ${BOUNDS.length} (by which share the median length may change), --min-similarity ${BOUNDS.similarity} (on average), --max-unlike ${BOUNDS.unlike} (share of
  answers about something else)
times: ${MOMENT_EXAMPLES}, in UTC`;
const { help, misuse } = voiceOf("regress", USAGE);

const CONCURRENCY_MAX = 16;
const LIMIT_DEFAULT = 100;
/** The exit codes besides 0, and 2 for misuse. */
const SHIFTED = 1;
const NOT_DONE = 3;

const BOUND_FLAGS = {
  ...{ "max-failed": "failed", "max-refusals": "refusals", "max-invalid-json": "invalid_json" },
  ...{ "max-length": "length", "min-similarity": "similarity", "max-unlike": "unlike" },
} as const satisfies Readonly<Record<string, keyof Bounds>>;

type Texts = Readonly<Record<string, string | undefined>>;

/** Runs it. Returns the exit code: 0 where answers are alike, 1 where they have shifted, 2 for misuse, 3 where it could not be done. */
export async function regress(args: readonly string[]): Promise<number> {
  const is_save = args[0] === "save";
  const parsed = parseFlags(is_save ? args.slice(1) : args, {
    options: {
      ...{ set: FLAG, model: FLAG, limit: FLAG, data: FLAG, help: HELP, json: SWITCH, concurrency: FLAG },
      ...{ since: FLAG, tenant: FLAG, feature: FLAG, key: FLAG },
      ...{ "max-failed": FLAG, "max-refusals": FLAG, "max-invalid-json": FLAG },
      ...{ "max-length": FLAG, "min-similarity": FLAG, "max-unlike": FLAG },
    },
  });
  if (typeof parsed === "string") return misuse(parsed);
  const { help: asks_help, json = false, ...texts } = parsed.values;
  if (asks_help === true) return help();
  const { set, data } = texts;
  if (set === undefined || set === "") return misuse("say which file the set is: --set");
  const wish = is_save ? saveWish(texts) : runWish(texts);
  if (typeof wish === "string") return misuse(wish);
  const client = await openAdminOf(data);
  if ("fault" in client) return notDone(client.fault);
  try {
    return "filter" in wish ? await save(client, set, wish) : await run(client, set, wish, json);
  } finally {
    clearProgress();
    await client.close();
  }
}

interface Run {
  readonly model: string;
  readonly concurrency: number;
  readonly limit: number;
  readonly bounds: Bounds;
}

function runWish(texts: Texts): Run | string {
  const { model, since, tenant, feature, key } = texts;
  if (model === undefined || model === "") return "say which model is asked: --model";
  if ([since, tenant, feature, key].some((one) => one !== undefined))
    return "--since, --tenant, --feature and --key are for save";
  const concurrency = wholeOf("concurrency", texts, 4, CONCURRENCY_MAX);
  if (typeof concurrency === "string") return concurrency;
  const limit = wholeOf("limit", texts, CALLS_MAX, CALLS_MAX);
  if (typeof limit === "string") return limit;
  const bounds = { ...BOUNDS } as { -readonly [name in keyof Bounds]: number };
  for (const [flag, name] of Object.entries(BOUND_FLAGS)) {
    const text = texts[flag];
    if (text === undefined) continue;
    const bound = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(bound >= 0 && (bound <= 1 || name === "length")))
      return `--${flag} must be a share such as 0.1, not "${text}"`;
    bounds[name] = bound;
  }
  return { model, concurrency, limit, bounds };
}

interface Save {
  readonly limit: number;
  readonly filter: Readonly<Record<string, string>>;
}

function saveWish(texts: Texts): Save | string {
  const { model, since, tenant, feature, key } = texts;
  if (
    Object.keys(BOUND_FLAGS).some((flag) => texts[flag] !== undefined) ||
    texts["concurrency"] !== undefined
  )
    return "bounds and --concurrency are not for save";
  const limit = wholeOf("limit", texts, LIMIT_DEFAULT, CALLS_MAX);
  if (typeof limit === "string") return limit;
  const since_ms = since === undefined ? undefined : parseMoment(since, Date.now());
  if (since_ms === null) return `--since must be a time such as ${MOMENT_EXAMPLES}, not "${since}"`;
  const given = { model, tenant, feature, key, since };
  const filter = Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { limit, filter: Object.fromEntries(filter) };
}

function wholeOf(name: string, texts: Texts, otherwise: number, most: number): number | string {
  const text = texts[name];
  if (text === undefined) return otherwise;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= 1 && value <= most
    ? value
    : `--${name} must be a whole number from 1 to ${most}, not "${text}"`;
}

async function save(client: AdminClient, path: string, { limit, filter }: Save): Promise<number> {
  const onProgress = (taken: number) => showProgress(`${showCount(taken)} calls`);
  const saved = await saveSet(client, { path, limit, filter, onProgress });
  clearProgress();
  if ("fault" in saved) return notDone(saved.fault);
  const { taken, without_content } = saved;
  const rest = without_content === 0 ? "" : `; of ${showCount(without_content)} others nothing is kept`;
  console.log(`${showCount(taken)} ${taken === 1 ? "call is" : "calls are"} in ${path}${rest}`);
  return taken === 0 ? NOT_DONE : 0;
}

async function run(client: AdminClient, path: string, wish: Run, is_json: boolean): Promise<number> {
  const read = await readSet(path);
  if ("fault" in read) return notDone(read.fault);
  const embedder = loadBuiltinEmbedder();
  if ("fault" in embedder) return notDone(embedder.fault);
  const calls = read.slice(0, wish.limit);
  const compared: ComparedCall[] = new Array(calls.length);
  let begun = 0;
  let over = 0;
  let fault: string | null = null;
  const work = async () => {
    while (begun < calls.length && fault === null) {
      const at = begun++;
      const done = await askOne(client, calls[at]!, wish.model, (text) => embedder.embed(text));
      if (typeof done === "string") fault = done;
      else compared[at] = done;
      over += 1;
      showProgress(`${showCount(over)} of ${showCount(calls.length)} calls`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(wish.concurrency, calls.length) }, work));
  clearProgress();
  if (fault !== null) return notDone(fault);
  const report = { set: path, model: wish.model, calls: compared, bounds: wish.bounds };
  const json = reportJson(report);
  console.log(is_json ? JSON.stringify(json) : reportText(report));
  return json.is_shifted ? SHIFTED : 0;
}

/** Asks what one call asked, and compares the answers; in words, why no call can be asked. */
async function askOne(
  client: AdminClient,
  call: SetCall,
  model: string,
  embed: (text: string) => Float32Array,
): Promise<ComparedCall | string> {
  const { id: of, endpoint, stream, tenant, request } = call;
  const wish = { of, endpoint, stream, request, model, ...(tenant === undefined ? {} : { tenant }) };
  const told = await runReplay(client, wish);
  if ("fault" in told) return told.fault;
  const { after, error, state } = told;
  const row = after?.call ?? null;
  const total_us = row?.timings_us.total;
  return compareCall(
    {
      ...{ id: of, before: textOfCall(call), after: after?.text ?? null },
      error: state === "done" ? null : (error ?? "it failed"),
      asks_json: asksJson(request),
      cost_usd: row?.cost_usd ?? null,
      total_ms: total_us === undefined ? null : total_us / 1_000,
    },
    embed,
  );
}

/** Whether a request asks for JSON, in the words of chat completions or Responses. */
function asksJson(request: Readonly<Record<string, unknown>>): boolean {
  const text = JSON.stringify([request["response_format"], request["text"], request["generationConfig"]]);
  return /"json_(object|schema)"|application\/json/.test(text);
}

function notDone(what: string): number {
  console.error(`venturi regress: ${what}`);
  return NOT_DONE;
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}
