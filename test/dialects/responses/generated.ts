// Requests and answers that look random and are the same in each run, with all that the Responses format can say.

import { randomText } from "../openai/random_answer.ts";

type Random = (limit: number) => number;
type Json = Record<string, unknown>;

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}

/** A member, or none. */
function maybe(random: Random, name: string, value: () => unknown): Json {
  return random(2) === 0 ? {} : { [name]: value() };
}

function many<T>(random: Random, most: number, make: (index: number) => T): T[] {
  return Array.from({ length: random(most + 1) }, (_, index) => make(index));
}

function inputPart(random: Random): Json {
  const cached = maybe(random, "prompt_cache_breakpoint", () => ({ mode: "explicit" }));
  const data = `data:${oneOf(random, ["image/png", "application/pdf", "text/plain"])};base64,aGk=`;
  const part = oneOf<() => Json>(random, [
    () => ({ type: "input_text", text: randomText(random) }),
    () => ({
      type: "input_image",
      ...oneOf(random, [
        { image_url: data },
        { image_url: "https://x.example/a.png" },
        { file_id: "file-1" },
      ]),
      ...maybe(random, "detail", () => oneOf(random, ["low", "high", "auto"])),
    }),
    () => ({ type: "input_file", filename: "a.pdf", file_data: data }),
    () => ({
      type: "input_file",
      ...oneOf(random, [{ file_id: "file-2" }, { file_url: "https://x.example/a.pdf" }]),
      ...maybe(random, "filename", () => "b.pdf"),
    }),
  ])();
  return { ...part, ...cached };
}

function content(random: Random): unknown {
  if (random(2) === 0) return randomText(random);
  const parts = [inputPart(random), inputPart(random), ...many(random, 2, () => inputPart(random))];
  if (random(4) === 0)
    parts.push({ type: "input_audio", input_audio: { data: "aGk=", format: oneOf(random, ["mp3", "wav"]) } });
  if (random(6) === 0) parts.push({ type: "input_hologram", depth: 3 });
  return parts;
}

function annotation(random: Random): Json {
  return oneOf<Json>(random, [
    {
      type: "url_citation",
      url: "https://x.example",
      title: "X",
      start_index: random(9),
      end_index: 9 + random(9),
    },
    { type: "file_citation", file_id: "file-1", filename: "a.txt", index: random(9) },
    {
      type: "container_file_citation",
      container_id: "c",
      file_id: "f",
      filename: "x",
      start_index: 1,
      end_index: 2,
    },
  ]);
}

/** A part of what the model says. */
function outputPart(random: Random, logprobs: readonly Json[] | null): Json {
  if (random(5) === 0) return { type: "refusal", refusal: randomText(random) };
  return {
    ...{
      type: "output_text",
      text: randomText(random),
      annotations: many(random, 2, () => annotation(random)),
    },
    ...(logprobs === null ? {} : { logprobs }),
  };
}

/** An item of the model's; `is_answer`: as it answers with it, else as it is sent back. */
function modelItem(random: Random, index: number, is_answer: boolean): Json {
  const id = (prefix: string) => ({ id: `${prefix}_${index}` });
  const status = is_answer ? { status: "completed" } : {};
  const logprobs = is_answer ? [] : null;
  return oneOf<() => Json>(random, [
    () => ({
      ...{ ...id("msg"), type: "message", role: "assistant", status: "completed" },
      ...maybe(random, "phase", () => oneOf(random, ["commentary", "final_answer"])),
      content: [outputPart(random, logprobs), ...many(random, 2, () => outputPart(random, logprobs))],
    }),
    () => ({
      ...{ ...id("rs"), type: "reasoning" },
      ...oneOf(random, [
        { summary: [], encrypted_content: "gAAAAA" },
        { summary: [{ type: "summary_text", text: "So." }], encrypted_content: "gAAAAB" },
        { summary: [{ type: "summary_text", text: "So." }] },
        {
          summary: [
            { type: "summary_text", text: "One." },
            { type: "summary_text", text: "Two." },
          ],
        },
        { summary: [], content: [{ type: "reasoning_text", text: "Well…" }] },
        {
          summary: [{ type: "summary_text", text: "S." }],
          content: [{ type: "reasoning_text", text: "Raw." }],
        },
        { summary: [] },
      ]),
    }),
    () => ({
      ...{
        ...id("fc"),
        type: "function_call",
        call_id: `call_${index}`,
        name: `tool_${random(3)}`,
        ...status,
      },
      arguments: oneOf(random, ["", "{}", '{"n":1152921504606846976}', '{"q":"\\ud83d']),
    }),
    () => ({
      ...{ ...id("ctc"), type: "custom_tool_call", call_id: `call_${index}`, name: "shell", ...status },
      input: randomText(random),
    }),
    () => ({
      ...id("ws"),
      type: "web_search_call",
      status: "completed",
      action: { type: "search", query: "x" },
    }),
    () => ({ ...id("ig"), type: "image_generation_call", status: "completed", result: "aGk=" }),
    () => ({ ...id("mcp"), type: "mcp_call", server_label: "s", name: "t", arguments: "{}", output: "o" }),
    () => ({ ...id("new"), type: "something_new", inner: { n: [1, null, "x"] } }),
  ])();
}

/** What the client says between the model's turns. */
function clientItem(random: Random, index: number): Json {
  return oneOf<() => Json>(random, [
    () => ({ role: oneOf(random, ["user", "user", "developer", "system"]), content: content(random) }),
    () => ({ role: "assistant", content: randomText(random) }),
    () => ({ type: "function_call_output", call_id: `call_${index}`, output: content(random) }),
    () => ({ type: "custom_tool_call_output", call_id: `call_${index}`, output: randomText(random) }),
    () => ({ type: "item_reference", id: `msg_${index}` }),
    () => ({
      type: "computer_call_output",
      call_id: "c",
      output: { type: "computer_screenshot", file_id: "f" },
    }),
    () => ({ type: "mcp_approval_response", approval_request_id: "a", approve: true }),
  ])();
}

function tool(random: Random, index: number): Json {
  return oneOf<() => Json>(random, [
    () => ({
      ...{ type: "function", name: `tool_${index}`, parameters: { type: "object", properties: {} } },
      ...maybe(random, "description", () => "Does it."),
      ...maybe(random, "strict", () => random(2) === 0),
      ...maybe(random, "defer_loading", () => true),
    }),
    () => ({
      type: "custom",
      name: "shell",
      format: { type: "grammar", syntax: "lark", definition: "start: x" },
    }),
    () => ({ type: "custom", name: "free", format: { type: "text" } }),
    () => ({ type: oneOf(random, ["web_search", "web_search_preview"]), search_context_size: "low" }),
    () => ({ type: "code_interpreter", container: { type: "auto" } }),
    () => ({ type: "file_search", vector_store_ids: ["vs_1"] }),
    () => ({ type: "mcp", server_label: "s", server_url: "https://x.example" }),
  ])();
}

/** A request as it would be written itself. */
export function randomRequest(random: Random): Json {
  const items = many(random, 8, (index) =>
    random(2) === 0 ? modelItem(random, index, false) : clientItem(random, index),
  );
  const choices = [
    ...["auto", "none", "required", { type: "function", name: "tool_0" }, { type: "web_search_preview" }],
    ...[
      { type: "mcp", server_label: "s" },
      { type: "custom", name: "shell" },
    ],
    { type: "allowed_tools", mode: "auto", tools: [{ type: "mcp", server_label: "s" }] },
  ];
  const formats = [
    ...[{ type: "text" }, { type: "json_object" }],
    { type: "json_schema", name: "n", schema: { type: "object", big: 2 ** 60 }, strict: true },
    { type: "json_schema", name: "n", schema: {}, description: "d" },
  ];
  return {
    model: "m",
    input: [{ role: "user", content: "x" }, ...items],
    ...maybe(random, "instructions", () => randomText(random)),
    ...maybe(random, "stream", () => true),
    ...maybe(random, "tools", () => [
      tool(random, 0),
      ...many(random, 3, (index) => tool(random, index + 1)),
    ]),
    ...maybe(random, "tool_choice", () => oneOf<unknown>(random, choices)),
    ...maybe(random, "parallel_tool_calls", () => random(2) === 0),
    ...maybe(random, "text", () => ({ format: oneOf<unknown>(random, formats), verbosity: "low" })),
    ...maybe(random, "reasoning", () => ({
      effort: "low",
      summary: "auto",
      ...maybe(random, "context", () => "auto"),
    })),
    ...maybe(random, "include", () => ["reasoning.encrypted_content", "message.output_text.logprobs"]),
    ...maybe(random, "max_output_tokens", () => 1 + random(900)),
    ...maybe(random, "temperature", () => random(20) / 10),
    ...maybe(random, "top_p", () => random(10) / 10),
    ...maybe(random, "top_logprobs", () => 1 + random(20)),
    ...maybe(random, "user", () => "u"),
    ...maybe(random, "safety_identifier", () => "s"),
    ...maybe(random, "metadata", () => ({ a: "b" })),
    ...maybe(random, "service_tier", () => "flex"),
    ...maybe(random, "prompt_cache_key", () => "k"),
    ...maybe(random, "store", () => random(2) === 0),
    ...maybe(random, "truncation", () => "auto"),
    ...maybe(random, "max_tool_calls", () => 3),
    ...maybe(random, "background", () => false),
    ...maybe(random, "previous_response_id", () => "resp_0"),
    ...maybe(random, "prompt", () => ({ id: "pmpt_1", variables: { city: "Rome" } })),
    ...maybe(random, "stream_options", () => ({ include_obfuscation: false })),
    ...maybe(random, "something_new", () => ({ n: 2 ** 60 })),
  };
}

/** An answer as OpenAI would write it. */
export function randomResponse(random: Random): Json {
  const status = oneOf(random, ["completed", "completed", "incomplete"]);
  const output = many(random, 5, (index) => modelItem(random, index, true));
  const last = output.at(-1);
  if (last !== undefined && ["message", "function_call", "custom_tool_call"].includes(last["type"] as string))
    last["status"] = status;
  const [input_tokens, output_tokens] = [random(900), random(900)];
  return {
    ...{ id: "resp_1", object: "response", created_at: 1_700_000_000, status, model: "m-1" },
    completed_at: status === "completed" ? 1_700_000_009 : null,
    error: null,
    incomplete_details:
      status === "completed" ? null : { reason: oneOf(random, ["max_output_tokens", "content_filter"]) },
    output,
    usage: {
      ...{ input_tokens, input_tokens_details: { cached_tokens: random(input_tokens + 1) } },
      ...{ output_tokens, output_tokens_details: { reasoning_tokens: random(output_tokens + 1) } },
      total_tokens: input_tokens + output_tokens,
    },
    ...{
      service_tier: "default",
      temperature: 0.5,
      store: true,
      metadata: { a: "b" },
      tools: [tool(random, 0)],
    },
  };
}
