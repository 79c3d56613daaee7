import { describe, expect, test } from "vitest";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import { readGeminiUsage } from "../../../src/dialects/gemini/usage.ts";
import type { ChatAnswer } from "../../../src/dialects/neutral/answer.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { checkGeminiAnswer } from "../grammar/gemini.ts";
import { CONTEXT } from "./context.ts";
import { HAS_RECORDINGS, recordedCalls } from "./recorded.ts";

type Json = Readonly<Record<string, unknown>>;

/** What an answer says, read as simply as can be. */
function plainly(body: Json) {
  const candidate = (body["candidates"] as Json[] | undefined)?.[0];
  const parts = ((candidate?.["content"] as Json | undefined)?.["parts"] ?? []) as Json[];
  const text = parts
    .filter((part) => part["thought"] !== true && typeof part["text"] === "string")
    .map((part) => part["text"])
    .join("");
  const thoughts = parts
    .filter((part) => part["thought"] === true)
    .map((part) => part["text"] ?? "")
    .join("");
  const calls = parts
    .filter((part) => part["functionCall"] !== undefined)
    .map((part) => part["functionCall"] as Json)
    .map(({ name, args = {} }) => ({ name, args }));
  return { text, thoughts, calls, finish: candidate?.["finishReason"] };
}

function plainlyRead({ choices }: ChatAnswer) {
  const { parts, finish } = choices[0]!;
  const said = (kind: "text" | "thinking") =>
    parts.map((part) => (part.kind === kind ? part.text : "")).join("");
  const calls = parts
    .filter((part) => part.kind === "tool_call")
    .map(({ name, arguments: args }) => ({ name, args: JSON.parse(args) as unknown }));
  return { text: said("text"), thoughts: said("thinking"), calls, finish };
}

/** A choice that did not say why it ended is told to have ended for another reason. */
function withRaw(answer: ChatAnswer): ChatAnswer {
  const choices = answer.choices.map((choice) =>
    choice.finish?.reason === "other" ? { ...choice, finish: { raw: "OTHER", ...choice.finish } } : choice,
  );
  return { ...answer, choices };
}

function asDoubles(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe.skipIf(!HAS_RECORDINGS)("recorded answers (../shared/fixtures)", () => {
  const calls = recordedCalls("generateContent").filter(
    ({ status, kind }) => status === 200 && kind === "json",
  );

  test("there are some", () => {
    expect(calls.length).toBeGreaterThan(150);
  });

  test.each(calls.map((call) => [call.name, call] as const))("%s", (name, { body: bytes }) => {
    // Old ones have no id; then it is the call's, and ids of their calls are made of it.
    const body: Json = { responseId: CONTEXT.call_id, ...(parseExact(bytes) as Json) };
    const answer = GEMINI.readAnswer(body);
    if (name.includes("unary-failure-invalid-response")) {
      expect(answer).toBeNull();
      return;
    }
    expect(answer).not.toBeNull();
    const { text, thoughts, calls, finish } = plainly(body);
    const read = plainlyRead(answer!);
    expect(asDoubles(read)).toMatchObject(asDoubles({ text, thoughts, calls }) as object);
    if (finish !== undefined) expect(read.finish?.raw).toBe(finish);
    const blocked = (body["promptFeedback"] as Json | undefined)?.["blockReason"];
    if (blocked !== undefined) expect(read.finish).toEqual({ reason: "content_filter", raw: blocked });
    expect(answer!.usage).toEqual(readGeminiUsage(body["usageMetadata"], body["candidates"]));
    expect(answer!.model).toBe(body["modelVersion"] ?? "");

    const written = GEMINI.writeAnswer(answer!, CONTEXT);
    // What was recorded has fields that no answer of today has, and lacks some.
    expect(
      checkGeminiAnswer(JSON.parse(JSON.stringify(written))).filter(
        (wrong) => !/unknown|totalTokenCount/.test(wrong),
      ),
    ).toEqual([]);
    const again = GEMINI.readAnswer(parseExact(Buffer.from(JSON.stringify(written))) as Json);
    const { model } = answer!;
    expect(withRaw({ ...again!, model })).toEqual(withRaw(answer!));
    // Of an answer without anything of Gemini's own, all that others may see is told as well.
    const { own: _, ...foreign } = answer!;
    const told = GEMINI.writeAnswer(foreign, CONTEXT);
    expect(checkGeminiAnswer(JSON.parse(JSON.stringify(told)))).toEqual([]);
  });
});
