// `venturi replay --since 1d --config new.yaml`: runs the ledger's calls through another configuration, and prints what would change in
// route, target and cost. Nothing is sent anywhere. (`venturi replay ID` makes one call again: `call_again.ts`.)

import { loadConfig } from "../../config/load.ts";
import { formatProblem } from "../../config/problem.ts";
import { loadPriceBook } from "../../ledger/prices/load.ts";
import type { LedgerReader } from "../../ledger/store/query.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "../command_line.ts";
import { findDataFolder, openLedgerOf } from "../data_folder.ts";
import { MOMENT_EXAMPLES, readRange, showMoment } from "../moment.ts";
import { alignTable, showCount, showUsd } from "../table.ts";
import { Replayer } from "./decision.ts";
import { isChanged, type ReplayLine, ReplayTally } from "./tally.ts";

const USAGE = `usage: venturi replay ID [--model M] [--json] [--data DIR]
       venturi replay --config new.yaml [--since T] [--until T] [--json] [--data DIR]
the first makes a kept call again through the gateway that runs, by its own id or its request's, and shows what is different
the second runs the ledger's calls through another configuration, and prints what would change; nothing is sent
times: ${MOMENT_EXAMPLES}, in UTC; by default the last day`;
const { help, misuse, failed } = voiceOf("replay", USAGE);

/** Rows that are read at once. */
const PAGE_ROWS = 5_000;
/** Lines of a table; all of them are in the JSON. */
const LINES_MAX = 40;

interface Flags {
  readonly config: string;
  readonly since_ms: number;
  readonly until_ms: number;
  readonly is_json: boolean;
  readonly data: string | undefined;
}

/** Prints it. Returns the exit code: 0, 1 where it could not be done, 2 for misuse. */
export async function replay(args: readonly string[]): Promise<number> {
  const is_of_ledger = args.some((arg) => /^(-c|--config|-h|--help)(=|$)/.test(arg));
  if (args.length > 0 && !is_of_ledger) {
    const { callAgain } = await import("./call_again.ts");
    return callAgain(args, { misuse, failed });
  }
  const flags = readFlags(args, Date.now());
  if (flags === "help") return help();
  if (typeof flags === "string") return misuse(flags);
  const loaded = loadConfig(flags.config);
  if (!loaded.ok) {
    console.error(loaded.problems.map(formatProblem).join("\n"));
    return 1;
  }
  // The ledger is that of the gateway that runs here, whatever the other configuration calls its data.
  const folder = findDataFolder(flags.data);
  if (typeof folder !== "string") return failed(folder.fault);
  const reader = await openLedgerOf(flags.data);
  if ("fault" in reader) return failed(reader.fault);
  try {
    const { book } = await loadPriceBook(folder);
    const tally = await runAll(reader, new Replayer(loaded.plan, book), flags);
    console.log(flags.is_json ? JSON.stringify(jsonOf(tally, flags), null, 2) : textOf(tally, flags));
    return 0;
  } finally {
    reader.close();
  }
}

async function runAll(
  reader: LedgerReader,
  replayer: Replayer,
  { since_ms, until_ms }: Flags,
): Promise<ReplayTally> {
  const tally = new ReplayTally();
  const last_seq = await reader.lastSeq();
  for (let before_seq = last_seq + 1; ; ) {
    const page = await reader.calls({ since_ms, until_ms, before_seq, limit: PAGE_ROWS });
    for (const { row } of page) {
      const replayed = replayer.replay(row);
      if (replayed !== null) tally.add(row.model!, replayed);
    }
    if (page.length < PAGE_ROWS) return tally;
    before_seq = page.at(-1)!.seq;
  }
}

function sums(tally: ReplayTally) {
  return {
    calls: tally.calls,
    changed: tally.sum(({ calls }) => calls, isChanged),
    changed_route: tally.sum(
      ({ calls }) => calls,
      ({ before, after }) => before.route !== after.route,
    ),
    changed_target: tally.sum(
      ({ calls }) => calls,
      ({ before, after }) => before.target !== after.target,
    ),
    undecided: tally.undecided,
    cost_usd_before: tally.sum(({ cost_before }) => cost_before) / 1e9,
    cost_usd_after: tally.sum(({ cost_after }) => cost_after) / 1e9,
    unpriced_before: tally.sum(({ unpriced_before }) => unpriced_before),
    unpriced_after: tally.sum(({ unpriced_after }) => unpriced_after),
  };
}

function jsonOf(tally: ReplayTally, { since_ms, until_ms }: Flags): object {
  return {
    since: new Date(since_ms).toISOString(),
    until: new Date(until_ms).toISOString(),
    ...sums(tally),
    unknown: Object.fromEntries(tally.unknown),
    lines: tally.lines.map(({ cost_before, cost_after, ...line }) => ({
      ...line,
      is_changed: isChanged(line as ReplayLine),
      cost_usd_before: cost_before / 1e9,
      cost_usd_after: cost_after / 1e9,
    })),
  };
}

function textOf(tally: ReplayTally, { since_ms, until_ms }: Flags): string {
  const range = `${showMoment(since_ms)} to ${showMoment(until_ms)} UTC`;
  if (tally.calls === 0) return `No calls from ${range}.`;
  const all = sums(tally);
  const lines = tally.lines;
  const rows = lines
    .slice(0, LINES_MAX)
    .map((line) => [
      ...[
        line.model,
        isChanged(line) ? "≠" : "=",
        wayText(line.before),
        wayText(line.after),
        showCount(line.calls),
      ],
      ...[costText(line.cost_before, line.unpriced_before), costText(line.cost_after, line.unpriced_after)],
    ]);
  const total = [
    ...["total", "", "", "", showCount(all.calls)],
    ...[all.cost_usd_before, all.cost_usd_after].map(showUsd),
  ];
  const head = ["model", "", "went", "would go", "calls", "cost", "would cost"];
  const sides = ["left", "left", "left", "left", "right", "right", "right"] as const;
  const unknown = [...tally.unknown].map(([what, count]) => `${what} (${showCount(count)})`).join(", ");
  return [
    `Calls from ${range}: ${showCount(all.calls)}, of which ${showCount(all.changed)} would go another way`,
    "",
    ...alignTable(head, rows, sides, total),
    ...(lines.length > LINES_MAX ? ["", `${lines.length - LINES_MAX} more lines: see --json`] : []),
    ...(all.unpriced_after > 0
      ? ["", `The price of ${showCount(all.unpriced_after)} calls is not known.`]
      : []),
    ...(tally.undecided > 0
      ? [
          "",
          `Rules ask about what the rows of ${showCount(tally.undecided)} calls do not tell, and were taken not to hold: ${unknown}`,
        ]
      : []),
  ].join("\n");
}

function wayText({ route, target }: ReplayLine["before"]): string {
  const where = target ?? "nowhere";
  return route === null ? where : `${where} (${route})`;
}

function costText(cost_nano_usd: number, unpriced: number): string {
  return unpriced > 0 && cost_nano_usd === 0 ? "unknown" : showUsd(cost_nano_usd / 1e9);
}

/** The flags; in words what is wrong with them; or `help`. */
function readFlags(args: readonly string[], now_ms: number): Flags | string {
  const options = {
    config: { type: "string", short: "c" },
    ...{ since: FLAG, until: FLAG, data: FLAG, json: SWITCH, help: HELP },
  } as const;
  const parsed = parseFlags(args, { options });
  if (typeof parsed === "string") return parsed;
  const { values } = parsed;
  if (values.help === true) return "help";
  const { config, data, json: is_json = false } = values;
  if (config === undefined || config === "")
    return "say which call is to be made again, or which configuration the calls are to be run through: --config";
  if (data === "") return "--data must not be empty";
  const range = readRange(values, "1d", now_ms);
  if (typeof range === "string") return range;
  return { config, ...range, is_json, data };
}
