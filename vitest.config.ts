import { defineConfig } from "vitest/config";

// Bun runs the tests in threads: its process pool is not supported by vitest.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], pool: "threads", testTimeout: 30_000, hookTimeout: 30_000 },
});
