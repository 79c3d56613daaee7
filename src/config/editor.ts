// The JSON Schema of the configuration, for editors that complete and check as one types.
// It is the validation's own schema; only that a reference may stand for a number or a word is added.

import * as z from "zod";
import { REFERENCE_PATTERN } from "./references.ts";
import { config_schema } from "./schema.ts";

/** JSON Schema (draft 7, which editors' YAML plugins speak) of `venturi.yaml`. */
export function editorSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(config_schema, {
    target: "draft-7",
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const scalar =
        zodSchema instanceof z.ZodNumber ||
        zodSchema instanceof z.ZodBoolean ||
        zodSchema instanceof z.ZodEnum;
      const patterned = zodSchema instanceof z.ZodString && jsonSchema.pattern !== undefined;
      if (scalar || patterned) allowReference(jsonSchema as Record<string, unknown>);
    },
  });
  const { $schema, ...rest } = schema as Record<string, unknown>;
  return {
    $schema,
    title: "venturi.yaml",
    description: "Configuration of the Venturi LLM gateway.",
    ...rest,
  };
}

/** Makes `{ type, … }` into "that, or a reference", in place. */
function allowReference(rule: Record<string, unknown>): void {
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rule)) {
    if (key === "description" || key === "default") continue;
    own[key] = value;
    delete rule[key];
  }
  rule["anyOf"] = [own, { type: "string", pattern: REFERENCE_PATTERN }];
}
