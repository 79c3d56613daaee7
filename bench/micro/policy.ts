// What it takes to find the model of a request: without a policy table, with one that looks at names, and with rules that look into the
// prompt; and without and with targets that may not be up to it.

import { authenticate } from "../../src/access/client_keys.ts";
import { parseConfig } from "../../src/config/load.ts";
import { CHAT, readRequest } from "../../src/dialects/openai/request.ts";
import { GatewayError } from "../../src/errors.ts";
import { Alarms } from "../../src/gateway/alarms.ts";
import { Call } from "../../src/gateway/call.ts";
import { modelOfRequest } from "../../src/gateway/find_model.ts";
import { judgeComplexity } from "../../src/routing/complexity.ts";
import type { Task } from "./measure.ts";

const MODELS = `
providers: { own: { kind: openai, base_url: "http://127.0.0.1:9/v1", api_keys: [k] }, openai: { kind: openai, api_keys: [k] } }
models:
  chat: { targets: [own/model] }
  known: { targets: [openai/gpt-4o-mini, openai/gpt-4] }
`;

/** Ten rules, of which the last holds. */
const rules = (when: string) =>
  `${Array.from({ length: 9 }, (_, index) => `  - { when: { model: auto, task: task-${index} }, use: known }`).join("\n")}
  - { when: { model: [chat, auto]${when} }, use: chat }`;

const CONFIGS: readonly (readonly [name: string, config: string, model: string])[] = [
  ["no table", MODELS, "chat"],
  ["no table, checked", MODELS, "known"],
  ["10 rules by names", `${MODELS}routes:\n${rules("")}`, "chat"],
  ["and by needs", `${MODELS}routes:\n${rules(", needs: [tools]")}`, "chat"],
  ["and by tokens", `${MODELS}routes:\n${rules(', prompt_tokens: ">1"')}`, "chat"],
  ["and by complexity", `${MODELS}routes:\n${rules(", complexity: hard")}`, "chat"],
  ["split", `${MODELS}routes: [{ split: { chat: 90, known: 10 } }]`, "chat"],
];

const WORDS = "The quick brown fox explains why it must jump over the lazy dog, and compares both. ";

/** Finding the models of prompts of some lengths. */
export function policyTasks(scale: number): readonly Task[] {
  return [800, 10_000, 100_000, 500_000].flatMap((bytes) => {
    const length = Math.max(100, Math.round(bytes / scale));
    const content = WORDS.repeat(Math.ceil(length / WORDS.length)).slice(0, length);
    const tasks = CONFIGS.map(([name, config, model]): Task => {
      const body = Buffer.from(
        JSON.stringify({ model, messages: [{ role: "user", content }], max_tokens: 100 }),
      );
      return { text: `${length} B prompt`, name, bytes: body.length, run: finding(config, body) };
    });
    const body = Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content }] }));
    const request = requestOf(body);
    const judge = () => judgeComplexity(request);
    return [
      ...tasks,
      { text: `${length} B prompt`, name: "complexity alone", bytes: body.length, run: judge },
    ];
  });
}

function requestOf(body: Uint8Array) {
  const request = readRequest(body, CHAT);
  if (request instanceof GatewayError) throw new Error(request.message);
  return request;
}

function finding(config: string, body: Uint8Array): () => unknown {
  const loaded = parseConfig(Buffer.from(config), "bench.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { plan } = loaded;
  const call = new Call(null, new Request("http://localhost/"), plan, new Alarms(1_000));
  const client = authenticate(plan, null, call.request.headers);
  if (client instanceof GatewayError) throw new Error(client.message);
  call.client = client;
  call.endpoint = "/chat/completions";
  const request = requestOf(body);
  return () => modelOfRequest(call, request.model, request);
}
