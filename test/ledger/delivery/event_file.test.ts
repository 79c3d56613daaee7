// The file of events: whole lines only, rotated, none lost over crashes and other people's log rotation.

import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventFile, rotatedFiles } from "../../../src/ledger/delivery/event_file.ts";

const ROTATION = { rotate_mb: 1, keep_files: 3 };
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  path = join(folder, "sub", "billing.ndjson");
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = (of = path) => readFileSync(of, "utf8");

test("lines are appended, over openings too, in a file and folder that it makes", () => {
  for (const line of ["1", "2"]) {
    const file = new EventFile(path);
    file.append([`${line}a`, `${line}b`], ROTATION);
    file.close();
  }
  expect(text()).toBe("1a\n1b\n2a\n2b\n");
  expect(statSync(path).mode & 0o077).toBe(0);
});

test.each([
  ["a\nb\n", "a\nb\n"],
  ["a\nb", "a\n"],
  ["no line at all", ""],
  [`a\n${"x".repeat(200_000)}`, "a\n"],
  [`${"y".repeat(65_535)}\n${"x".repeat(65_536)}`, `${"y".repeat(65_535)}\n`],
])("a line that was cut by a crash is taken away when it is opened", (before, after) => {
  new EventFile(path).close();
  writeFileSync(path, before);
  const file = new EventFile(path);
  expect(text()).toBe(after);
  file.append(["next"], ROTATION);
  file.close();
  expect(text()).toBe(`${after}next\n`);
});

test("a file that is full is rotated, so many are kept, and their names are in order", () => {
  const file = new EventFile(path);
  const line = "x".repeat(600_000);
  // Two lines fill it.
  for (let number = 0; number < 12; number++) file.append([`${number} ${line}`], ROTATION);
  file.close();
  const numbers = (of: string) => [...text(of).matchAll(/^(\d+) /gm)].map((match) => Number(match[1]));
  const rotated = rotatedFiles(path);
  expect(rotated).toHaveLength(3);
  expect([...rotated, path].map(numbers)).toEqual([
    [4, 5],
    [6, 7],
    [8, 9],
    [10, 11],
  ]);
  expect(rotated[0]).toMatch(/billing\.ndjson\.\d{8}T\d{9}Z$/);
});

test("a file that somebody took away is begun anew, and what else lies there is left alone", () => {
  const file = new EventFile(path);
  file.append(["a"], ROTATION);
  renameSync(path, `${path}.1`);
  file.append(["b"], ROTATION);
  file.close();
  appendFileSync(`${path}.1`, "c\n");
  expect([text(`${path}.1`), text()]).toEqual(["a\nc\n", "b\n"]);
  expect(rotatedFiles(path)).toEqual([]);
});
