// Requests and answers that look random and are the same in every run, with all that the format can say.

import type { ChatAnswer, Finish } from "../../../src/dialects/neutral/answer.ts";
import type { Part } from "../../../src/dialects/neutral/parts.ts";
import { usageOf } from "../../../src/dialects/usage.ts";
import { randomText } from "../openai/random_answer.ts";

type Random = (limit: number) => number;
type Json = Record<string, unknown>;

/** One of some values. */
export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}

function sometimes(random: Random, fields: Json): Json {
  return random(3) === 0 ? fields : {};
}

/** A text with a letter in it. */
function someText(random: Random): string {
  return `a${randomText(random)}.`;
}

function marked(random: Random, block: Json): Json {
  const cache_control = oneOf(random, [
    { type: "ephemeral" },
    { type: "ephemeral", ttl: "5m" },
    { type: "ephemeral", ttl: "1h" },
  ]);
  return random(6) === 0 ? { ...block, cache_control } : block;
}

function citation(random: Random): Json {
  const cited_text = someText(random);
  const document = { document_index: random(3), document_title: oneOf(random, [null, "A title"]) };
  return oneOf<Json>(random, [
    { type: "char_location", cited_text, ...document, start_char_index: 0, end_char_index: 73 },
    { type: "page_location", cited_text, ...document, start_page_number: 1, end_page_number: 2 },
    { type: "content_block_location", cited_text, ...document, start_block_index: 0, end_block_index: 1 },
    {
      ...{ type: "web_search_result_location", cited_text, url: "https://a.example", title: null },
      encrypted_index: "EpM=",
    },
    {
      ...{ type: "search_result_location", cited_text, source: "https://b.example/1", title: "B" },
      ...{ search_result_index: 0, start_block_index: 0, end_block_index: 1 },
    },
  ]);
}

function image(random: Random): Json {
  const source = oneOf<Json>(random, [
    { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
    { type: "url", url: "https://a.example/x.png" },
    { type: "file", file_id: "file_1" },
  ]);
  return { type: "image", source, ...sometimes(random, { transformations: { oversized_image: "error" } }) };
}

function document(random: Random): Json {
  const source = oneOf<Json>(random, [
    { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
    { type: "text", media_type: "text/plain", data: someText(random) },
    {
      type: "content",
      content: [
        { type: "text", text: "one" },
        { type: "text", text: "two" },
      ],
    },
    { type: "content", content: [{ type: "text", text: "one" }, image(random)] },
    { type: "content", content: "a text" },
    { type: "url", url: "https://a.example/x.pdf" },
    { type: "file", file_id: "file_2" },
  ]);
  return {
    ...{ type: "document", source },
    ...sometimes(random, { title: "A title" }),
    ...sometimes(random, { context: "A context" }),
    ...sometimes(random, { citations: { enabled: random(2) === 0 } }),
  };
}

function userBlock(random: Random): Json {
  return marked(
    random,
    oneOf(random, [
      () => ({ type: "text", text: someText(random) }),
      () => image(random),
      () => document(random),
      () => ({
        ...{ type: "search_result", source: "https://b.example/1", title: "B" },
        content: [{ type: "text", text: someText(random) }],
        citations: { enabled: true },
      }),
      () => ({ type: "container_upload", file_id: "file_3" }),
      () => ({ type: "of_tomorrow", deep: [1, { er: someText(random) }] }),
    ])(),
  );
}

function input(random: Random): Json {
  return oneOf<Json>(random, [
    {},
    { q: someText(random), n: 3 },
    { deep: [{ er: null }, true, -1.5e-7] },
    { INVALID_JSON: '{"q": ' },
  ]);
}

function assistantBlocks(random: Random, calls: string[], thinks: boolean): Json[] {
  const blocks: Json[] = [];
  if (thinks || random(2) === 0)
    blocks.push({ type: "thinking", thinking: someText(random), signature: "Ep8B" });
  if (random(4) === 0) blocks.push({ type: "redacted_thinking", data: "EmwKAhgB" });
  const cited = { citations: Array.from({ length: 1 + random(3) }, () => citation(random)) };
  blocks.push(marked(random, { type: "text", text: someText(random), ...sometimes(random, cited) }));
  if (random(4) === 0) {
    blocks.push(
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "x" } },
      {
        ...{ type: "web_search_tool_result", tool_use_id: "srvtoolu_1" },
        content: [
          { type: "web_search_result", url: "https://a.example", title: "A", encrypted_content: "EpM=" },
        ],
      },
    );
  }
  for (let left = random(4); left > 0; left--) {
    const id = `toolu_${calls.length}_${random(1e6)}`;
    calls.push(id);
    const call = { type: "tool_use", id, name: `tool_${random(3)}`, input: input(random) };
    blocks.push(marked(random, { ...call, ...sometimes(random, { caller: { type: "direct" } }) }));
  }
  return blocks;
}

function result(random: Random, id: string): Json {
  const content = oneOf<() => unknown>(random, [
    () => someText(random),
    () => [{ type: "text", text: someText(random) }, image(random)],
    () => [document(random)],
    () => [{ type: "tool_reference", tool_name: "tool_1" }],
    () => undefined,
  ])();
  return marked(random, {
    ...{ type: "tool_result", tool_use_id: id },
    ...(content === undefined ? {} : { content }),
    ...sometimes(random, { is_error: true }),
  });
}

function messages(random: Random, thinks: boolean): Json[] {
  const said: Json[] = [{ role: "user", content: [userBlock(random)] }];
  const calls: string[] = [];
  for (let turns = random(4); turns > 0; turns--) {
    const before = calls.length;
    said.push({ role: "assistant", content: assistantBlocks(random, calls, thinks) });
    const results = calls.slice(before).map((id) => result(random, id));
    said.push({ role: "user", content: [...results, userBlock(random)] });
    if (random(8) === 0) said.push({ role: "system", content: [{ type: "text", text: someText(random) }] });
  }
  return said;
}

const TOOLS: readonly Json[] = [
  { name: "tool_0", description: "Does it.", input_schema: { type: "object", properties: {} } },
  {
    ...{ name: "tool_1", type: "custom", eager_input_streaming: true, defer_loading: true },
    input_schema: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
    cache_control: { type: "ephemeral", ttl: "1h" },
  },
  { name: "tool_2", strict: true, input_schema: { type: "object", additionalProperties: false } },
  { type: "web_search_20260209", name: "web_search", max_uses: 3, allowed_domains: ["a.example"] },
  { type: "code_execution_20250825", name: "code_execution" },
  { type: "memory_20250818", name: "memory" },
];

function thinking(random: Random): Json {
  if (random(2) === 0) {
    return oneOf<Json>(random, [
      { temperature: 0.5, top_k: 5 },
      { top_p: 0.9 },
      { temperature: 0 },
      { thinking: { type: "disabled" } },
      { output_config: { effort: oneOf(random, ["low", "medium", "high", "max"]) } },
      {},
    ]);
  }
  return oneOf<Json>(random, [
    { thinking: { type: "enabled", budget_tokens: 1024 } },
    { thinking: { type: "enabled", budget_tokens: 4000, display: "omitted" }, top_p: 0.97 },
    { thinking: { type: "adaptive" } },
    { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "medium" } },
    { thinking: { type: "of_tomorrow", deep: 1 } },
  ]);
}

/** A request for a model of version 4.6, which takes the most. */
export function randomRequest(random: Random): Json {
  const tools = TOOLS.filter(() => random(2) === 0);
  const thought = thinking(random);
  const thinks = (thought["thinking"] as Json | undefined)?.["type"] === "enabled";
  const choices: Json[] = [{ type: "auto" }, { type: "none" }];
  if (thought["thinking"] === undefined) choices.push({ type: "any" }, { type: "tool", name: "tool_0" });
  const choice = oneOf(random, choices);
  const parallel = choice["type"] === "none" ? {} : { disable_parallel_tool_use: random(2) === 0 };
  const format = { type: "json_schema", schema: { type: "object", minProperties: 1 } };
  const config = {
    ...((thought["output_config"] ?? {}) as Json),
    ...sometimes(random, { format }),
    ...sometimes(random, { task_budget: { type: "tokens", total: 9000 } }),
  };
  return {
    ...{ model: "claude-opus-4-6", max_tokens: 5000 + random(1000), messages: messages(random, thinks) },
    ...sometimes(random, { system: someText(random) }),
    ...sometimes(random, { system: [marked(random, { type: "text", text: someText(random) })] }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length === 0 || random(2) === 0 ? {} : { tool_choice: { ...choice, ...parallel } }),
    ...thought,
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
    ...sometimes(random, { stop_sequences: ["\n\nHuman:", "END"] }),
    ...sometimes(random, { metadata: { user_id: "user-1" } }),
    ...sometimes(random, { service_tier: oneOf(random, ["auto", "standard_only"]) }),
    ...sometimes(random, { stream: true }),
    ...sometimes(random, { container: { skills: [{ type: "anthropic", skill_id: "pdf" }] } }),
    ...sometimes(random, { mcp_servers: [{ type: "url", url: "https://m.example", name: "m" }] }),
    ...sometimes(random, { context_management: { edits: [{ type: "compact_20260112" }] } }),
    ...sometimes(random, { cache_control: { type: "ephemeral" }, inference_geo: "eu", speed: "fast" }),
  };
}

/** A neutral answer that this format can say. */
export function randomAnswerOf(random: Random): ChatAnswer {
  const parts: Part[] = [];
  const own = (fields: Json) => ({ own: { format: "messages", fields } }) as const;
  for (let left = random(6); left > 0; left--) {
    parts.push(
      oneOf<() => Part>(random, [
        () => ({ kind: "text", text: someText(random) }),
        () => {
          const fields = citation(random);
          const { cited_text, url, title, document_title, source } = fields;
          const told_title = title ?? document_title;
          return {
            ...{ kind: "text", text: someText(random) },
            citations: [
              {
                ...(url === undefined && source === undefined ? {} : { url: String(url ?? source) }),
                ...(typeof told_title === "string" ? { title: told_title } : {}),
                cited_text: String(cited_text),
                ...own(fields),
              },
            ],
          };
        },
        () => ({
          ...{ kind: "thinking", text: randomText(random) },
          signature: { format: "messages", value: "Ep8B" },
        }),
        () => ({ kind: "thinking", text: "", encrypted: { format: "messages", value: "EmwK" } }),
        () => ({
          kind: "thinking",
          text: "",
          id: "rs_1",
          encrypted: { format: "responses", value: "gA:AA" },
        }),
        () => ({
          ...{ kind: "thinking", text: someText(random), id: "rs_2" },
          encrypted: { format: "responses", value: "gAAA=" },
        }),
        () => ({ kind: "thinking", text: someText(random), signature: { format: "gemini", value: "Cq:8" } }),
        () => ({
          ...{ kind: "tool_call", id: `toolu_${random(1e9)}`, name: "tool_1" },
          arguments: JSON.stringify(oneOf<Json>(random, [{}, { q: someText(random) }])),
          ...(random(3) === 0 ? { signature: { format: "gemini", value: "Cq8=" } } : {}),
          ...(random(3) === 0 ? own({ caller: { type: "direct" } }) : {}),
        }),
        () => ({ kind: "text", text: someText(random), signature: { format: "gemini", value: "Cq8=" } }),
        () => ({
          ...{ kind: "own", format: "messages" },
          value: { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "x" } },
        }),
      ])(),
    );
  }
  const has_calls = parts.some(({ kind }) => kind === "tool_call");
  const finish = oneOf<Finish>(random, [
    { reason: has_calls ? "tool_calls" : "stop", raw: has_calls ? "tool_use" : "end_turn" },
    { reason: "length", raw: "max_tokens" },
    { reason: "context_length", raw: "model_context_window_exceeded" },
    { reason: "stop_sequence", stop_sequence: "END", raw: "stop_sequence" },
    { reason: "pause", raw: "pause_turn" },
    { reason: "refusal", raw: "refusal" },
  ]);
  if (finish.reason === "refusal") parts.push({ kind: "refusal", text: "It is against the rules." });
  return {
    ...{ id: `msg_${random(1e9)}`, model: "claude-opus-4-6", created_s: null },
    choices: [{ index: 0, parts, finish }],
    usage: usageOf({
      ...{ input_tokens: 500, cached_input_tokens: random(100), output_tokens: 60 },
      ...{ cache_write_5m_tokens: random(50), cache_write_1h_tokens: random(2) * random(50) },
      ...{ reasoning_tokens: random(9), searches: random(2) },
    }),
    ...(random(2) === 0 ? { service_tier: oneOf(random, ["default", "priority", "batch"]) } : {}),
  };
}
