// A set of calls with the answers that they are to be compared with: a file of a JSON object a line. Whoever has it can read what was
// said, as far as privacy had not taken it out.

import { createReadStream, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import * as z from "zod";
import { answerText } from "../../console/content_routes.ts";
import type { ClientFormatName } from "../../dialects/client_format.ts";
import { formatOfPath } from "../../gateway/endpoints.ts";

/** Calls of a set, at most. */
export const CALLS_MAX = 100_000;

const line_schema = z.object({
  id: z.string().min(1).max(200),
  endpoint: z.string().default("/chat/completions"),
  model: z.string().optional(),
  stream: z.boolean().default(false),
  tenant: z.string().optional(),
  request: z.record(z.string(), z.unknown()),
  answer: z.record(z.string(), z.unknown()),
});

/** A call of a set. */
export type SetCall = z.output<typeof line_schema>;

/** The calls of a file; in words, what is wrong with it. */
export async function readSet(path: string): Promise<SetCall[] | { readonly fault: string }> {
  const calls: SetCall[] = [];
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() === "") continue;
      if (calls.length === CALLS_MAX) return { fault: `${path} has more than ${CALLS_MAX} calls` };
      const call = readLine(line);
      if (typeof call === "string") return { fault: `${path}:${number}: ${call}` };
      calls.push(call);
    }
  } catch (error) {
    return { fault: `${path} cannot be read (${error instanceof Error ? error.message : String(error)})` };
  }
  return calls.length === 0 ? { fault: `${path} has no calls in it` } : calls;
}

function readLine(line: string): SetCall | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "the line is no JSON";
  }
  const read = line_schema.safeParse(value);
  if (!read.success) {
    const { path, message } = read.error.issues[0]!;
    return path.length === 0 ? message : `${path.join(".")}: ${message}`;
  }
  if (formatOfPath(read.data.endpoint) === null)
    return `endpoint: there are no calls of ${read.data.endpoint}`;
  return read.data;
}

/** What the answer of a call in a set says; null where it says nothing in words. */
export function textOfCall({ endpoint, answer }: SetCall): string | null {
  const format: ClientFormatName | null = formatOfPath(endpoint);
  if (format === null) return null;
  return answerText({ format, answer: { bytes: Buffer.from(JSON.stringify(answer)), form: "whole" } });
}

/** Makes the file of a set, which must not be there yet; nobody else may read it. */
export function makeSet(path: string): (call: SetCall) => void {
  const file = openSync(path, "wx", 0o600);
  return (call) => void writeSync(file, `${JSON.stringify(call)}\n`);
}
