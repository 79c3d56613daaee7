// The recorded calls of Anthropic's Messages.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../shared/fixtures");

/** A recorded call. */
export interface RecordedCall {
  readonly name: string;
  readonly op: string;
  readonly status: number;
  readonly kind: string;
  /** Null where the recording left it out. */
  readonly request: Record<string, unknown> | null;
  readonly body: Buffer;
}

/** All of them; none where the recordings are not beside the checkout. */
export function recordedCalls(): RecordedCall[] {
  const index = join(FOLDER, "index.jsonl");
  if (!existsSync(index)) return [];
  return readFileSync(index, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(
      (line) =>
        JSON.parse(line) as { case: string; provider: string; kind: string; op: string; status: number },
    )
    .filter(({ provider, op }) => provider === "anthropic" && op.startsWith("messages"))
    .map(({ case: name, op, kind, status }) => ({
      ...{ name, op, kind, status },
      request: requestOf(join(FOLDER, name, "request.json")),
      body: readFileSync(join(FOLDER, name, "response.body")),
    }));
}

function requestOf(file: string): Record<string, unknown> | null {
  const { body } = JSON.parse(readFileSync(file, "utf8")) as { body: string | null };
  return body === null || body === "" ? null : (JSON.parse(body) as Record<string, unknown>);
}
