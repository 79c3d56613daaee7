// The editors' JSON Schema: the shipped file is current, it accepts what the gateway accepts, and refuses slips.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are configurations, not templates.

import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { editorSchema } from "../../src/config/editor.ts";
import { problems } from "./loading.ts";

const accepts = new Ajv({ strict: false, allErrors: true }).compile(editorSchema());

test("venturi.schema.json is current; `npm run generate` makes it so", () => {
  const shipped = readFileSync(new URL("../../venturi.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(shipped)).toEqual(editorSchema());
});

test("every key has a description", () => {
  const missing: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, rule] of Object.entries((node as { properties?: object }).properties ?? {}))
      if (!(rule as { description?: string }).description) missing.push(`${path}.${key}`);
    for (const [key, item] of Object.entries(node)) visit(item, `${path}.${key}`);
  };
  visit(editorSchema(), "");
  expect(missing).toEqual([]);
});

const GOOD = [
  "{}",
  "listen: { port: 0, workers: auto }",
  'listen: { port: "${PORT:-1}", workers: "${WORKERS:-2}", drain_ms: "${D:-3}" }',
  'providers: { a: { kind: openai, api_keys: ["${K:-k}"], stream_usage: "${S:-true}", client: "${C:-auto}" } }',
  'providers: { a: { kind: "${KIND:-groq}", api_keys: [k] }, llama.cpp: { kind: llama.cpp } }',
  "providers: { a: { kind: azure, base_url: https://r.example, api_version: 2024-10-21, api_keys: [k] } }",
  "models: { m: { targets: [sim/echo, { provider: sim, model: echo, weight: 0.5 }], fallbacks: [sim/cut] } }",
  'keys: [{ name: a, key: "${K:-k}" }]',
];

test("it accepts what the gateway accepts", () => {
  for (const text of GOOD) {
    expect(problems(text), text).toEqual([]);
    expect(accepts(Bun.YAML.parse(text)), text).toBe(true);
  }
});

const BAD = [
  "{ listne: {} }",
  "listen: { port: 70000 }",
  "listen: { port: eighty }",
  "listen: { workers: many }",
  "providers: { a: { kind: nothing } }",
  "providers: { a: {} }",
  "providers: { a/b: { kind: ollama } }",
  "providers: { a: { kind: openai, api_keys: [] } }",
  "models: { m: { targets: [] } }",
  "models: { m: { targets: [3] } }",
  "models: { m: { targets: [{ provider: sim, modl: echo }] } }",
  "keys: [{ name: a }]",
  "keys: [{ name: a, key: 'a b' }]",
];

test("it refuses what the gateway refuses by form", () => {
  for (const text of BAD) {
    expect(problems(text), text).not.toEqual([]);
    expect(accepts(Bun.YAML.parse(text)), text).toBe(false);
  }
});
