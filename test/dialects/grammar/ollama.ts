// What a request of Ollama's chat may look like. Source: https://docs.ollama.com/api/chat.

import * as z from "zod";

const message = z.strictObject({
  ...{ role: z.enum(["system", "user", "assistant", "tool"]), content: z.string() },
  ...{ thinking: z.string().min(1).optional(), images: z.array(z.string()).min(1).optional() },
  tool_calls: z
    .array(
      z.strictObject({
        id: z.string(),
        function: z.strictObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()) }),
      }),
    )
    .min(1)
    .optional(),
  ...{ tool_name: z.string().optional(), tool_call_id: z.string().optional() },
});

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
  format: z.union([z.literal("json"), z.record(z.string(), z.unknown())]).optional(),
  options: z.record(z.string(), z.union([z.number(), z.array(z.string())])).optional(),
  think: z.union([z.boolean(), z.enum(["low", "medium", "high"])]).optional(),
  ...{ logprobs: z.literal(true).optional(), top_logprobs: z.number().optional() },
});

/** What is wrong with a request. */
export function checkOllamaRequest(value: unknown): string[] {
  const { error } = request.safeParse(value);
  return error === undefined
    ? []
    : error.issues.map(({ path, message: what }) => `${path.join(".")}: ${what}`);
}
