// What every process tells of itself on standard error: a line for a person, or one of JSON for whoever collects logs. Configured for the
// supervisor; the processes that it starts are told by their environment, so that their first lines are right too.

/** How important a line is. */
export type Level = "error" | "warn" | "info";

/** What is configured of it. */
export interface SayingPlan {
  readonly format: "text" | "json";
  /** Lines that are less important are not told. */
  readonly level: Level;
}

const LEVELS: readonly Level[] = ["error", "warn", "info"];
/** The variable that a process is told by: `json info`. */
export const SAYING_VARIABLE = "VENTURI_LOG";

let present: SayingPlan = readSaying(process.env[SAYING_VARIABLE]);

/** Reads what `sayingText` has written; anything else is the default. */
export function readSaying(text: string | undefined): SayingPlan {
  const [format, level] = (text ?? "").split(" ");
  return {
    format: format === "json" ? "json" : "text",
    level: LEVELS.find((one) => one === level) ?? "info",
  };
}

/** How it is now, for a process that is started. */
export function sayingText(): string {
  return `${present.format} ${present.level}`;
}

/** Says everything like this from now on. */
export function setSaying(plan: SayingPlan): void {
  present = plan;
}

/** Tells a line. */
export function say(line: string, level: Level = "info"): void {
  if (LEVELS.indexOf(level) > LEVELS.indexOf(present.level)) return;
  console.error(lineOf(line, level, present.format, new Date()));
}

/** A line as it is told. */
export function lineOf(line: string, level: Level, format: SayingPlan["format"], now: Date): string {
  if (format === "text") return `venturi: ${line}`;
  return JSON.stringify({ time: now.toISOString(), level, event: "log", message: line });
}
