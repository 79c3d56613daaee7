// `venturi import` as a person types it: files, streams, exit codes; and what it makes is served.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { venturi } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "venturi-import-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, "litellm.yaml"),
  `model_list:
  - model_name: chat
    litellm_params: { model: openai/gpt-4o, api_key: sk-very-secret, api_base: "http://127.0.0.1:9/v1", temperature: 1 }
`,
);

test("the configuration goes to a file that others cannot read, the report to standard error, and it checks", async () => {
  const ran = await venturi(folder, "import", "litellm", "litellm.yaml", "-o", "venturi.yaml");
  expect(ran).toMatchObject({ code: 0, stdout: "" });
  expect(ran.stderr.split("\n")).toContain(
    "litellm.yaml:3: left out: model_list[0].litellm_params.temperature: nothing is added to requests here; clients say it",
  );
  expect(ran.stderr).toContain("venturi.yaml: 2 carried, 0 changed, 1 left out");
  expect(ran.stderr).not.toContain("sk-very-secret");
  expect(statSync(join(folder, "venturi.yaml")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, "venturi.yaml"), "utf8")).toContain(
    "targets: [ { provider: openai, model: gpt-4o } ]",
  );
  const checked = await venturi(folder, "check");
  expect(checked.stdout).toContain("venturi.yaml: ok");
  const again = await venturi(folder, "import", "litellm", "litellm.yaml", "-o", "venturi.yaml");
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain("venturi.yaml is there already");
});

test("without -o it goes to standard output; what cannot be read is told", async () => {
  const ran = await venturi(folder, "import", "litellm", "litellm.yaml");
  expect(ran.stdout).toContain("# Made of litellm.yaml by: venturi import litellm\n");
  expect(await venturi(folder, "import", "litellm", "nowhere.yaml")).toMatchObject({ code: 1 });
  writeFileSync(join(folder, "broken.json"), '{ "targets": [ }');
  const broken = await venturi(folder, "import", "portkey", "broken.json");
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/^broken\.json:1:\d+: /);
  expect(await venturi(folder, "import", "nginx", "x")).toMatchObject({ code: 2 });
  expect(await venturi(folder, "import")).toMatchObject({ code: 2 });
});

test("check takes LiteLLM's configuration as it is", async () => {
  const checked = await venturi(folder, "check", "--config", "litellm.yaml");
  expect(checked.code).toBe(0);
  expect(checked.stdout).toContain("LiteLLM's configuration, served as imported");
});
