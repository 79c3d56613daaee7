// Recorded calls of the Responses API, read in place.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../../../shared/fixtures");

/** Whether the recordings are at hand. */
export const has_recordings: boolean = existsSync(`${root}/index.jsonl`);

/** One call. */
export interface Recorded {
  readonly case: string;
  readonly provider: string;
  readonly status: number;
  readonly kind: string;
  /** The body that was sent; null where it was left out. */
  readonly request: Record<string, unknown> | null;
  readonly body: Uint8Array;
}

/** All recorded calls of `/responses`. */
export function recordedCalls(): readonly Recorded[] {
  if (!has_recordings) return [];
  const calls = readFileSync(`${root}/index.jsonl`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(
      (line) =>
        JSON.parse(line) as { case: string; provider: string; op: string; status: number; kind: string },
    )
    .filter(({ op }) => op === "responses");
  return calls.map(({ case: name, provider, status, kind }) => {
    const folder = `${root}/${name.includes("/") ? name : `${provider}/${name}`}`;
    const { body } = JSON.parse(readFileSync(`${folder}/request.json`, "utf8")) as { body: string | null };
    const request = body === null ? null : (JSON.parse(body) as Record<string, unknown>);
    return { case: name, provider, status, kind, request, body: readFileSync(`${folder}/response.body`) };
  });
}
