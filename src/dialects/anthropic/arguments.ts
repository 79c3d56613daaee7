// Arguments of calls: text in the neutral model, an object in this format.

import { parseExact } from "../../wire/exact_json.ts";
import { isFields } from "../fields.ts";
import type { JsonText } from "../neutral/parts.ts";
import { INVALID_JSON_KEY } from "../neutral/request.ts";
import type { Fields } from "./own.ts";

const encoder = new TextEncoder();

/** The text of a call's `input`. What was no JSON when the model wrote it comes out as it was. */
export function argumentsOf(input: unknown): JsonText {
  if (isFields(input)) {
    const broken = input[INVALID_JSON_KEY];
    if (typeof broken === "string" && Object.keys(input).length === 1 && objectOf(broken) === null)
      return broken;
  }
  return input === undefined || input === null ? "{}" : JSON.stringify(input);
}

/**
 * The `input` of a call. The provider takes objects only; for what is none it names a key to wrap it with.
 * Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming.
 */
export function inputOf(text: JsonText, is_custom = false): Fields {
  if (is_custom) return { input: text };
  if (text.trim() === "") return {};
  return objectOf(text) ?? { [INVALID_JSON_KEY]: text };
}

function objectOf(text: string): Fields | null {
  const value = parseExact(encoder.encode(text));
  return isFields(value) ? value : null;
}
