// The recorded calls of Bedrock.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../shared/fixtures");

/** A recorded call. */
export interface RecordedCall {
  readonly name: string;
  readonly op: string;
  readonly status: number;
  readonly kind: string;
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** All of them; none where the recordings are not beside the checkout. */
export function recordedCalls(): RecordedCall[] {
  const index = join(FOLDER, "index.jsonl");
  if (!existsSync(index)) {
    console.warn("skipped: the recorded traffic (../shared/fixtures) is not here");
    return [];
  }
  return readFileSync(index, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Omit<RecordedCall, "name"> & { case: string; provider: string })
    .filter(({ provider }) => provider === "bedrock")
    .map(({ case: name, op, kind, status, model }) => {
      const response = JSON.parse(readFileSync(join(FOLDER, name, "response.json"), "utf8")) as {
        headers: Record<string, string>;
      };
      const body = readFileSync(join(FOLDER, name, "response.body"));
      return {
        ...{ name, op, kind, status, body, headers: response.headers },
        model: decodeURIComponent(model),
      };
    });
}

/** The messages of a binary stream, read as simply as can be. */
export function simpleFrames(
  body: Buffer,
): { readonly name: string; readonly event: Record<string, unknown> }[] {
  const found: { name: string; event: Record<string, unknown> }[] = [];
  for (let at = 0; at < body.length; at += body.readUInt32BE(at)) {
    const end = at + body.readUInt32BE(at);
    const headers_end = at + 12 + body.readUInt32BE(at + 4);
    const name = /:event-type\x07..(\w+)/s.exec(body.subarray(at + 12, headers_end).toString("latin1"))![1]!;
    found.push({ name, event: JSON.parse(body.subarray(headers_end, end - 4).toString()) as never });
  }
  return found;
}
