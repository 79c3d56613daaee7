// Sets of calls: what is read of them, what is compared, and what counts as a shift.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Answers,
  BOUNDS,
  type ComparedCall,
  compareCall,
  measuresOf,
} from "../../src/cli/regress/compare.ts";
import { reportText } from "../../src/cli/regress/report.ts";
import { readSet, textOfCall } from "../../src/cli/regress/set.ts";
import { type BuiltinEmbedder, loadBuiltinEmbedder } from "../../src/inference/embedders/builtin/embedder.ts";
import { venturi } from "./command.ts";

const embedder = loadBuiltinEmbedder() as BuiltinEmbedder;
const embed = (text: string) => embedder.embed(text);

function compared(before: string, after: string | null, given: Partial<Answers> = {}): ComparedCall {
  const error = after === null ? "it failed" : null;
  return compareCall(
    { ...{ id: "1", before, after, error, asks_json: false, cost_usd: 0.001, total_ms: 20 }, ...given },
    embed,
  );
}

/** The measures that have shifted. */
function shifted(calls: readonly ComparedCall[], bounds = BOUNDS): string[] {
  return measuresOf(calls, bounds).flatMap(({ name, is_shifted }) => (is_shifted ? [name] : []));
}

const many = (count: number, call: ComparedCall) => Array.from({ length: count }, () => call);
const SAME = compared("The capital of Australia is Canberra.", "Canberra is Australia's capital city.");
const OTHER = compared("The capital of Australia is Canberra.", "Lorem ipsum dolor sit amet, consectetur.");
const REFUSED = compared(
  "The capital of Australia is Canberra.",
  "I'm sorry, but I can't help with that one.",
);

describe("a call", () => {
  test("is compared by what both answers say, whether it is the same or only means it", () => {
    expect(compared("Yes.", "Yes.").similarity).toBe(1);
    expect(SAME.similarity).toBeGreaterThan(0.7);
    expect(OTHER.similarity).toBeLessThan(0.3);
    expect(compared("Yes.", null)).toMatchObject({
      error: "it failed",
      similarity: null,
      refused_after: false,
    });
    expect(compared("", "Well.").similarity).toBeNull();
    expect(REFUSED).toMatchObject({ refused_before: false, refused_after: true });
  });

  test.each([
    ['{"a": 1}', "[1, 2]", false, true, true],
    ['{"a": 1}', "```json\n{}\n```", false, true, true],
    ['{"a": 1}', "Here it is: {}", false, true, false],
    ["No JSON", "None either", false, null, null],
    ["No JSON", "{}", true, false, true],
    ["7", "8", false, null, null],
  ])("of %j and then %j, JSON asked for: %j", (before, after, asks_json, json_before, json_after) => {
    expect(compared(before, after, { asks_json })).toMatchObject({ json_before, json_after });
  });
});

describe("a set has shifted", () => {
  test("by nothing where answers mean the same", () => {
    expect(shifted(many(20, SAME))).toEqual([]);
    expect(shifted([])).toEqual([]);
  });

  test("by the measure whose bound is passed, and by no other", () => {
    expect(shifted([...many(19, SAME), OTHER])).toEqual([]);
    expect(shifted([...many(18, SAME), OTHER, OTHER])).toEqual(["unlike"]);
    expect(shifted(many(20, OTHER))).toEqual(["similarity", "unlike"]);
    expect(shifted([...many(60, SAME), REFUSED])).toEqual([]);
    expect(shifted([...many(30, SAME), REFUSED])).toEqual(["refusals"]);
    expect(shifted([...many(99, SAME), compared("x", null)])).toEqual(["failed"]);
    const json = compared('{"a":1}', '{"a":1}');
    expect(shifted([...many(99, json), compared('{"a":1}', '"a":1')])).toEqual(["invalid_json"]);
    const longer = compared("Yes, it is so. ".repeat(10), "Yes, it is so. ".repeat(13));
    expect(shifted(many(9, longer))).toEqual(["length"]);
    expect(shifted(many(9, longer), { ...BOUNDS, length: 0.3 })).toEqual([]);
  });

  test("is told with what is least alike, and what failed", () => {
    const calls = [...many(3, SAME), { ...REFUSED, id: "odd\u001b[31m" }, compared("x", null)];
    const text = reportText({ set: "s.jsonl", model: "chat", calls, bounds: BOUNDS });
    expect(text).toMatch(/^5 calls of s\.jsonl, asked of chat: \$0\.005/);
    expect(text).toMatch(/Least alike:\n {2}0\.\d\d {2}odd\?\[31m {2}refused now/);
    expect(text).toContain("Failed:\n  1: it failed");
    expect(text).toMatch(/\d of 6 have shifted\.$/);
  });
});

describe("a set's file", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "venturi-set-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const read = (text: string) => {
    const path = join(folder, "set.jsonl");
    writeFileSync(path, text);
    return readSet(path);
  };
  const LINE = { id: "a", request: { messages: [] }, answer: { choices: [{ message: { content: "Hi" } }] } };

  test("is read line by line, whatever format its calls are in", async () => {
    const messages = {
      ...{ id: "b", endpoint: "/messages", request: {} },
      answer: { type: "message", role: "assistant", content: [{ type: "text", text: "Hello" }] },
    };
    const completion = {
      id: "c",
      endpoint: "/completions",
      request: {},
      answer: { choices: [{ text: "Ho" }] },
    };
    const calls = await read(
      [LINE, messages, completion].map((line) => `${JSON.stringify(line)}\n\n`).join(""),
    );
    expect((calls as Awaited<ReturnType<typeof readSet>> & []).map(textOfCall)).toEqual([
      "Hi",
      "Hello",
      "Ho",
    ]);
  });

  test.each([
    ["", "has no calls in it"],
    [`${JSON.stringify(LINE)}\n{"id":`, ":2: the line is no JSON"],
    [JSON.stringify({ ...LINE, answer: "Hi" }), ":1: answer: "],
    [JSON.stringify({ ...LINE, endpoint: "/files" }), ":1: endpoint: there are no calls of /files"],
  ])("that is %j is refused: %s", async (text, why) => {
    expect(await read(text)).toMatchObject({ fault: expect.stringContaining(why) });
  });

  test("and the command line are refused where they say nothing that could be done", async () => {
    const run = (...args: string[]) => venturi(folder, "regress", ...args);
    expect(await run("--model", "m")).toMatchObject({ code: 2, stderr: expect.stringContaining("--set") });
    const nobody = await run("--set", "none.jsonl", "--model", "m", "--data", "nowhere");
    expect(nobody).toMatchObject({ code: 3, stderr: expect.stringContaining("no gateway runs") });
    const bound = await run("--set", "s", "--model", "m", "--min-similarity", "2");
    expect(bound).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must be a share such as 0.1, not "2"'),
    });
  });
});
