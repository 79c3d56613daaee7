// What a request of Cohere's chat may look like. Source: https://docs.cohere.com/reference/chat.

import * as z from "zod";

const text = z.strictObject({ type: z.literal("text"), text: z.string().min(1) });
const thinking = z.strictObject({ type: z.literal("thinking"), thinking: z.string().min(1) });
const image = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({ url: z.string(), detail: z.string().optional() }),
});
const call = z.strictObject({
  ...{ id: z.string(), type: z.literal("function") },
  function: z.strictObject({ name: z.string(), arguments: z.string().min(1) }),
});

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: z.union([z.string(), z.array(text)]) }),
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.union([text, image]))]),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.union([text, thinking]))]).optional(),
    tool_plan: z.string().optional(),
    tool_calls: z.array(call).min(1).optional(),
  }),
  z.strictObject({ role: z.literal("tool"), tool_call_id: z.string(), content: z.string() }),
]);

const within = (least: number, most: number) => z.number().min(least).max(most).optional();

const request = z.strictObject({
  ...{ model: z.string(), messages: z.array(message), stream: z.boolean() },
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        function: z.strictObject({
          ...{ name: z.string(), description: z.string().optional() },
          parameters: z.record(z.string(), z.unknown()),
        }),
      }),
    )
    .min(1)
    .optional(),
  ...{ strict_tools: z.literal(true).optional(), tool_choice: z.enum(["NONE", "REQUIRED"]).optional() },
  documents: z.array(z.unknown()).min(1).optional(),
  response_format: z
    .strictObject({
      type: z.literal("json_object"),
      json_schema: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  thinking: z
    .strictObject({ type: z.enum(["enabled", "disabled"]), token_budget: z.number().optional() })
    .optional(),
  ...{ max_tokens: z.number().optional(), temperature: z.number().optional(), seed: z.number().optional() },
  ...{ p: within(0.01, 0.99), k: within(0, 500) },
  ...{ frequency_penalty: within(0, 1), presence_penalty: within(0, 1) },
  stop_sequences: z.array(z.string()).min(1).max(5).optional(),
  logprobs: z.literal(true).optional(),
});

/** What is wrong with a request. */
export function checkCohereRequest(value: unknown): string[] {
  const { error } = request.safeParse(value);
  return error === undefined
    ? []
    : error.issues.map(({ path, message: what }) => `${path.join(".")}: ${what}`);
}
