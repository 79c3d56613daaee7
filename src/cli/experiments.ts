// `venturi experiments`: what tests and shadows have shown, arm by arm, with how sure that is. It reads the ledger itself.

import type { Estimate } from "../ledger/statistics.ts";
import {
  type Arm,
  type Experiment,
  type ExperimentsAnswer,
  experimentsJson,
  inDollars,
} from "../ledger/store/experiments.ts";
import { FLAG, HELP, parseFlags, voiceOf } from "./command_line.ts";
import { openLedgerOf } from "./data_folder.ts";
import { MOMENT_EXAMPLES, readRange, showMoment } from "./moment.ts";
import { alignTable, type Side, showCount, showUsd } from "./table.ts";

const USAGE = `usage: venturi experiments [--since T] [--until T] [--route R] [--format table|json] [--config F] [--data DIR]
R is the name of a rule that splits calls, or of a model with a shadow; by default all
times: ${MOMENT_EXAMPLES}, in UTC; by default the last 7 days`;
const { help, misuse, failed } = voiceOf("experiments", USAGE);

const FORMATS = ["table", "json"] as const;

interface Flags {
  readonly since_ms: number;
  readonly until_ms: number;
  readonly route: string | undefined;
  readonly format: (typeof FORMATS)[number];
  readonly data: string | undefined;
  readonly config: string | undefined;
}

/** Prints experiments. Returns the exit code: 0, 1 where there is no ledger to read, 2 for misuse. */
export async function experiments(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, Date.now());
  if (flags === "help") return help();
  if (typeof flags === "string") return misuse(flags);
  const reader = await openLedgerOf(flags.data, flags.config);
  if ("fault" in reader) return failed(reader.fault);
  try {
    const answer = await reader.experiments(flags);
    const lines =
      flags.format === "json" ? [JSON.stringify(experimentsJson(answer), null, 2)] : tableLines(answer);
    console.log(lines.join("\n"));
    return 0;
  } finally {
    reader.close();
  }
}

/** The flags; in words what is wrong with them; or `help`. */
function readFlags(args: readonly string[], now_ms: number): Flags | string {
  const options = {
    since: FLAG,
    until: FLAG,
    route: FLAG,
    format: FLAG,
    data: FLAG,
    config: FLAG,
    help: HELP,
  };
  const parsed = parseFlags(args, { options });
  if (typeof parsed === "string") return parsed;
  const { values } = parsed;
  if (values.help === true) return "help";
  const range = readRange(values, "7d", now_ms);
  if (typeof range === "string") return range;
  const format = FORMATS.find((name) => name === (values.format ?? "table"));
  if (format === undefined) return `--format must be ${FORMATS.join(", ")}, not "${values.format}"`;
  if (values.data === "") return "--data must not be empty";
  return { ...range, route: values.route, format, data: values.data, config: values.config };
}

const HEAD = ["arm", "calls", "errors", "refused", "cut", "p50 ms", "p95 ms", "output", "cost a call"];
const SIDES: readonly Side[] = HEAD.map((_, column) => (column === 0 ? "left" : "right"));

function tableLines({ experiments: found, since_ms, until_ms, is_cut }: ExperimentsAnswer): string[] {
  const range = `${showMoment(since_ms)} to ${showMoment(until_ms)} UTC`;
  if (found.length === 0) return [`No calls of tests or shadows from ${range}.`];
  const cut = is_cut ? ["There were more calls than are looked at: these are the newest."] : [];
  return [
    `Tests and shadows from ${range}; in brackets where the true value lies with 95 % confidence`,
    ...cut,
    ...found.flatMap((experiment) => ["", ...linesOf(experiment)]),
  ];
}

function linesOf({ kind, name, arms, agreement }: Experiment): string[] {
  const title = kind === "split" ? `split ${name}` : `shadow of ${name}`;
  const agreed = agreement === null ? [] : [`agreement of both answers: ${show(agreement, percent)}`];
  return [title, ...alignTable(HEAD, arms.map(cellsOf), SIDES), ...agreed];
}

function cellsOf({ name, calls, ...arm }: Arm): string[] {
  return [
    ...[name, showCount(calls)],
    ...[arm.errors, arm.refusals, arm.cut].map((share) => show(share, percent)),
    ...[arm.p50_ms, arm.p95_ms, arm.output_tokens].map((amount) => show(amount, whole)),
    show(inDollars(arm.cost_nano_usd), (value) => showUsd(Math.max(0, value))),
  ];
}

function show(estimate: Estimate | null, text: (value: number) => string): string {
  if (estimate === null) return "–";
  return `${text(estimate.value)} (${text(estimate.low)} to ${text(estimate.high)})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function whole(value: number): string {
  return showCount(Math.round(value));
}
