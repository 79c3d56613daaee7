import { describe, expect, test } from "vitest";
import { readGeminiUsage } from "../../../src/dialects/gemini/usage.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import { checkGeminiStream } from "../grammar/gemini.ts";
import { checkEvents, collect, readStream, writeStream } from "./context.ts";
import { HAS_RECORDINGS, recordedCalls } from "./recorded.ts";

type Json = Readonly<Record<string, unknown>>;

/** Streams that do not end well, and how. */
const BROKEN: Readonly<Record<string, "cut" | "error">> = {
  "streaming-failure-error-mid-stream": "error",
  "streaming-failure-invalid-json": "cut",
  "streaming-failure-malformed-content": "cut",
  "streaming-failure-empty-content": "cut",
  // Says nowhere why it ended.
  "streaming-success-quotes-escaped": "cut",
};

function chunksOf(body: Buffer, kind: string): Json[] {
  if (kind === "json") return JSON.parse(body.toString()) as Json[];
  return body
    .toString()
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => JSON.parse(line.slice("data:".length)) as Json);
}

/** What a stream says, read as simply as can be. */
function plainly(chunks: readonly Json[]) {
  const candidates = chunks.flatMap(({ candidates }) => (candidates ?? []) as Json[]);
  const parts = candidates.flatMap(
    ({ content }) => ((content as Json | undefined)?.["parts"] ?? []) as Json[],
  );
  const said = (thought: boolean) =>
    parts.map((part) => ((part["thought"] === true) === thought ? (part["text"] ?? "") : "")).join("");
  const calls = parts
    .filter((part) => part["functionCall"] !== undefined)
    .map((part) => part["functionCall"] as Json)
    .map(({ name, args = {} }) => ({ name, args }));
  const signatures = parts
    .map((part) => part["thoughtSignature"])
    .filter((signature) => signature !== undefined);
  const finishes = candidates
    .map(({ finishReason }) => finishReason)
    .filter((reason) => reason !== undefined);
  const usages = chunks.map(({ usageMetadata }) => usageMetadata).filter((usage) => usage !== undefined);
  const grounded = candidates.filter(
    (candidate) => Object.keys((candidate["groundingMetadata"] ?? {}) as Json).length > 0,
  );
  const usage = readGeminiUsage(usages.at(-1), grounded.slice(-1));
  return { text: said(false), thoughts: said(true), calls, signatures, finish: finishes.at(-1), usage };
}

function plainlyRead(events: readonly StreamEvent[]) {
  const { choices, usage } = collect(events);
  const parts = choices[0]?.parts ?? [];
  const finish = choices[0]?.finish;
  const said = (kind: "text" | "thinking") =>
    parts.map((part) => (part.kind === kind ? part.text : "")).join("");
  const calls = parts
    .filter((part) => part.kind === "tool_call")
    .map(({ name, arguments: args }) => ({ name, args: JSON.parse(args) as unknown }));
  const signatures = parts.map((part) => ("signature" in part ? part.signature?.value : undefined));
  return {
    ...{ text: said("text"), thoughts: said("thinking"), calls, usage, finish: finish?.raw },
    signatures: signatures.filter((signature) => signature !== undefined),
  };
}

describe.skipIf(!HAS_RECORDINGS)("recorded streams (../shared/fixtures)", () => {
  const calls = recordedCalls("streamGenerateContent").filter(({ status }) => status === 200);

  test("there are some, of both forms", () => {
    expect(calls.filter(({ kind }) => kind === "sse").length).toBeGreaterThan(50);
    expect(calls.filter(({ kind }) => kind === "json").length).toBeGreaterThan(10);
  });

  test.each(calls.map((call) => [call.name, call] as const))("%s", (name, { body, kind }) => {
    const events = readStream([body]);
    expect(checkEvents(events)).toEqual([]);
    const broken = Object.entries(BROKEN).find(([part]) => name.includes(part))?.[1];
    if (broken === "error") {
      expect(events.at(-1)).toMatchObject({ kind: "error", error: { code: "499", type: "CANCELLED" } });
      return;
    }
    expect(events.some(({ kind: event_kind }) => event_kind === "end")).toBe(broken === undefined);
    if (broken === "cut") return;
    const said = plainly(chunksOf(body, kind));
    const read = plainlyRead(events);
    const { finish, ...others } = said;
    expect(read).toMatchObject(others);
    if (finish !== undefined) expect(read.finish).toBe(finish);

    for (const framing of ["sse", "array"] as const) {
      const written = writeStream(events, framing);
      expect(checkGeminiStream(written)).toEqual([]);
      const again = readStream([written]);
      expect(checkEvents(again)).toEqual([]);
      const answer = collect(events);
      const { id, model } = collect(again);
      expect({ ...collect(again), created_s: answer.created_s }).toEqual(asTold({ ...answer, id, model }));
    }
  });

  test.each(calls.map((call) => [call.name, call] as const))("%s, cut at every position", (_, { body }) => {
    const whole = JSON.stringify(readStream([body]));
    const bytes = Array.from(body, (byte) => Uint8Array.of(byte));
    expect(JSON.stringify(readStream(bytes))).toBe(whole);
    // Long ones are cut in two at every so many places only.
    const step = Math.max(1, Math.floor(body.length / 500));
    for (let at = 1; at < body.length; at += step)
      expect(JSON.stringify(readStream([body.subarray(0, at), body.subarray(at)]))).toBe(whole);
  });

  test("a stream whose end is missing does not end well", () => {
    let cut = 0;
    for (const { body, kind, name } of calls) {
      if (Object.keys(BROKEN).some((part) => name.includes(part))) continue;
      const finish = kind === "json" ? body.lastIndexOf("]") : body.indexOf('"finishReason"');
      if (finish < 0) continue;
      cut += 1;
      const events = readStream([body.subarray(0, finish)]);
      expect([name, events.some(({ kind: event_kind }) => event_kind === "end")]).toEqual([name, false]);
    }
    expect(cut).toBeGreaterThan(40);
  });
});

/** What of an answer a stream of Gemini's can tell: no tier, refusals as texts, ids of calls by the id that it has now. */
function asTold({ service_tier: _, ...answer }: ReturnType<typeof collect>) {
  const choices = answer.choices.map((choice) => ({
    ...choice,
    parts: choice.parts.map((part) => {
      if (part.kind === "refusal") return { ...part, kind: "text" };
      if (part.kind !== "tool_call" || !part.id.startsWith("gcall_")) return part;
      return { ...part, id: `gcall_${part.id.split("_")[1]}_${answer.id}` };
    }),
  }));
  return { ...answer, choices };
}
