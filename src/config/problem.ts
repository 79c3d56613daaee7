// Problems of a configuration: where each one is, what is wrong, and what would be right.
// They are values, and there may be many: a file is read to its end before anything is said.

/** One thing that is wrong with a configuration. Its message never contains the value of a reference. */
export interface Problem {
  /** The file as it was named, or what stands for one: `environment`, `--port`. */
  readonly file: string;
  /** Counted from 1; 0 where there is no such place (the environment, a flag). */
  readonly line: number;
  /** Counted from 1; 0 where there is no such place. */
  readonly col: number;
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/** Keys and indexes from the top of a configuration to one of its values. */
export type Path = readonly (string | number)[];

/** A problem as people and editors read it: `venturi.yaml:7:5: unknown key …`. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.col}` : problem.file;
  return `${place}: ${problem.message}`;
}

/** A path as a person would write it: `models.chat.targets[0].provider`; empty for the top. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[A-Za-z0-9_-]+$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** A path as a map's key; equal paths give equal strings. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}
