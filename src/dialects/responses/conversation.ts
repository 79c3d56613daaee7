// Conversations that go on by the id of the last answer, for a gateway that keeps them itself.
// Source: OpenAI, "Conversation state": what was said before comes before the new input; instructions are not taken over.

import { isFields, list } from "../fields.ts";
import type { Fields } from "./own.ts";

/** What has to be kept of a response for the conversation to go on. */
export interface StoredResponse {
  /** All that the model was asked, of earlier turns as well. */
  readonly input: readonly unknown[];
  /** What it answered. */
  readonly output: readonly unknown[];
}

/**
 * What has to be kept of an answer.
 * @param body the request's, with the conversation so far: see `withPrevious`
 */
export function storedItems(body: Fields, answer: Fields): StoredResponse {
  return { input: inputItems(body["input"]), output: list(answer["output"]) };
}

/** A request with all that was said before it, and without the id that stood for that. */
export function withPrevious(body: Fields, stored: StoredResponse): Fields {
  const { previous_response_id: _, ...rest } = body;
  const before = [...stored.input, ...stored.output];
  const known = new Set(before.map(idOf).filter((id) => id !== null));
  // A reference to what is there says nothing more.
  const added = inputItems(body["input"]).filter((item) => !(isReference(item) && known.has(item.id)));
  return { ...rest, input: [...before, ...added] };
}

/** The ids of items that a request refers to instead of repeating them. */
export function referencedIds(body: Fields): readonly string[] {
  return list(body["input"])
    .filter(isReference)
    .map(({ id }) => id);
}

/** A request with items in place of the references to them; a reference to an item that is not found stays. */
export function withItems(body: Fields, find: (id: string) => unknown): Fields {
  if (!Array.isArray(body["input"])) return body;
  const input = body["input"].map((item) => (isReference(item) ? (find(item.id) ?? item) : item));
  return { ...body, input };
}

/** An input as items. */
export function inputItems(input: unknown): readonly unknown[] {
  if (typeof input !== "string") return list(input);
  return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
}

/** Whether an item refers to another; its type may be left out. */
function isReference(item: unknown): item is { readonly id: string } {
  if (!isFields(item) || typeof item["id"] !== "string") return false;
  const type = item["type"] ?? null;
  return type === "item_reference" || (type === null && item["role"] === undefined);
}

function idOf(item: unknown): string | null {
  return isFields(item) && typeof item["id"] === "string" ? item["id"] : null;
}
