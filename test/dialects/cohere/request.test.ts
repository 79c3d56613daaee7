import { expect, test } from "vitest";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import { COHERE } from "../../../src/dialects/cohere/format.ts";
import type { Format } from "../../../src/dialects/neutral/format.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { GatewayError } from "../../../src/errors.ts";

type Json = Readonly<Record<string, unknown>>;

const OLD = "command-a-03-2025";
const THINKER = "command-a-reasoning-08-2025";

/** A client's request as Cohere gets it, and what was lost. */
function written(
  body: Json,
  model = THINKER,
  format: Format = CHAT,
): { request: Json; lost: readonly string[]; refused: string | null } {
  const messages = [{ role: "user", content: "hi" }];
  const read = format.readRequest({ model: "m", messages, ...body }, { model: null, stream: false });
  if (read instanceof GatewayError) throw read;
  const losses = new Losses("default", "cohere/m");
  const request = COHERE.writeRequest(read, { model, provider_kind: "cohere" }, losses);
  return { request, lost: losses.dropped, refused: losses.error?.param ?? null };
}

const CALLED: Json = {
  messages: [
    { role: "user", content: "hi" },
    {
      ...{ role: "assistant", content: null, reasoning_content: "look it up" },
      tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: "" } }],
    },
    { role: "tool", tool_call_id: "c1", content: "a cat" },
  ],
};

test("thoughts before calls go back as such, to models that do not think as a plan", () => {
  const call = { id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
  expect((written(CALLED).request["messages"] as Json[])[1]).toEqual({
    role: "assistant",
    content: [{ type: "thinking", thinking: "look it up" }],
    tool_calls: [call],
  });
  expect((written(CALLED, OLD).request["messages"] as Json[])[1]).toEqual({
    ...{ role: "assistant", tool_plan: "look it up", tool_calls: [call] },
  });
});

test("numbers that Cohere takes, and the nearest to those that it does not", () => {
  const { request, lost } = written({
    ...{ max_tokens: 5, temperature: 0.3, top_p: 1, top_k: 9, seed: 3 },
    ...{ frequency_penalty: -1, presence_penalty: 0.5, stop: ["a", "b"], logprobs: true },
  });
  expect(request).toMatchObject({
    ...{ max_tokens: 5, temperature: 0.3, p: 0.99, k: 9, seed: 3 },
    ...{ frequency_penalty: 0, presence_penalty: 0.5, stop_sequences: ["a", "b"], logprobs: true },
  });
  expect(lost).toEqual(["frequency_penalty"]);
});

test("how much to think", () => {
  const thinking = (body: Json, model?: string) => written(body, model).request["thinking"];
  expect(thinking({})).toBeUndefined();
  expect(thinking({ reasoning_effort: "none" })).toEqual({ type: "disabled" });
  expect(thinking({ reasoning_effort: "high" })).toEqual({ type: "enabled" });
  expect(written({ reasoning_effort: "high" }).lost).toEqual(["reasoning_effort"]);
  const budget = { max_tokens: 9000, thinking: { type: "enabled", budget_tokens: 2000 } };
  expect(written(budget, THINKER, MESSAGES).request["thinking"]).toEqual({
    ...{ type: "enabled", token_budget: 2000 },
  });
  expect(thinking({ reasoning_effort: "high" }, OLD)).toBeUndefined();
});

test("which tools", () => {
  const parameters = { type: "object", properties: { x: { type: "string" } }, required: ["x"] };
  const tools = ["a", "b"].map((name) => ({
    type: "function",
    function: { name, parameters, strict: true },
  }));
  const chosen = (choice: unknown) => {
    const { request } = written({ tools, tool_choice: choice });
    const offered = (request["tools"] as { function: { name: string } }[] | undefined) ?? [];
    return [offered.map((tool) => tool.function.name), request["tool_choice"]];
  };
  expect(chosen("auto")).toEqual([["a", "b"], undefined]);
  expect(chosen("none")).toEqual([["a", "b"], "NONE"]);
  expect(chosen("required")).toEqual([["a", "b"], "REQUIRED"]);
  expect(chosen({ type: "function", function: { name: "b" } })).toEqual([["b"], "REQUIRED"]);
  expect(written({ tools }).request["strict_tools"]).toBe(true);
  const loose = [...tools, { type: "function", function: { name: "c" } }];
  expect(written({ tools: loose })).toMatchObject({ lost: ["tools.strict"], refused: null });
});

test("documents that are to be cited lie beside the messages, others in them", () => {
  const document = (citations: boolean) => ({
    type: "document",
    ...{ title: "facts.txt", citations: { enabled: citations } },
    source: { type: "text", media_type: "text/plain", data: "Ruby is red." },
  });
  const ask = (citations: boolean) =>
    written(
      {
        max_tokens: 5,
        messages: [{ role: "user", content: [document(citations), { type: "text", text: "?" }] }],
      },
      THINKER,
      MESSAGES,
    ).request;
  expect(ask(true)).toMatchObject({
    messages: [{ role: "user", content: "?" }],
    documents: [{ id: "doc:0", data: { title: "facts.txt", text: "Ruby is red." } }],
  });
  expect(ask(false)["documents"]).toBeUndefined();
  expect(JSON.stringify(ask(false)["messages"])).toContain("Ruby is red.");
});

test("what is Cohere's own goes through, and what it has no words for is told", () => {
  const { request, refused } = written({ safety_mode: "STRICT", citation_options: { mode: "OFF" } });
  expect(request).toMatchObject({ safety_mode: "STRICT", citation_options: { mode: "OFF" } });
  expect(refused).toBeNull();
  expect(written({ n: 2 }).refused).toBe("n");
  expect(written({ stop: ["a", "b", "c", "d", "e", "f"] }).refused).toBe("stop");
  expect(written({ logprobs: true, top_logprobs: 3 }).refused).toBe("top_logprobs");
  expect(written({ user: "u", store: true })).toMatchObject({ refused: null });
});
