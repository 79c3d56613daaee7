import { expect, test, vi } from "vitest";
import { createState } from "../../../src/memory/state.ts";
import { syncToDisk } from "../../../src/supervisor/accounts/disk_sync.ts";
import { temporaryFolder } from "../../memory/folder.ts";

const geometry = { areas: 1, call_slots: 8 };

test("the mapped file is brought to the disk again and again, until it is told to stop", async () => {
  const state = createState(temporaryFolder(), geometry, () => {});
  const flush = vi.spyOn(state, "flush");
  const end = syncToDisk(state, () => {});
  // The last of them may be under way when it is told to stop.
  const types = () =>
    flush.mock.settledResults.map(({ type }) => type).filter((type) => type !== "incomplete");
  await vi.waitFor(() => expect(types().length).toBeGreaterThan(1), { timeout: 10_000 });
  end();
  expect(new Set(types())).toEqual(new Set(["fulfilled"]));
});

test("a file that cannot be brought there is told of once", async () => {
  const state = createState(temporaryFolder(), geometry, () => {});
  const flush = vi.spyOn(state, "flush").mockRejectedValue(new Error("EIO: the disk does not answer"));
  const said: string[] = [];
  const end = syncToDisk(state, (line) => said.push(line));
  await vi.waitFor(() => expect(flush.mock.settledResults.length).toBeGreaterThan(2), { timeout: 10_000 });
  end();
  expect(said.length).toBe(1);
  expect(said[0]).toContain("does not reach the disk");
});
