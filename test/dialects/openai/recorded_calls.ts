// The recorded calls of chat completions: what was asked, and what was answered, by kind.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../shared/fixtures");

/** A recorded call. */
export interface RecordedCall {
  readonly name: string;
  readonly provider: string;
  readonly status: number;
  readonly kind: string;
  /** Null where it was too long to be recorded. */
  readonly request: Readonly<Record<string, unknown>> | null;
  readonly body: Buffer;
}

/** Why there are none, for `describe.skipIf`; null where they are there. */
export const RECORDED_MISSING: string | null = existsSync(join(FOLDER, "index.jsonl"))
  ? null
  : "the recorded provider traffic is not beside the checkout (shared/fixtures)";

/** All of them. */
export function recordedCalls(): readonly RecordedCall[] {
  if (RECORDED_MISSING !== null) return [];
  return readFileSync(join(FOLDER, "index.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(
      (line) =>
        JSON.parse(line) as { case: string; provider: string; op: string; status: number; kind: string },
    )
    .filter(({ op }) => op === "chat.completions")
    .map(({ case: name, provider, status, kind }) => {
      const { body } = JSON.parse(readFileSync(join(FOLDER, name, "request.json"), "utf8")) as {
        body: string | null;
      };
      return {
        ...{ name, provider, status, kind },
        request: body === null ? null : (JSON.parse(body) as Record<string, unknown>),
        body: readFileSync(join(FOLDER, name, "response.body")),
      };
    });
}
