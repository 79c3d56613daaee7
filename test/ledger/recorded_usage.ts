// The recorded answers of providers, with what they say that they used as plain JSON: no reader of ours has a part in it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../shared/fixtures");

/** Why there are none, for `describe.skipIf`; null where they are there. */
export const RECORDINGS_MISSING: string | null = existsSync(join(FOLDER, "index.jsonl"))
  ? null
  : "the recorded provider traffic is not beside the checkout (shared/fixtures)";

/** A recorded answer: one document, or the events of a stream. */
export interface RecordedAnswer {
  readonly name: string;
  readonly provider: string;
  readonly op: string;
  /** As the request had it; null where it cannot be told. */
  readonly model: string | null;
  readonly documents: readonly unknown[];
}

interface Line {
  readonly case: string;
  readonly provider: string;
  readonly op: string;
  readonly model: string | null;
  readonly status: number;
  readonly kind: string;
}

/** All answers that succeeded and are JSON in one way or another. */
export function recordedAnswers(): RecordedAnswer[] {
  if (RECORDINGS_MISSING !== null) return [];
  return readFileSync(join(FOLDER, "index.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line)
    .filter(({ status, kind }) => status === 200 && ["json", "sse", "eventstream"].includes(kind))
    .map(({ case: name, provider, op, model, kind }) => ({
      ...{ name, provider, op, model },
      documents: documentsOf(readFileSync(join(FOLDER, name, "response.body")), kind),
    }));
}

function documentsOf(body: Buffer, kind: string): unknown[] {
  if (kind === "json") return parsed([body.toString()]);
  if (kind === "eventstream") return framesOf(body);
  const lines = body.toString().split(/\r?\n/);
  return parsed(lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)));
}

/** The payloads of AWS's binary frames: length, length of headers, checksum, headers, payload, checksum. */
function framesOf(body: Buffer): unknown[] {
  const documents: unknown[] = [];
  for (let at = 0; at < body.length; at += body.readUInt32BE(at)) {
    const end = at + body.readUInt32BE(at) - 4;
    const [payload] = parsed([body.subarray(at + 12 + body.readUInt32BE(at + 4), end).toString()]);
    // InvokeModel wraps the model's own events.
    const { bytes } = (payload ?? {}) as { bytes?: string };
    documents.push(...(bytes === undefined ? [payload] : parsed([Buffer.from(bytes, "base64").toString()])));
  }
  return documents;
}

/** What is not JSON (`[DONE]`, a body that was cut on purpose) is left out. */
function parsed(texts: readonly string[]): unknown[] {
  return texts.flatMap((text) => {
    try {
      return [JSON.parse(text) as unknown];
    } catch {
      return [];
    }
  });
}
