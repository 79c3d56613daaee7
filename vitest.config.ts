import { cpus } from "node:os";
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/closing_line.ts";

/** Much of what tests do is to wait for processes and timers: on a machine of two cores, two files at a time halve their time. */
const WORKERS = Math.max(2, cpus().length - 1);

// Bun runs the tests in threads: its process pool is not supported by vitest.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "threads",
    maxWorkers: WORKERS,
    reporters: ["default", new ClosingLine()],
    // On a machine that is shared, a test that waits for other processes may fail by their work: twice is a failure.
    retry: process.env["CI"] === undefined ? 0 : 1,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
