// Recorded calls of Gemini and Vertex.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../shared/fixtures");

/** A recorded call. */
export interface RecordedCall {
  readonly name: string;
  readonly provider: string;
  readonly op: string;
  readonly status: number;
  readonly kind: string;
  readonly model: string;
  /** The request's body as text; null where it was left out. */
  readonly request: string | null;
  readonly body: Buffer;
}

/** The recorded calls of some operations; none where the recordings are not beside the checkout. */
export function recordedCalls(...ops: readonly string[]): RecordedCall[] {
  const index = join(FOLDER, "index.jsonl");
  if (!existsSync(index)) return [];
  return readFileSync(index, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Omit<RecordedCall, "body"> & { readonly case: string })
    .filter(({ provider, op }) => (provider === "gemini" || provider === "vertex") && ops.includes(op))
    .map((row) => {
      const request = JSON.parse(readFileSync(join(FOLDER, row.case, "request.json"), "utf8")) as {
        readonly url: string;
        readonly body: string | null;
      };
      const model = /models\/([^:]+):/.exec(request.url)?.[1] ?? "unknown";
      const body = readFileSync(join(FOLDER, row.case, "response.body"));
      return { ...row, name: row.case, model, request: request.body || null, body };
    });
}

/** Whether there are recordings; tests that need them are skipped without, and say so by their names. */
export const HAS_RECORDINGS = existsSync(join(FOLDER, "index.jsonl"));
