// Conversations that go on by the id of the last answer, for a gateway that keeps them itself.
// Source: OpenAI, "Conversation state": what was said before comes before the new input; instructions are not taken over.

import { type JsonSpan, scanElements, scanMembers, scanObject } from "../../wire/json.ts";
import { type Edit, insertMember, splice } from "../../wire/splice.ts";
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

/**
 * A request with all that was said before it, and without the id that stood for that.
 * @param is_keyed whether it may go to a provider that knows its own thoughts by what it encrypted of them alone
 */
export function withPrevious(body: Fields, stored: StoredResponse, is_keyed = false): Fields {
  const { previous_response_id: _, ...rest } = body;
  const said = [...stored.input, ...stored.output];
  const known = new Set(said.map(idOf).filter((id) => id !== null));
  // A reference to what is there says nothing more.
  const added = inputItems(body["input"]).filter((item) => !(isReference(item) && known.has(item.id)));
  return { ...rest, input: [...remembered(said, is_keyed), ...added] };
}

/**
 * What was said without the thoughts that nobody can bring back. By its id an item is tied to the thought before it, and OpenAI refuses
 * the one without the other.
 */
function remembered(said: readonly unknown[], is_keyed: boolean): readonly unknown[] {
  const left = said.filter((item) => !isForgotten(item, is_keyed));
  if (left.length === said.length) return said;
  return left.map((item) => {
    if (!isFields(item) || item["type"] === "reasoning") return item;
    const { id: _, ...untied } = item;
    return untied;
  });
}

/** Whether an item is known to its provider alone, by its id: a thought of which nothing was said. */
function isForgotten(item: unknown, is_keyed: boolean): boolean {
  if (!isFields(item) || item["type"] !== "reasoning") return false;
  const { encrypted_content, content, summary } = item;
  if (typeof encrypted_content === "string" || list(content).length > 0) return false;
  return is_keyed || list(summary).length === 0;
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

const FALSE = Buffer.from("false");
const WISH = '"reasoning.encrypted_content"';

/**
 * A request that its provider keeps nothing of.
 * @param reasons whether its thoughts have to come encrypted, so that the next turn can bring them back
 */
export function unstoredRequest(bytes: Uint8Array, reasons: boolean): Uint8Array {
  const scan = scanObject(bytes);
  if (scan.fault !== null) return bytes;
  const edits: Edit[] = [...scan.all("store")].map(({ start, end }) => ({ start, end, bytes: FALSE }));
  const is_named = edits.length > 0;
  const include = reasons ? scan.find("include") : null;
  if (include !== null) edits.push(includeEdit(bytes, include));
  const fresh = reasons && include === null ? `,"include":[${WISH}]` : "";
  if (!is_named) edits.push(insertMember(scan, "store", Buffer.from(`false${fresh}`)));
  else if (fresh !== "") edits.push(insertMember(scan, "include", Buffer.from(`[${WISH}]`)));
  edits.sort((a, b) => a.start - b.start);
  return Buffer.concat(splice(bytes, edits));
}

/** The edit that has encrypted thoughts included as well. */
function includeEdit(bytes: Uint8Array, { start, end, kind }: JsonSpan): Edit {
  const named = kind === "array" ? scanElements(bytes, start, end) : null;
  if (named === null || named.fault !== null) return { start, end, bytes: Buffer.from(`[${WISH}]`) };
  const is_there = Buffer.from(bytes.subarray(start, end)).includes(WISH);
  const text = is_there ? "" : `${named.count > 0 ? "," : ""}${WISH}`;
  return { start: end - 1, end: end - 1, bytes: Buffer.from(text) };
}

/** What a client is told of a response, where that is not what its provider says. */
export interface ResponseView {
  /** Null: the provider's. */
  readonly id: string | null;
  readonly previous_response_id: string | null;
  readonly store: boolean;
  /** What the response repeats of the request, as the client said it. */
  readonly repeated: Fields;
}

/** The edits of a response object that lies in some bytes. */
export function viewEdits(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  { id, previous_response_id, store, repeated }: ResponseView,
): Edit[] {
  const scan = scanMembers(bytes, start, end);
  if (scan.fault !== null || scan.count === 0) return [];
  const values = { ...(id === null ? {} : { id }), previous_response_id, store };
  const edits: Edit[] = [];
  for (const [name, value] of Object.entries(values)) {
    const member = scan.find(name);
    const text = Buffer.from(JSON.stringify(value));
    if (member === null) {
      // Where nothing is said of these, nothing was.
      if (value !== null && value !== true) edits.push(insertMember(scan, name, text));
    } else edits.push({ start: member.start, end: member.end, bytes: text });
  }
  for (const [name, value] of Object.entries(repeated)) {
    const member = scan.find(name);
    if (member !== null)
      edits.push({ start: member.start, end: member.end, bytes: Buffer.from(JSON.stringify(value)) });
  }
  return edits.sort((a, b) => a.start - b.start);
}

/** Fields that responses repeat, and that privacy may have changed on their way to the provider. */
const REPEATED = ["instructions", "metadata", "user", "safety_identifier", "prompt_cache_key"];

/** What a response repeats of a request. */
export function repeatedOf(body: Fields): Fields {
  const nothing: Fields = { metadata: {} };
  return Object.fromEntries(REPEATED.map((name) => [name, body[name] ?? nothing[name] ?? null]));
}
