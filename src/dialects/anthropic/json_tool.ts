// JSON from models that know no schemas for their answers: they are made to call a tool whose arguments are the answer.
// The tool has a name of its own, so that a reader knows its calls without knowing the request.

import type { OutputFormat } from "../neutral/request.ts";
import type { Fields } from "./own.ts";

/** The name of the tool; no client's. */
export const JSON_TOOL = "answer_as_json";

/** What the model is told where it cannot be made to. */
export const JSON_WISH =
  "Answer with one JSON object and nothing else: no code fence, no word before or behind it.";

/** The tool for an output format, or null: arguments are always an object. */
export function jsonTool(output: OutputFormat): Fields | null {
  const description = "Gives the answer. Call it once, when the answer is known.";
  if (output.kind !== "schema") return { name: JSON_TOOL, description, input_schema: { type: "object" } };
  if (output.schema["type"] !== "object") return null;
  const about = output.description === undefined ? description : `${description} ${output.description}`;
  return { name: JSON_TOOL, description: about, input_schema: output.schema };
}
