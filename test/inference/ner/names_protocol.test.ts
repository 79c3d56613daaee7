import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InferenceClient } from "../../../src/inference/client.ts";
import type { InferenceConfig } from "../../../src/inference/config.ts";
import { type Inference, startInference } from "../../../src/inference/inference.ts";
import { readRequest, readResponse } from "../../../src/inference/messages.ts";
import { type BuiltinNer, loadBuiltinNer } from "../../../src/inference/ner/ner.ts";
import { RememberedNames } from "../../../src/inference/ner/remembered_names.ts";
import { inferenceSocketPath } from "../../../src/inference/socket.ts";

const BUDGET_MS = 60_000;

let folder: string;
let said: string[];
let service: Inference | null;
let client: InferenceClient;
let looked: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-names-"));
  said = [];
  looked = 0;
  service = null;
});
afterEach(async () => {
  if (service !== null) client.close();
  await service?.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

/** The built-in model, and how often it was asked. */
function loadCounted(): BuiltinNer | { readonly fault: string } {
  const ner = loadBuiltinNer();
  if ("fault" in ner) return ner;
  const findByAndBy = ner.findByAndBy.bind(ner);
  ner.findByAndBy = (...asked) => {
    looked++;
    return findByAndBy(...asked);
  };
  return ner;
}

function config(names?: readonly string[]): InferenceConfig {
  const rest = { data: folder, embedders: [], max_entries: 100, threads: 1 };
  return names === undefined ? rest : { ...rest, names };
}

function start(names: readonly string[] | undefined, loadNer = loadCounted): void {
  const started = startInference({
    config: config(names),
    is_distrusted: false,
    makeEmbedder: () => ({ fault: "none" }),
    loadNer,
    onDamage: () => {},
    log: (line) => said.push(line),
  });
  if ("fault" in started) throw new Error(started.fault);
  service = started;
  const path = inferenceSocketPath(folder);
  if (typeof path !== "string") throw new Error(path.fault);
  client = new InferenceClient(path);
}

const ask = (...texts: string[]) => client.names({ model: "builtin", texts }, BUDGET_MS);

describe("names over the socket", () => {
  test("are those that the model finds, text by text", async () => {
    start(["builtin"]);
    const texts = ["My name is Olga Novak.", "nothing here", "", "👍 I live in Oslo, says Peter Schmidt."];
    const answer = await ask(...texts);
    if ("fault" in answer) throw new Error(answer.fault);
    const ner = loadBuiltinNer();
    if ("fault" in ner) throw new Error(ner.fault);
    expect(answer.names).toEqual(texts.map((text) => ner.find(text)));
    expect(answer.names.map((names) => names.length)).toEqual([1, 0, 0, 2]);
  });

  test("of a history that is sent again are remembered", async () => {
    start(["builtin"]);
    const first = await ask("My name is Olga Novak.", "I live in Oslo.");
    expect(looked).toBe(2);
    const second = await ask("My name is Olga Novak.", "I live in Oslo.", "and in Rome");
    expect(looked).toBe(3);
    if ("fault" in first || "fault" in second) throw new Error("no answer");
    expect(second.names.slice(0, 2)).toEqual(first.names);
  });

  test("in a long text leave room for other work", async () => {
    start(["builtin"]);
    const long = "Olga Novak lives in Oslo and works for Contoso Ltd.\n".repeat(20_000);
    const order: string[] = [];
    const slow = ask(long).then((answer) => {
      order.push("long");
      return answer;
    });
    const quick = client.stats(BUDGET_MS).then(() => order.push("stats"));
    const answer = await slow;
    await quick;
    expect(order).toEqual(["stats", "long"]);
    // More names than an answer may have room for is none, so that nobody takes a part for the whole.
    expect("fault" in answer || answer.names[0]!.length >= 20_000).toBe(true);
  });

  test("are refused where no model is configured, and are there once one is", async () => {
    start(undefined);
    expect(await ask("My name is Olga Novak.")).toEqual({ fault: "down" });
    service?.configure(config(["builtin"]));
    expect(await ask("My name is Olga Novak.")).toMatchObject({ names: [[{ entity: "PERSON" }]] });
    service?.configure(config([]));
    expect(await ask("My name is Olga Novak.")).toEqual({ fault: "down" });
  });

  test("of another model are refused, and it is said once", async () => {
    start(["other:x/y"]);
    expect(await client.names({ model: "other:x/y", texts: ["Ada"] }, BUDGET_MS)).toEqual({
      fault: "down",
    });
    expect(said).toEqual(["no model for names is called other:x/y"]);
  });

  test("are refused where the weights cannot be loaded", async () => {
    start(["builtin"], () => ({ fault: "the weights for names cannot be read" }));
    expect(await ask("Ada")).toEqual({ fault: "down" });
    expect(said).toEqual(["no names are found: the weights for names cannot be read"]);
  });
});

describe("messages", () => {
  test.each([
    [{ kind: "names", model: "builtin", texts: ["a", 1] }],
    [{ kind: "names", model: 1, texts: [] }],
    [{ kind: "names", model: "builtin", texts: Array(300).fill("a") }],
    [{ kind: "names", texts: ["a"] }],
  ])("requests that are none: %j", (asked) => {
    expect(readRequest({ id: 1, deadline_ms: 1, asked })).toBeNull();
  });

  test.each([
    [[[[0, 1, "PERSON"]]]],
    [[[[0.5, 1, "PERSON", 1]]]],
    [[[["0", 1, "PERSON", 1]]]],
    [[[[0, 1, 2, 1]]]],
    [["a"]],
    ["a"],
  ])("answers that are none: %j", (names) => {
    expect(readResponse({ id: 1, answer: { kind: "names", names } })).toBeNull();
  });
});

describe("remembered names", () => {
  const name = { start: 0, end: 3, entity: "PERSON", score: 1 };

  test("go when there are too many texts, those first that were not asked for longest", () => {
    const remembered = new RememberedNames(3, 1_000);
    const keys = ["a", "b", "c", "d"].map((text) => remembered.keyOf("m", text));
    for (const key of keys.slice(0, 3)) remembered.set(key, [name]);
    expect(remembered.get(keys[0]!)).toEqual([name]);
    remembered.set(keys[3]!, []);
    expect(keys.map((key) => remembered.get(key) !== null)).toEqual([true, false, true, true]);
    expect(remembered.size).toBe(3);
  });

  test("go when there are too many names", () => {
    const remembered = new RememberedNames(100, 5);
    for (const text of ["a", "b", "c"]) remembered.set(remembered.keyOf("m", text), [name, name]);
    expect(remembered.size).toBe(2);
    remembered.set(remembered.keyOf("m", "d"), Array(9).fill(name));
    expect(remembered.size).toBe(0);
    remembered.set(remembered.keyOf("m", "e"), [name]);
    expect(remembered.get(remembered.keyOf("m", "e"))).toEqual([name]);
  });

  test("are kept apart by model, and by text", () => {
    const remembered = new RememberedNames();
    expect(
      new Set([remembered.keyOf("a", "b"), remembered.keyOf("b", "b"), remembered.keyOf("a", "c")]).size,
    ).toBe(3);
    expect(remembered.keyOf("a", "b")).toBe(remembered.keyOf("a", "b"));
    expect(new RememberedNames().keyOf("a", "b")).not.toBe(remembered.keyOf("a", "b"));
  });
});
