// The Vercel AI SDK and LangChain.js against a gateway whose upstreams speak every format: texts, streams, and tools until the model is done.
// They are large and not among the dependencies: `npm install --no-save ai @ai-sdk/openai @ai-sdk/anthropic @langchain/core @langchain/openai
// @langchain/anthropic` makes these tests run.

import { describe, expect, test } from "vitest";
import * as z from "zod";
import { rig, type TestGateway } from "../gateway/harness.ts";
import { CITY, FORECAST, GREETING, PROVIDERS, weatherIn, weatherRoom } from "./weather_room.ts";

const room = rig();

type Loaded = Record<string, (...given: unknown[]) => unknown>;

/** A package, or null where it is not installed. */
async function load(name: string): Promise<Loaded | null> {
  try {
    return (await import(name)) as Loaded;
  } catch {
    return null;
  }
}

const ai = await load("ai");
const ai_openai = await load("@ai-sdk/openai");
const ai_anthropic = await load("@ai-sdk/anthropic");
const chain = await load("@langchain/core/messages");
const chain_openai = await load("@langchain/openai");
const chain_anthropic = await load("@langchain/anthropic");
const has_ai = ai !== null && ai_openai !== null && ai_anthropic !== null;
const has_chain = chain !== null && chain_openai !== null && chain_anthropic !== null;
if (!has_ai || !has_chain) console.warn("skipped: the Vercel AI SDK or LangChain.js is not installed");

const KEY = "key-of-acme";
const urlOf = ({ port }: TestGateway) => `http://127.0.0.1:${port}/v1`;

/** Models of the AI SDK, by what they speak to the gateway. */
const AI_MODELS: Readonly<Record<string, (gateway: TestGateway) => unknown>> = {
  chat: (gateway) => {
    const openai = ai_openai!["createOpenAI"]!({ baseURL: urlOf(gateway), apiKey: KEY }) as Loaded;
    return openai["chat"]!("weather");
  },
  responses: (gateway) => {
    const openai = ai_openai!["createOpenAI"]!({ baseURL: urlOf(gateway), apiKey: KEY }) as Loaded;
    return openai["responses"]!("weather");
  },
  messages: (gateway) => {
    const create = ai_anthropic!["createAnthropic"]!({ baseURL: urlOf(gateway), apiKey: KEY });
    return (create as (model: string) => unknown)("weather");
  },
};

describe.runIf(has_ai).each(Object.keys(AI_MODELS))("the AI SDK, speaking %s", (speaks) => {
  test.each(PROVIDERS)("answered in %s", async (provider) => {
    const { gateway } = await weatherRoom(room, provider);
    const model = AI_MODELS[speaks]!(gateway);
    const { generateText, streamText, stepCountIs, tool } = ai!;
    const plain = (await generateText!({ model, prompt: "hi" })) as { text: string };
    expect(plain.text).toBe(GREETING);
    const weather = tool!({
      description: "",
      inputSchema: z.object({ city: z.string() }),
      execute: weatherIn,
    });
    const asked = { model, prompt: "the weather", tools: { weather }, stopWhen: stepCountIs!(4) };
    const whole = (await generateText!(asked)) as { text: string; steps: unknown[] };
    expect([whole.text, whole.steps.length]).toEqual([FORECAST, 2]);
    const streamed = streamText!(asked) as { text: Promise<string>; steps: Promise<unknown[]> };
    expect(await streamed.text).toBe(FORECAST);
    expect(await streamed.steps).toHaveLength(2);
  });
});

interface ChainMessage {
  readonly content: string | readonly { readonly type: string; readonly text?: string }[];
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly name: string;
    readonly args: { city: string };
  }[];
}

interface ChainModel {
  invoke(messages: readonly unknown[]): Promise<ChainMessage>;
  stream(
    messages: readonly unknown[],
  ): Promise<AsyncIterable<ChainMessage & { concat(other: unknown): ChainMessage }>>;
  bindTools(tools: readonly unknown[]): ChainModel;
}

type ChainClass = new (settings: unknown) => ChainModel;

const CHAIN_MODELS: Readonly<Record<string, (gateway: TestGateway) => ChainModel>> = {
  chat: (gateway) => {
    const Chat = chain_openai!["ChatOpenAI"] as unknown as ChainClass;
    return new Chat({
      model: "weather",
      apiKey: KEY,
      maxRetries: 0,
      configuration: { baseURL: urlOf(gateway) },
    });
  },
  responses: (gateway) => {
    const Chat = chain_openai!["ChatOpenAI"] as unknown as ChainClass;
    const configuration = { baseURL: urlOf(gateway) };
    return new Chat({ model: "weather", apiKey: KEY, maxRetries: 0, useResponsesApi: true, configuration });
  },
  messages: (gateway) => {
    const Chat = chain_anthropic!["ChatAnthropic"] as unknown as ChainClass;
    const anthropicApiUrl = urlOf(gateway).replace(/\/v1$/, "");
    return new Chat({ model: "weather", apiKey: KEY, maxRetries: 0, maxTokens: 100, anthropicApiUrl });
  },
};

function textOf({ content }: ChainMessage): string {
  if (typeof content === "string") return content;
  return content.map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join("");
}

describe.runIf(has_chain).each(Object.keys(CHAIN_MODELS))("LangChain.js, speaking %s", (speaks) => {
  test.each(PROVIDERS)("answered in %s", async (provider) => {
    const { gateway } = await weatherRoom(room, provider);
    const model = CHAIN_MODELS[speaks]!(gateway);
    const Human = chain!["HumanMessage"] as unknown as new (text: string) => unknown;
    const Tool = chain!["ToolMessage"] as unknown as new (fields: unknown) => unknown;
    expect(textOf(await model.invoke([new Human("hi")]))).toBe(GREETING);
    const armed = model.bindTools([{ name: "weather", description: "looks", schema: CITY }]);
    for (const is_stream of [false, true]) {
      const messages: unknown[] = [new Human("the weather")];
      const say = async (): Promise<ChainMessage> => {
        if (!is_stream) return armed.invoke(messages);
        let whole: (ChainMessage & { concat(other: unknown): ChainMessage }) | null = null;
        for await (const piece of await armed.stream(messages))
          whole = whole === null ? piece : (whole.concat(piece) as typeof piece);
        return whole!;
      };
      const first = await say();
      expect(first.tool_calls?.map(({ name, args }) => [name, args.city])).toEqual([
        ["weather", "Köln"],
        ["weather", "東京"],
      ]);
      messages.push(first);
      for (const { id, args } of first.tool_calls ?? [])
        messages.push(new Tool({ tool_call_id: id, content: weatherIn(args) }));
      expect(textOf(await say())).toBe(FORECAST);
    }
  });
});
