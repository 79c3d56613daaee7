// Requests in OpenAI's format as the simulator checks them: the fields that it uses, and nothing about the others.
// What is wrong is said as OpenAI says it: status 400, and `param` names the field.

import * as z from "zod";
import { type Refusal, refusal } from "./answer.ts";

/** Choices of one answer. */
const CHOICES_MAX = 128;
/** Inputs of one embeddings request, and dimensions of one vector. */
const INPUTS_MAX = 2048;
const DIMENSIONS_MAX = 3072;

const flag = z.boolean().nullish();
const max_tokens = z.int().min(1).nullish();
const token_list = z.array(z.int()).min(1);

/** Fields that chat and legacy completions share. */
const completion_fields = {
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  n: z.int().min(1).max(CHOICES_MAX).nullish(),
  stream: flag,
  stream_options: z.object({ include_usage: flag }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
};

const text_part = z.object({ type: z.literal("text"), text: z.string() });
const refusal_part = z.object({ type: z.literal("refusal"), refusal: z.string() });
const other_part = z.object({ type: z.enum(["image_url", "input_audio", "file"]) });
const content_part = z.discriminatedUnion("type", [text_part, refusal_part, other_part]);
const content = z.union([z.string(), z.array(content_part)]);

const tool_call = z.object({
  id: z.string(),
  function: z.object({ name: z.string(), arguments: z.string() }).optional(),
});

const message = z.discriminatedUnion("role", [
  z.object({ role: z.enum(["developer", "system", "user"]), content }),
  z.object({
    role: z.literal("assistant"),
    content: content.nullish(),
    tool_calls: z.array(tool_call).nullish(),
  }),
  z.object({ role: z.literal("tool"), content, tool_call_id: z.string() }),
  z.object({ role: z.literal("function"), content: content.nullable(), name: z.string() }),
]);

/** A JSON Schema as a client gives it. */
const json_schema = z.record(z.string(), z.unknown());

const tool = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("function"),
    function: z.object({ name: z.string().min(1).max(64), parameters: json_schema.nullish() }),
  }),
  z.object({ type: z.literal("custom"), custom: z.object({ name: z.string().min(1).max(64) }) }),
]);

const named_tool = z.union([
  z.object({ type: z.literal("function"), function: z.object({ name: z.string() }) }),
  z.object({ type: z.literal("custom"), custom: z.object({ name: z.string() }) }),
]);

const tool_choice = z.union([
  z.enum(["none", "auto", "required"]),
  named_tool,
  z.object({
    type: z.literal("allowed_tools"),
    allowed_tools: z.object({ mode: z.enum(["auto", "required"]), tools: z.array(named_tool).min(1) }),
  }),
]);

const response_format = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({
    type: z.literal("json_schema"),
    json_schema: z.object({ name: z.string(), schema: json_schema.nullish() }),
  }),
]);

/** `POST /chat/completions`. */
export const chat_request = z.object({
  ...completion_fields,
  messages: z.array(message).min(1),
  max_tokens,
  max_completion_tokens: max_tokens,
  tools: z.array(tool).nullish(),
  tool_choice: tool_choice.nullish(),
  parallel_tool_calls: flag,
  response_format: response_format.nullish(),
});

/** `POST /completions`. */
export const completion_request = z.object({
  ...completion_fields,
  prompt: z.union([z.string(), z.array(z.string()).min(1), token_list, z.array(token_list).min(1)]),
  max_tokens: z.int().min(0).nullish(),
  echo: flag,
});

/** `POST /embeddings`. */
export const embeddings_request = z.object({
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(INPUTS_MAX),
    token_list,
    z.array(token_list).min(1).max(INPUTS_MAX),
  ]),
  dimensions: z.int().min(1).max(DIMENSIONS_MAX).nullish(),
  encoding_format: z.enum(["float", "base64"]).nullish(),
});

const moderation_part = z.discriminatedUnion("type", [
  text_part,
  z.object({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) }),
]);

/** `POST /moderations`. */
export const moderations_request = z.object({
  input: z.union([z.string(), z.array(z.string()).min(1), z.array(moderation_part).min(1)]),
});

/** A chat completions request. */
export type ChatRequest = z.infer<typeof chat_request>;
/** A message of a chat. */
export type ChatMessage = z.infer<typeof message>;
/** A tool that a chat may call. */
export type ChatTool = z.infer<typeof tool>;
/** A legacy completions request. */
export type CompletionRequest = z.infer<typeof completion_request>;
/** An embeddings request. */
export type EmbeddingsRequest = z.infer<typeof embeddings_request>;
/** A moderations request. */
export type ModerationsRequest = z.infer<typeof moderations_request>;
/** A message's content: text or parts. */
export type Content = z.infer<typeof content>;

/** A request that is as it should be, or what is wrong with it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refused: Refusal };

/** Checks a JSON value; of several faults the first is told. */
export function check<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  return {
    ok: false,
    refused: issue === undefined ? refusal("Invalid request.", null, null) : fault(issue, value),
  };
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Where and what: `expected` are the types of which the value has none; empty where its type is right. */
interface Fault {
  readonly path: Path;
  readonly expected: readonly string[];
  readonly message: string;
}

/** An issue in OpenAI's words. */
function fault(issue: Issue, root: unknown): Refusal {
  const { path, expected, message } = deepest(issue);
  const param = pathText(path);
  const found = valueAt(root, path);
  if (found === undefined)
    return refusal(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
  if (expected.length > 0) {
    const types = [...new Set(expected)].join(" or ");
    return refusal(
      `Invalid type for '${param}': expected ${types}, but got ${typeName(found)} instead.`,
      param,
      "invalid_type",
    );
  }
  return refusal(`Invalid value for '${param}': ${message}.`, param, "invalid_value");
}

/** Where a value fits none of several forms, the fault of the form that it fits furthest. */
function deepest(issue: Issue, base: Path = []): Fault {
  const path = [...base, ...issue.path];
  if (issue.code === "invalid_type") return { path, expected: [issue.expected], message: issue.message };
  let best: Fault = { path, expected: [], message: issue.message };
  if (issue.code !== "invalid_union") return best;
  for (const form of issue.errors) {
    const first = form[0];
    if (first === undefined) continue;
    const found = deepest(first, path);
    const same_place = found.path.length === best.path.length;
    // A form of the right type whose value is wrong says more than the types of the others.
    if (found.path.length > best.path.length || (same_place && found.expected.length === 0)) best = found;
    else if (same_place && (best.message === issue.message || best.expected.length > 0)) {
      best = { path, expected: [...best.expected, ...found.expected], message: found.message };
    }
  }
  return best;
}

/** A path as OpenAI writes it: `messages[0].content`. */
function pathText(path: Path): string {
  let text = "";
  for (const key of path)
    text += typeof key === "number" ? `[${key}]` : text === "" ? String(key) : `.${String(key)}`;
  return text;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
