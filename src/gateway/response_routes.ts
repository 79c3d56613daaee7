// What clients ask of answers that are kept: to read one, its input, to have it removed.
// Source: OpenAI API reference, "Get a model response", "Delete a model response", "List input items", "Cancel a response".

import { createHash } from "node:crypto";
import { isFields } from "../dialects/fields.ts";
import { GatewayError } from "../errors.ts";
import type { Call } from "./call.ts";
import type { KeptResponse, KeptResponses } from "./kept_responses.ts";
import { readable } from "./response_turn.ts";
import type { ResponseWish } from "./response_wish.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Items of one page. */
const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;

/** The answer's body; null where the gateway keeps no such response for this caller. */
export async function answerWish(
  call: Call,
  { id, action, query }: ResponseWish,
  kept: KeptResponses,
): Promise<Fields | GatewayError | null> {
  const { tenant } = call.client!;
  const found = readable(call, await kept.find(tenant, id));
  if (found === null) return null;
  switch (action) {
    case "retrieve":
      return new URLSearchParams(query).get("stream") === "true"
        ? refusal("stream", "Only responses that were made in the background can be streamed again.")
        : found.response;
    case "delete":
      await kept.forget(tenant, found);
      return { id, object: "response", deleted: true };
    case "cancel":
      return refusal("response_id", "Only responses that are made in the background can be cancelled.");
    case "input_items":
      return pageOf(found, new URLSearchParams(query));
  }
}

function refusal(param: string, message: string): GatewayError {
  return new GatewayError("invalid_value", message, { param });
}

/** A page of what a response was asked, the last first unless the client wants it otherwise. */
function pageOf(kept: KeptResponse, query: URLSearchParams): Fields | GatewayError {
  const limit = Number(query.get("limit") ?? LIMIT_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
    return refusal("limit", `'limit' must be a whole number from 1 to ${LIMIT_MAX}.`);
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") return refusal("order", "'order' must be asc or desc.");
  const items = kept.input.map((item, index) => itemOf(item, kept.response.id, index));
  if (order === "desc") items.reverse();
  const after = query.get("after");
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) return refusal("after", "'after' is the id of no input item.");
  const data = items.slice(start, start + limit);
  return {
    ...{ object: "list", data, first_id: data[0]?.["id"] ?? null, last_id: data.at(-1)?.["id"] ?? null },
    has_more: start + limit < items.length,
  };
}

/** How the ids of items begin that came without one. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  reasoning: "rs",
};

/** An item as OpenAI lists it: with a type, an id and its parts. */
function itemOf(item: unknown, response_id: string, index: number): Fields {
  const given = isFields(item) ? item : {};
  const type = typeof given["type"] === "string" ? given["type"] : "message";
  const hash = createHash("sha256").update(`${response_id} ${index}`).digest("hex").slice(0, 48);
  const { content } = given;
  const kind = given["role"] === "assistant" ? "output_text" : "input_text";
  return {
    ...{ id: `${BEGINNINGS[type] ?? "item"}_${hash}`, type, status: "completed" },
    ...given,
    ...(typeof content === "string" ? { content: [{ type: kind, text: content }] } : {}),
  };
}
