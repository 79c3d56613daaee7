// A configuration of LiteLLM's as it is: served, reloaded when it changes, and kept to where a change is a fault.

import { afterEach, expect, test } from "vitest";
import { chatCompletion, startUpstream } from "../scripted_upstream.ts";
import { Venturi } from "./harness.ts";

const undone: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of undone.splice(0)) await undo();
});

test("it is served as if imported, with its keys, stars and fallbacks, and a change of it is taken over", async () => {
  const upstream = await startUpstream((request, reply) => {
    const { model } = JSON.parse(request.body.toString()) as { readonly model: string };
    if (model === "broken") return reply.json(500, { error: { message: "no" } });
    return reply.json(200, chatCompletion(`this is ${model}`));
  });
  undone.push(() => upstream.stop());
  const base = `api_base: "${upstream.base_url}", api_key: os.environ/UPSTREAM_KEY`;
  const config = (served: string) => `
model_list:
  - { model_name: chat, litellm_params: { model: openai/broken, ${base} } }
  - { model_name: backup, litellm_params: { model: openai/${served}, ${base} } }
  - { model_name: "my/*", litellm_params: { model: "openai/gpt-*", ${base} } }
litellm_settings: { num_retries: 0, fallbacks: [{ chat: [backup] }] }
general_settings: { master_key: os.environ/MASTER }
`;
  const gateway = new Venturi({
    config: config("second"),
    env: { UPSTREAM_KEY: "upstream-key", MASTER: "sk-1234" },
    args: ["--workers", "1"],
  });
  undone.push(() => gateway.end());
  await gateway.ready();
  await gateway.line(/LiteLLM's configuration, served as imported: \d+ settings carried/);

  const ask = async (model: string, key = "sk-1234") => {
    const response = await fetch(`${gateway.url}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
    });
    const answer = (await response.json()) as { choices?: { message: { content: string } }[] };
    return `${response.status} ${answer.choices?.[0]?.message.content ?? ""}`.trim();
  };
  expect(await ask("chat")).toBe("200 this is second");
  expect(await ask("my/4o")).toBe("200 this is gpt-4o");
  expect(await ask("nothing")).toBe("404");
  expect(await ask("chat", "sk-other")).toBe("401");
  expect(upstream.requests[0]!.headers.get("authorization")).toBe("Bearer upstream-key");

  const before = gateway.lines.length;
  gateway.writeConfig(config("third"));
  await gateway.line(/configuration reloaded/, before);
  await expect.poll(() => ask("backup"), { timeout: 20_000 }).toBe("200 this is third");

  const then = gateway.lines.length;
  gateway.writeConfig(config("third").replace("UPSTREAM_KEY", "NOT_SET"));
  await gateway.line(/venturi\.yaml:3:\d+: the environment variable NOT_SET is not set/, then);
  expect(await ask("backup")).toBe("200 this is third");
});
