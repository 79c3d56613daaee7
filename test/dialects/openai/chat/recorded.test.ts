// Every recorded call of chat completions: read, compared with what this file makes of it by itself, written again, and read again.

import { describe, expect, test } from "vitest";
import type { ChatAnswer } from "../../../../src/dialects/neutral/answer.ts";
import { tellAnswer } from "../../../../src/dialects/neutral/collect.ts";
import { Losses } from "../../../../src/dialects/neutral/losses.ts";
import { readErrorValue } from "../../../../src/dialects/openai/chat/error.ts";
import { CHAT } from "../../../../src/dialects/openai/chat/format.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { eventsOf } from "../../../gateway/harness.ts";
import { cuts, recordings } from "../../../gateway/recordings.ts";
import { checkChatAnswer, checkChatStream, checkError } from "../../grammar/chat.ts";
import { RECORDED_MISSING, recordedCalls } from "../recorded_calls.ts";
import { answerOfEvents, checkEvents, contextOf, eventsOfStream, streamOf } from "./events.ts";

type Fields = Record<string, unknown>;

const calls = recordedCalls();

/** What a choice says, by the plain reading. */
interface Said {
  text: string;
  thought: string;
  refusal: string;
  calls: { name: string; arguments: string }[];
  finish: unknown;
}

const NOTHING: Said = { text: "", thought: "", refusal: "", calls: [], finish: null };

function textsOf(content: unknown, type: string): string {
  if (typeof content === "string") return type === "text" ? content : "";
  return ((content as Fields[] | null) ?? [])
    .filter((part) => part["type"] === type)
    .map((part) => (type === "text" ? part["text"] : textsOf(part["thinking"], "text")))
    .join("");
}

/** The texts of a message or a delta. */
function saidBy(message: Fields): Said {
  const details = ((message["reasoning_details"] as Fields[] | undefined) ?? [])
    .map((detail) => detail["text"] ?? detail["summary"] ?? "")
    .join("");
  const plain = (message["reasoning_content"] ?? message["reasoning"] ?? "") as string;
  return {
    text: textsOf(message["content"], "text"),
    thought: (details || plain) + textsOf(message["content"], "thinking"),
    refusal: (message["refusal"] as string | null) ?? "",
    calls: ((message["tool_calls"] as Fields[] | null) ?? []).map((call) => {
      const called = call["function"] as Fields;
      return { name: called["name"] as string, arguments: called["arguments"] as string };
    }),
    finish: null,
  };
}

/** What a stream's first choice says. */
function saidByStream(body: Buffer): Said {
  const said: Said = { ...NOTHING, calls: [] };
  for (const { data } of eventsOf(body.toString("latin1"))) {
    if (data === null || data === "[DONE]") continue;
    const chunk = JSON.parse(Buffer.from(data, "latin1").toString()) as { choices: Fields[] };
    const [choice] = chunk.choices.filter(({ index }) => index === 0);
    if (choice === undefined) continue;
    const delta = (choice["delta"] ?? {}) as Fields;
    const piece = saidBy({ ...delta, tool_calls: [] });
    said.text += piece.text;
    said.thought += piece.thought;
    said.refusal += piece.refusal;
    for (const call of (delta["tool_calls"] as Fields[] | null) ?? []) {
      const index = (call["index"] as number | undefined) ?? said.calls.length;
      const called = call["function"] as Fields;
      const open = said.calls[index] ?? { name: "", arguments: "" };
      said.calls[index] = open;
      // Some servers say it in each piece.
      if (open.name === "") open.name = (called["name"] as string | undefined) ?? "";
      open.arguments += (called["arguments"] as string | undefined) ?? "";
    }
    said.finish ??= choice["finish_reason"] ?? null;
  }
  return said;
}

/** The same of what the codec read. */
function saidByAnswer(answer: ChatAnswer): Said {
  const choice = answer.choices.find(({ index }) => index === 0);
  const parts = choice?.parts ?? [];
  const texts = (kind: string): string =>
    parts.map((part) => (part.kind === kind && "text" in part ? part.text : "")).join("");
  return {
    ...{ text: texts("text"), thought: texts("thinking"), refusal: texts("refusal") },
    calls: parts.flatMap((part) =>
      part.kind === "tool_call" ? [{ name: part.name, arguments: part.arguments }] : [],
    ),
    finish: choice?.finish?.raw ?? null,
  };
}

/** Usage by OpenAI's two totals, which are compared where the provider counts as OpenAI does. */
function tokens(usage: unknown): unknown {
  const { prompt_tokens, completion_tokens, total_tokens } = (usage ?? {}) as Record<string, number>;
  if (prompt_tokens === undefined || total_tokens !== prompt_tokens + (completion_tokens ?? 0)) return null;
  return [prompt_tokens, completion_tokens ?? 0];
}

function written(answer: ChatAnswer): Fields {
  return JSON.parse(JSON.stringify(CHAT.writeAnswer(answer, contextOf()))) as Fields;
}

describe.skipIf(RECORDED_MISSING !== null)("recorded chat completions", () => {
  const answers = calls.filter(({ status, kind }) => status === 200 && kind === "json");
  test("there are some", () => expect(answers.length).toBeGreaterThan(200));

  test.each(answers)("$name", ({ body }) => {
    const value = JSON.parse(body.toString()) as { choices: Fields[]; usage: Fields };
    const answer = CHAT.readAnswer(value);
    if (answer === null) throw new Error("it was not read");
    const [choice] = value.choices;
    const message = choice!["message"] as Fields;
    expect(saidByAnswer(answer)).toEqual({ ...saidBy(message), finish: choice!["finish_reason"] });
    const told = tokens(value.usage);
    if (
      told !== null &&
      value.usage["reasoning_tokens"] === undefined &&
      value.usage["citation_tokens"] === undefined
    )
      expect([answer.usage?.input_tokens, answer.usage?.output_tokens]).toEqual(told);

    const again = written(answer);
    expect(checkChatAnswer(again)).toEqual([]);
    expect(saidByAnswer(CHAT.readAnswer(again)!)).toEqual({
      ...saidByAnswer(answer),
      finish: (again["choices"] as Fields[])[0]!["finish_reason"],
    });
    const { choices: first, ...head } = CHAT.readAnswer(again)!;
    const { choices: second, ...head_again } = CHAT.readAnswer(written(CHAT.readAnswer(again)!))!;
    expect(second).toEqual(first);
    expect(head_again).toEqual(head);

    const events: Parameters<Parameters<typeof tellAnswer>[1]>[0][] = [];
    tellAnswer(answer, (event) => events.push(event));
    expect(checkEvents(events)).toEqual([]);
    const stream = streamOf(CHAT, events, contextOf({ stream: true, asks_usage: true }));
    expect(checkChatStream(stream)).toEqual([]);
    expect(saidByAnswer(answerOfEvents(eventsOfStream(CHAT, stream)))).toMatchObject({
      ...saidByAnswer(CHAT.readAnswer(again)!),
    });
  });
});

describe.skipIf(RECORDED_MISSING !== null)("recorded streams of chat completions", () => {
  const streams = recordings();
  test("there are some", () => expect(streams.length).toBeGreaterThan(70));

  test.each(streams)("$name", (recording) => {
    const { body, usage, name } = recording;
    const events = eventsOfStream(CHAT, body);
    expect(checkEvents(events)).toEqual([]);
    const answer = answerOfEvents(events);
    expect(events.at(-1)?.kind).toBe("end");
    expect(saidByAnswer(answer)).toEqual(saidByStream(body));
    // Perplexity tells the tokens of each chunk, and xAI's reasoning lies outside of its completion.
    if (usage !== null && !name.startsWith("perplexity"))
      expect(answer.usage?.input_tokens).toBe(usage.input);

    const stream = streamOf(CHAT, events, contextOf({ stream: true, asks_usage: true }));
    expect(checkChatStream(stream)).toEqual([]);
    const again = answerOfEvents(eventsOfStream(CHAT, stream));
    expect(again.choices.map(({ parts }) => parts)).toEqual(answer.choices.map(({ parts }) => parts));
    expect(again.choices.map(({ logprobs }) => logprobs)).toEqual(
      answer.choices.map(({ logprobs }) => logprobs),
    );
    expect(again.usage).toEqual(answer.usage);
    expect(checkChatAnswer(written(answer))).toEqual([]);
  });

  test("wherever they are cut in two, they say the same", () => {
    for (const recording of streams) {
      const whole = JSON.stringify(eventsOfStream(CHAT, recording.body)).replace(/call_[0-9a-f]{32}/g, "");
      for (const cut of cuts(recording, 1_500, 40)) {
        const events = eventsOfStream(CHAT, recording.body, [cut]);
        expect(JSON.stringify(events).replace(/call_[0-9a-f]{32}/g, ""), `${recording.name} at ${cut}`).toBe(
          whole,
        );
      }
    }
  });

  test("a stream that breaks off before its last choice has finished has no good end", () => {
    for (const recording of streams) {
      for (const cut of cuts(recording, 0, 20)) {
        const bytes = recording.body.subarray(0, cut);
        const has_finished = /"finish_reason": ?"/.test(bytes.toString("latin1")) || bytes.includes("[DONE]");
        const ends = eventsOfStream(CHAT, bytes).some(({ kind }) => kind === "end");
        if (!has_finished) expect(ends, `${recording.name} at ${cut}`).toBe(false);
        expect(checkEvents(eventsOfStream(CHAT, bytes)).filter((what) => !what.includes("open"))).toEqual([]);
      }
    }
  });
});

/** A request's JSON, with what means the same made the same. */
function canonical(request: Fields): unknown {
  const same: Fields = { ...request };
  for (const name of Object.keys(same)) if (same[name] === null) delete same[name];
  if (same["stream"] === false) delete same["stream"];
  // Perplexity does not know the field.
  if (`${same["model"]}`.startsWith("sonar")) delete same["stream_options"];
  // Who has to call a tool is told not to think.
  if (
    same["model"] === "deepseek-chat" &&
    !["none", "auto", undefined].includes(same["tool_choice"] as string)
  )
    same["thinking"] = { type: "disabled" };
  const schema = (same["response_format"] as { json_schema?: Fields } | undefined)?.json_schema;
  if (schema !== undefined)
    same["response_format"] = { type: "json_schema", json_schema: { name: "response", ...schema } };
  if (same["enable_thinking"] === false) same["reasoning_effort"] = "none";
  delete same["enable_thinking"];
  same["messages"] = (request["messages"] as Fields[]).map((message) => {
    const content = message["content"];
    const { reasoning, reasoning_content, reasoning_details: details, ...others } = message;
    // No thought is told to who has to be told one, and by who tells none.
    const thought = (reasoning_content ?? reasoning) || undefined;
    return {
      ...others,
      ...(thought === undefined ? {} : { reasoning: thought }),
      reasoning_details: (details as Fields[] | undefined)?.map((detail) => ({
        ...detail,
        index: undefined,
      })),
      content: Array.isArray(content)
        ? content.map(canonicalPart)
        : content === null || content === ""
          ? undefined
          : content,
      tool_calls: (message["tool_calls"] as Fields[] | undefined)?.map((call) => ({
        ...call,
        index: undefined,
      })),
    };
  });
  return JSON.parse(JSON.stringify(same));
}

function canonicalPart(part: Fields): unknown {
  const { image_url } = part;
  if (typeof image_url === "string") return { type: "image_url", image_url: { url: image_url } };
  return part;
}

describe.skipIf(RECORDED_MISSING !== null)("recorded requests of chat completions", () => {
  const requests = calls.filter(({ request }) => request !== null);
  test("there are some", () => expect(requests.length).toBeGreaterThan(300));

  test.each(requests)("$name", ({ request, provider }) => {
    const read = CHAT.readRequest(request!, { model: null, stream: false });
    if (read instanceof GatewayError) throw new Error(`${read.param}: ${read.message}`);
    const kind =
      { gpustack: "vllm", "ollama-cloud": "ollama", "bedrock-mantle": "openai" }[provider] ?? provider;
    const losses = new Losses("default", "target");
    const again = CHAT.writeRequest(read, { model: read.model, provider_kind: kind }, losses);
    expect([losses.error?.message, losses.dropped]).toEqual([undefined, []]);
    expect(canonical(JSON.parse(JSON.stringify(again)) as Fields)).toEqual(canonical(request!));
  });
});

describe.skipIf(RECORDED_MISSING !== null)("recorded errors of chat completions", () => {
  test.each(calls.filter(({ status }) => status >= 400))("$name", ({ body, status }) => {
    const value: unknown = JSON.parse(body.toString());
    const error = readErrorValue(value, status)!;
    const told = JSON.stringify(value);
    expect(told).toContain(JSON.stringify(error.message));
    if (error.code !== null) expect(told).toContain(error.code);
    expect(checkError(JSON.parse(JSON.stringify({ error })))).toEqual([]);
  });
});
