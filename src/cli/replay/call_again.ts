// `venturi replay ID --model M`: makes a kept call again through the gateway that runs, and shows what it cost, how long it took, and
// where the answers differ.

import { processEnvironment } from "../../config/environment.ts";
import { type DiffLine, diffLines, sentencesOf } from "../../console/text_diff.ts";
import { openAdminOf } from "../admin_client.ts";
import { FLAG, parseFlags, SWITCH, type Voice } from "../command_line.ts";
import { runReplay, type ToldReplay, type ToldSide } from "../replay_client.ts";
import { alignTable, printable, showCount, showUsd } from "../table.ts";

const COLOURS = { added: "\u001b[32m", removed: "\u001b[31m", dim: "\u001b[2m", end: "\u001b[0m" };
const PLAIN = { added: "", removed: "", dim: "", end: "" };

/** Prints it. Returns the exit code: 0, 1 where the call could not be made or failed, 2 for misuse. */
export async function callAgain(
  args: readonly string[],
  { misuse, failed }: Pick<Voice, "misuse" | "failed">,
): Promise<number> {
  const parsed = parseFlags(args, {
    options: { model: FLAG, data: FLAG, json: SWITCH },
    allowPositionals: true,
  });
  if (typeof parsed === "string") return misuse(parsed);
  const { values, positionals } = parsed;
  const [id, ...rest] = positionals;
  if (id === undefined || rest.length > 0) return misuse("say which one call is to be made again, by its id");
  if (values.model === "") return misuse("--model must not be empty");
  const client = await openAdminOf(values.data);
  if ("fault" in client) return failed(client.fault);
  try {
    const { model } = values;
    const told = await runReplay(client, { id, ...(model === undefined ? {} : { model }) }, showProgress);
    clearProgress();
    if ("fault" in told) return failed(told.fault);
    if (values.json === true) console.log(JSON.stringify({ ...told, diff: diffOf(told) }));
    else console.log(textOf(told));
    return told.state === "done" ? 0 : 1;
  } finally {
    await client.close();
  }
}

function showProgress({ elapsed_ms, received_bytes, model }: ToldReplay): void {
  if (!process.stderr.isTTY) return;
  const [seconds, bytes] = [(elapsed_ms / 1_000).toFixed(1), showCount(received_bytes)];
  process.stderr.write(`\r\u001b[Kasking ${printable(model)}: ${seconds} s, ${bytes} bytes`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}

/** Where the answers differ; null where one of them says nothing in words. */
function diffOf({ before, after }: ToldReplay): DiffLine[] | null {
  const [old, now] = [before.text, after?.text ?? null];
  return old === null || now === null ? null : diffLines(sentencesOf(old), sentencesOf(now));
}

function textOf(told: ToldReplay): string {
  const { before, after, error } = told;
  const look = process.stdout.isTTY && processEnvironment()["NO_COLOR"] === undefined ? COLOURS : PLAIN;
  const head = ["", "id", "model", "served by", "status", "cost", "first byte", "in all", "tokens out"];
  const sides = ["left", "left", "left", "left", "right", "right", "right", "right", "right"] as const;
  const rows = [cellsOf("call", before), ...(after === null ? [] : [cellsOf("replay", after)])];
  const diff = diffOf(told);
  return [
    ...alignTable(head, rows, sides),
    "",
    ...(error === null ? [] : [`failed: ${printable(error)}`]),
    ...(diff === null ? wordsOf(before, after) : linesOf(diff, look)),
  ].join("\n");
}

function cellsOf(name: string, { call }: ToldSide): string[] {
  if (call === null) return [name, "no row in the ledger"];
  const { id, model, provider, served_model, status, cost_usd, timings_us, usage } = call;
  const served = provider === null ? "nobody" : `${provider}/${served_model ?? ""}`;
  return [
    ...[name, id, model ?? "", served, String(status), showUsd(cost_usd)],
    ...[showMs(timings_us.first_byte), showMs(timings_us.total), showCount(usage.output_tokens)],
  ];
}

function showMs(duration_us: number | undefined): string {
  if (duration_us === undefined) return "";
  return duration_us < 10_000
    ? `${(duration_us / 1_000).toFixed(1)} ms`
    : `${showCount(Math.round(duration_us / 1_000))} ms`;
}

/** What there is to say where nothing can be compared. */
function wordsOf({ text }: ToldSide, after: ToldSide | null): string[] {
  const said = after?.text ?? null;
  if (said === null) return text === null ? ["Neither answer is one in words: see --json."] : [];
  return [
    "The call's own answer is not kept; the replay's is:",
    "",
    said.split("\n").map(printable).join("\n"),
  ];
}

function linesOf(diff: readonly DiffLine[], look: typeof PLAIN): string[] {
  if (diff.length === 0) return ["Both answers say the same."];
  return diff.map((line) => {
    if (line.kind === "gap") return `${look.dim}  … ${line.lines} the same …${look.end}`;
    const text = printable(line.text);
    if (line.kind === "same") return `${look.dim}  ${text}${look.end}`;
    return line.kind === "added"
      ? `${look.added}+ ${text}${look.end}`
      : `${look.removed}- ${text}${look.end}`;
  });
}
