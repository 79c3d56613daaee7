// Modules that are made of the sources beforehand: they run as long as the sources are what they were, and no longer.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Venturi } from "../chaos/harness.ts";
import { copyProject } from "../project_copy.ts";
import { EVERY_PART } from "./every_part.ts";

const DEADLINE_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), "venturi-modules-"));
const project = join(folder, "project");
const program = [process.execPath, join(project, "src/main.ts")];

/** A command of the copy, to its end. */
function venturi(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...program, ...args], { cwd: folder, stderr: "pipe" });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** What the copy says that it runs as. */
function form(): string {
  const { stdout } = venturi("doctor", "--json", "--data", join(folder, "data"));
  const { findings } = JSON.parse(stdout) as { findings: { what: string; found: string }[] };
  return findings.find(({ what }) => what === "runtime")!.found;
}

beforeAll(() => copyProject(project), DEADLINE_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("modules made of the sources", () => {
  test(
    "run until the sources change, and again when they are made again",
    async () => {
      expect(form()).toContain("from the sources");
      const made = venturi("build", "--modules");
      expect(made).toMatchObject({ code: 0, stderr: "" });
      expect(form()).toContain("modules made of the sources");

      writeFileSync(join(project, "src/added.ts"), "// Something else.\n");
      expect(form()).toContain("from the sources");
      expect(venturi("build", "--modules").code).toBe(0);
      expect(form()).toContain("modules made of the sources");

      // A process that runs may still load what was made before, and no more than that is kept.
      rmSync(join(project, "src/added.ts"));
      writeFileSync(join(project, "src/changed.ts"), "// Something third.\n");
      const last = venturi("build", "--modules");
      const kept = readdirSync(join(project, "dist/modules"));
      expect(kept).toHaveLength(2);
      expect(kept).toContain(last.stdout.trim().split("/").at(-1));
      expect(kept).not.toContain(made.stdout.trim().split("/").at(-1));
    },
    DEADLINE_MS,
  );

  test(
    "serve, in processes and threads of all roles, with prices that were prepared",
    async () => {
      expect(venturi("build", "--modules").code).toBe(0);
      const gateway = new Venturi({ program, config: EVERY_PART });
      const data = join(gateway.folder, "data");
      try {
        await gateway.ready();
        const ask = async (content: string) => {
          const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
            method: "POST",
            body: JSON.stringify({ model: "chat", messages: [{ role: "user", content }] }),
          });
          const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
          return { kept: answer.headers.get("x-venturi-cache"), text: choices[0]!.message.content };
        };
        const question = "Write to ada.lovelace@example.com, please";
        expect(await ask(question)).toEqual({ kept: "miss", text: question });
        // Until it is stored, who asks joins the first.
        let again = await ask(question);
        while (again.kept === "joined") again = await ask(question);
        expect(again).toEqual({ kept: "hit", text: question });
        expect(readdirSync(data)).not.toContain("installed-prices.json");
        gateway.kill("SIGTERM");
        await gateway.exited;
        expect(venturi("usage", "--format", "json", "--data", data).stdout).toMatch(/"calls": [2-9]/);
        expect(venturi("content", "--json", "--data", data).code).toBe(0);
      } finally {
        await gateway.end();
      }
    },
    DEADLINE_MS,
  );

  test("are for the folder alone", () => {
    const misuse = venturi("build", "--modules", "--output", join(folder, "elsewhere"));
    expect(misuse.code).toBe(2);
    expect(misuse.stderr).toContain("--modules");
  });
});
