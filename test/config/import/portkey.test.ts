// Portkey's configs: strategies, nested targets, conditions, keys that Portkey keeps.

import { expect, test } from "vitest";
import { fateOf, importOf } from "./importing.ts";

const importJson = (config: object) => importOf("portkey", config, "chat.json");
const openai = (model: string, more: object = {}) => ({
  ...{ provider: "openai", api_key: "k", override_params: { model } },
  ...more,
});

// biome-ignore lint/suspicious/noThenProperty: a key of Portkey's.
const when = (query: object, target: string) => ({ query, then: target });

test("a fallback of a group and a target: the group is the model, the target stands in for it", () => {
  const { config, yaml } = importJson({
    strategy: { mode: "fallback" },
    retry: { attempts: 3 },
    cache: { mode: "simple", max_age: 60 },
    request_timeout: 20_000,
    targets: [
      {
        strategy: { mode: "loadbalance" },
        targets: [openai("a", { weight: 0.7 }), openai("b", { weight: "0.3" })],
      },
      { virtual_key: "anthropic-main", override_params: { model: "claude-sonnet-4-5" } },
    ],
  });
  expect(config.models["chat"]).toMatchObject({
    strategy: "weighted",
    targets: [
      { provider: "openai", model: "a", weight: 0.7, timeouts: { first_byte_ms: 20_000 } },
      { provider: "openai", model: "b", weight: 0.3 },
    ],
    fallbacks: ["chat-2"],
    retries: { attempts: 3 },
    cache: { exact: { ttl_s: 60 } },
  });
  expect(config.models["chat-2"]!.targets).toMatchObject([
    { provider: "anthropic-main", model: "claude-sonnet-4-5" },
  ]);
  expect(yaml).toContain("# Clients ask for this model in place of sending the config.");
  expect(yaml).toContain("ANTHROPIC_MAIN_API_KEY");
});

test("shares among groups are a rule", () => {
  const { config } = importJson({
    strategy: { mode: "loadbalance" },
    targets: [
      { weight: 9, strategy: { mode: "fallback" }, targets: [openai("a"), openai("b")] },
      openai("c", { weight: 1 }),
    ],
  });
  expect(config.routes).toMatchObject([{ when: { model: "chat" }, split: { "chat-1": 9, "chat-2": 1 } }]);
  expect(config.models["chat-1"]!.targets).toMatchObject([{ model: "a" }, { model: "b" }]);
});

test("conditions on metadata are rules on tags; others are told of", () => {
  const made = importJson({
    strategy: {
      mode: "conditional",
      conditions: [
        when({ "metadata.plan": { $eq: "paid" } }, "big"),
        when({ $and: [{ "metadata.a": 1 }, { "metadata.b": { $in: ["x", "y"] } }] }, "small"),
        when({ "params.temperature": { $gt: 1 } }, "small"),
        when({ "metadata.plan": "free" }, "nobody"),
      ],
      default: "small",
    },
    targets: [openai("a", { name: "big" }), openai("b", { name: "small" })],
  });
  expect(made.config.routes).toMatchObject([
    { when: { model: "chat", tags: ["plan=paid"] }, use: "chat-big" },
    { when: { model: "chat", tags: ["a=1", "b=x"] }, use: "chat-small" },
    { when: { model: "chat", tags: ["a=1", "b=y"] }, use: "chat-small" },
  ]);
  expect(made.config.models["chat"]!.targets).toMatchObject([{ model: "b" }]);
  expect(fateOf(made, "left out")).toHaveLength(2);
});

test("targets that leave the model to the request leave it to the client's name", () => {
  const { config } = importJson({
    strategy: { mode: "loadbalance" },
    targets: [
      { virtual_key: "openai-a", weight: 1 },
      { provider: "@openai-b", weight: 3 },
    ],
  });
  expect(config.models["*"]).toMatchObject({
    strategy: "weighted",
    targets: [
      { provider: "openai-a", model: "*" },
      { provider: "openai-b", model: "*", weight: 3 },
    ],
  });
});

test("clouds, hosts of one's own, guardrails, and what nobody here knows", () => {
  const made = importJson({
    strategy: { mode: "fallback" },
    targets: [
      {
        provider: "azure-openai",
        api_key: "k",
        resource_name: "res",
        deployment_id: "dep",
        api_version: "2024-10-21",
      },
      {
        provider: "bedrock",
        aws_access_key_id: "a",
        aws_secret_access_key: "s",
        aws_region: "us-east-1",
        override_params: { model: "m" },
      },
      {
        provider: "openai",
        custom_host: "http://127.0.0.1:9/v1/",
        api_key: "k",
        override_params: { model: "m", temperature: 0 },
      },
      { provider: "cortex", api_key: "secret-1", override_params: { model: "m" } },
    ],
    input_guardrails: [{ "default.contains": { operator: "none", words: ["acme"] }, deny: true }, "pg-1"],
  });
  expect(made.config.providers).toMatchObject({
    "azure-openai": { kind: "azure", base_url: "https://res.openai.azure.com", api_version: "2024-10-21" },
    bedrock: { kind: "bedrock", aws: { region: "us-east-1", access_key_id: "a" } },
    openai: { base_url: "http://127.0.0.1:9/v1" },
  });
  expect(made.config.models["chat"]!.guards!.input).toEqual([
    { guard: "denied_words", words: ["acme"], action: "block" },
  ]);
  expect(made.notes.join("\n")).not.toContain("secret-1");
  expect(fateOf(made, "left out").length).toBeGreaterThanOrEqual(3);
});
