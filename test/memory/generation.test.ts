import { mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { openGeneration } from "../../src/memory/generation.ts";

test("a generation goes on where it was, and every process that has it open sees each step", async () => {
  const folder = mkdtempSync(join(tmpdir(), "venturi-generation-"));
  const path = join(folder, "generation");
  try {
    const first = openGeneration(path);
    expect(first.current()).toBe(0);
    first.advance();
    const second = openGeneration(path);
    expect(second.current()).toBe(1);
    const module = resolve(import.meta.dirname, "../../src/memory/generation.ts");
    const script = `
      import { openGeneration } from ${JSON.stringify(module)};
      const generation = openGeneration(process.argv[1]);
      for (let step = 0; step < 10_000; step++) generation.advance();`;
    const run = () => Bun.spawn([process.execPath, "-e", script, path], { stderr: "inherit" }).exited;
    expect(await Promise.all([run(), run()])).toEqual([0, 0]);
    expect(first.current()).toBe(20_001);
    expect(second.current()).toBe(20_001);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a generation's file that is too short is made long enough, for only its owner to read", () => {
  const folder = mkdtempSync(join(tmpdir(), "venturi-generation-"));
  const path = join(folder, "generation");
  try {
    openGeneration(path);
    truncateSync(path, 0);
    expect(openGeneration(path).current()).toBe(0);
    expect(statSync(path)).toMatchObject({ size: 4096 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
