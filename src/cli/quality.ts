// `venturi quality`: how models answer, the last 24 hours beside the days before, and what of that is more than chance. It reads the
// ledger itself, whether a gateway runs or not.

import { MEASURE_NAMES, type Measure } from "../ledger/quality/counts.ts";
import { askQuality, measureText, type QualityReport, qualityJson } from "../ledger/quality/report.ts";
import { type ModelQuality, USUAL_DAYS } from "../ledger/quality/shift.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "./command_line.ts";
import { findDataFolder } from "./data_folder.ts";
import { showMoment } from "./moment.ts";
import { alignTable, type Side, showCount } from "./table.ts";

const USAGE = `usage: venturi quality [--model PROVIDER/MODEL] [--json] [--data DIR]
how models answered in the last 24 hours, and in the ${USUAL_DAYS} days before; by default all that answered`;
const { help, misuse, failed } = voiceOf("quality", USAGE);

/** Prints it. Returns the exit code: 0, 1 where there is no ledger to read, 2 for misuse. */
export async function quality(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, { options: { model: FLAG, json: SWITCH, data: FLAG, help: HELP } });
  if (typeof parsed === "string") return misuse(parsed);
  const { model, json, data, help: wants_help } = parsed.values;
  if (wants_help === true) return help();
  const folder = findDataFolder(data);
  if (typeof folder !== "string") return failed(folder.fault);
  const all = askQuality(folder);
  if ("fault" in all) return failed(all.fault);
  const report = { ...all, models: all.models.filter((one) => model === undefined || nameOf(one) === model) };
  console.log(json === true ? JSON.stringify(qualityJson(report), null, 2) : tableLines(report).join("\n"));
  return 0;
}

function nameOf({ provider, model }: ModelQuality): string {
  return model === "" ? provider : `${provider}/${model}`;
}

const HEADS: Readonly<Record<Measure, string>> = {
  refusals: "refused",
  cut: "cut short",
  invalid_json: "invalid JSON",
  tool_failures: "tools failed",
  length: "length",
  similarity: "similarity",
};
const HEAD = ["model", "answers", ...MEASURE_NAMES.map((measure) => HEADS[measure])];
const SIDES: readonly Side[] = HEAD.map((_, column) => (column === 0 ? "left" : "right"));

function tableLines({ models, until_ms }: QualityReport): string[] {
  if (models.length === 0) return ["No model has answered of late."];
  const shifts = models.flatMap((model) => model.comparisons.filter(({ is_shift }) => is_shift)).length;
  const rows = models.map((model) => [
    nameOf(model),
    showCount(model.days[0]!.answers),
    ...model.comparisons.map(({ measure, now, usual, is_shift }) => {
      if (now === null) return "–";
      return `${measureText(measure, now)} (${measureText(measure, usual)})${is_shift ? " !" : ""}`;
    }),
  ]);
  return [
    `How models answered in the 24 hours to ${showMoment(until_ms)} UTC, in brackets in the ${USUAL_DAYS} days before`,
    "",
    ...alignTable(HEAD, rows, SIDES),
    "",
    shifts === 0
      ? "Nothing is otherwise than usual."
      : "! is otherwise than usual, by more than chance and days explain.",
  ];
}
