import { expect, test } from "vitest";
import type { Drill } from "../../src/memory/drill_table.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";

const NOW_MS = Date.UTC(2026, 10, 26);

function drill(id: string, model: string | null = null, end_ms = NOW_MS + 60_000): Drill {
  return { id, provider: "openai", model, failure: "503", began_ms: NOW_MS, end_ms };
}

test("a drill is seen by all, and ends by itself, whoever is there", () => {
  const folder = temporaryFolder();
  const { drills } = createState(folder, { areas: 1, call_slots: 8 }, () => {});
  const other = openState(folder).drills;
  expect(other.find("openai", "gpt", NOW_MS)).toBeNull();
  expect(drills.begin(drill("one", "gpt"))).toBe(true);
  expect(other.find("openai", "gpt", NOW_MS)).toEqual(drill("one", "gpt"));
  expect(other.find("openai", "other", NOW_MS)).toBeNull();
  expect(other.find("other", "gpt", NOW_MS)).toBeNull();
  expect(other.find("openai", "gpt", NOW_MS + 60_000)).toBeNull();
  expect(openState(folder).drills.list(NOW_MS + 59_000)).toHaveLength(1);
  // Its place is free again, and nobody takes the new one for the old.
  const later = { ...drill("two", null, NOW_MS + 200_000), began_ms: NOW_MS + 100_000 };
  expect(drills.begin(later)).toBe(true);
  expect(other.list(NOW_MS + 100_000)).toEqual([later]);
  expect(drills.end("one", NOW_MS + 100_000)).toEqual([]);
  expect(drills.end("two", NOW_MS + 100_000)).toEqual([later]);
  expect(other.list(NOW_MS + 100_000)).toEqual([]);
});

test("there are seven at once, of names that are not too long", () => {
  const { drills } = createState(temporaryFolder(), { areas: 1, call_slots: 8 }, () => {});
  expect(drills.begin(drill("long", "m".repeat(500)))).toBe(false);
  for (let index = 0; index < 7; index++) expect(drills.begin(drill(`${index}`))).toBe(true);
  expect(drills.begin(drill("one too many"))).toBe(false);
  expect(drills.end(null, NOW_MS)).toHaveLength(7);
  expect(drills.begin(drill("again"))).toBe(true);
});
