// `venturi logs`: calls, one JSON object a line, the oldest first as they happened. With `--follow` it goes on with what comes.
// It reads the ledger itself, so that it works whether a gateway runs or not.

import { shownRow } from "../ledger/row.ts";
import type { PlacedRow } from "../ledger/store/cursors.ts";
import type { LedgerReader } from "../ledger/store/query.ts";
import { openAdminOf } from "./admin_client.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "./command_line.ts";
import { openLedgerOf } from "./data_folder.ts";
import { MOMENT_EXAMPLES, parseMoment } from "./moment.ts";

const USAGE = `usage: venturi logs [--request ID [--content]] [--since T] [--limit N] [--follow] [--format json] [--config F] [--data DIR]
times: ${MOMENT_EXAMPLES}, in UTC; N is by default 100, the newest
--content shows what a call was asked and answered as well, where that is kept; each reading stands in the audit log`;
const { help, misuse, failed } = voiceOf("logs", USAGE);

/** How often it is looked for what is new. */
const FOLLOW_MS = 300;
/** Rows that are read at once. */
const PAGE_ROWS = 1000;
const LIMIT_MAX = 100_000;

interface Flags {
  readonly request: string | undefined;
  readonly since_ms: number | undefined;
  readonly limit: number;
  readonly is_follow: boolean;
  readonly is_with_content: boolean;
  readonly data: string | undefined;
  readonly config: string | undefined;
}

/** Prints calls. Returns the exit code: 0, 1 where there is no ledger to read, 2 for misuse. */
export async function logs(args: readonly string[]): Promise<number> {
  // Told by the callback of each write too; without a listener it would be a fault of the program.
  process.stdout.on("error", () => {});
  const flags = readFlags(args, Date.now());
  if (flags === "help") return help();
  if (typeof flags === "string") return misuse(flags);
  const reader = await openLedgerOf(flags.data, flags.config);
  if ("fault" in reader) return failed(reader.fault);
  try {
    const { request: request_id, since_ms, limit } = flags;
    // Before the rows, so that none between the two is left out.
    const last_seq = await reader.lastSeq();
    const found = await reader.calls({ request_id, since_ms, limit, before_seq: last_seq + 1 });
    const rows = found.toReversed();
    if (flags.is_with_content) return await printWithContent(flags.data, rows);
    const is_read = await print(rows);
    if (flags.is_follow && is_read) await follow(reader, last_seq, request_id);
    else if (found.length === 0) console.error("venturi logs: no such call");
    return 0;
  } finally {
    reader.close();
  }
}

/** Prints what is new, until the process is ended or nobody reads it any more. */
async function follow(reader: LedgerReader, last_seq: number, request_id: string | undefined): Promise<void> {
  for (let after_seq = last_seq; ; ) {
    // All rows are looked at, so that the next look begins behind them.
    const found = await reader.calls({ after_seq, limit: PAGE_ROWS });
    const isMeant = ({ row }: PlacedRow) =>
      request_id === undefined || row.request_id === request_id || row.id === request_id;
    if (!(await print(found.filter(isMeant)))) return;
    after_seq = found.at(-1)?.seq ?? after_seq;
    if (found.length < PAGE_ROWS) await Bun.sleep(FOLLOW_MS);
  }
}

/** Prints calls with what they said; 1 where that is not kept of one, or cannot be read. */
async function printWithContent(data: string | undefined, rows: readonly PlacedRow[]): Promise<number> {
  if (rows.length === 0) return failed("no such call");
  const client = await openAdminOf(data);
  if ("fault" in client) return failed(client.fault);
  let exit = 0;
  try {
    for (const { row } of rows) {
      const { json, fault } = await client.ask("GET", `calls/${encodeURIComponent(row.id)}/content`);
      if (fault !== null) exit = failed(fault);
      console.log(JSON.stringify({ ...shownRow(row), content: fault === null ? json : null }));
    }
    return exit;
  } finally {
    await client.close();
  }
}

/** Prints rows; gives whether somebody still reads, as far as that shows. */
function print(rows: readonly PlacedRow[]): Promise<boolean> {
  if (rows.length === 0) return Promise.resolve(true);
  const text = rows.map(({ row }) => `${JSON.stringify(shownRow(row))}\n`).join("");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  process.stdout.write(text, (error) => resolve(error === undefined || error === null));
  return promise;
}

/** The flags; in words what is wrong with them; or `help`. */
function readFlags(args: readonly string[], now_ms: number): Flags | string {
  const options = {
    ...{ request: FLAG, since: FLAG, limit: FLAG, format: FLAG, data: FLAG, config: FLAG, help: HELP },
    follow: { type: "boolean", short: "f" },
    content: SWITCH,
  } as const;
  const parsed = parseFlags(args, { options });
  if (typeof parsed === "string") return parsed;
  const { values } = parsed;
  if (values.help === true) return "help";
  const since_ms = values.since === undefined ? undefined : parseMoment(values.since, now_ms);
  if (since_ms === null) return `--since must be a time such as ${MOMENT_EXAMPLES}, not "${values.since}"`;
  const limit = /^\d{1,7}$/.test(values.limit ?? "100") ? Number(values.limit ?? "100") : Number.NaN;
  if (!(limit >= 1 && limit <= LIMIT_MAX)) {
    return `--limit must be a whole number from 1 to ${LIMIT_MAX}, not "${values.limit}"`;
  }
  if ((values.format ?? "json") !== "json") return `--format must be json, not "${values.format}"`;
  if (values.data === "") return "--data must not be empty";
  const { request, data, config, follow: is_follow = false, content: is_with_content = false } = values;
  if (is_with_content && (request === undefined || is_follow)) {
    return "--content is for the calls of one --request, without --follow";
  }
  return { request, since_ms, limit, is_follow, is_with_content, data, config };
}
