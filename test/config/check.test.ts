// `venturi check` and `venturi schema` as commands: exit codes, and what goes where.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { check } from "../../src/cli/check.ts";
import { schema } from "../../src/cli/schema.ts";
import { editorSchema } from "../../src/config/editor.ts";

let out: string[];
let err: string[];
beforeEach(() => {
  out = [];
  err = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, "error").mockImplementation((line: string) => void err.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const folder = mkdtempSync(join(tmpdir(), "venturi-"));
const file = join(folder, "v.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

test("a good file: a summary, exit 0", async () => {
  writeFileSync(file, "providers: { local: { kind: ollama } }\nmodels: { m: { targets: [local/x] } }");
  expect(await check(["--config", file])).toBe(0);
  expect(out.join("\n")).toBe(`${file}: ok\n  2 providers: local, sim\n  1 model: m\n  0 client keys`);
  expect(err).toEqual([]);
});

test("a bad file: every problem on a line of stderr, exit 1", async () => {
  writeFileSync(file, "listen: { prot: 1 }\nmodels: { m: { targets: [nope/x] } }");
  expect(await check(["--config", file])).toBe(1);
  expect(err).toEqual([
    `${file}:1:11: unknown key "prot" in listen; did you mean "port"?`,
    `${file}:2:26: there is no provider "nope"; known are sim`,
  ]);
  expect(out).toEqual([]);
});

test("misuse: how it is used, exit 2", async () => {
  expect(await check(["--cofnig", file])).toBe(2);
  expect(await check(["a", "b"])).toBe(2);
  expect(await schema(["x"])).toBe(2);
  expect(err[0]).toBe("usage: venturi check [--config venturi.yaml]");
});

test("the schema is printed as JSON", async () => {
  expect(await schema([])).toBe(0);
  expect(JSON.parse(out.join("\n"))).toEqual(editorSchema());
});
