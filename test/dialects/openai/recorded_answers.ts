// The recorded plain answers of chat completions, as providers sent them.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../shared/fixtures");

/** A recorded plain answer. */
export interface RecordedAnswer {
  readonly name: string;
  readonly body: Buffer;
}

/** All that succeeded; none where the recordings are not beside the checkout. */
export function recordedAnswers(): RecordedAnswer[] {
  const index = join(FOLDER, "index.jsonl");
  if (!existsSync(index)) return [];
  return readFileSync(index, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { case: string; kind: string; op: string; status: number })
    .filter(({ kind, op, status }) => kind === "json" && op === "chat.completions" && status === 200)
    .map(({ case: name }) => ({ name, body: readFileSync(join(FOLDER, name, "response.body")) }));
}
