// The form that a request asks its answer to have (`response_format` of chat completions, and its like), and whether an answer has it.

import { isFields, list, record } from "../../../dialects/fields.ts";
import { type JsonObjectScan, readString, scanMembers, scanObject } from "../../../wire/json.ts";
import { choicesOfAnswer, type JudgedEndpoint } from "./answer_choices.ts";
import { JsonGrammar } from "./json_grammar.ts";
import { Work } from "./run.ts";
import type { Schema } from "./schema.ts";
import type { SchemaStore } from "./schema_store.ts";

/** Longer texts are not judged, and do not count as valid. */
export const JUDGED_MAX_CHARS = 1024 * 1024;

/** Why a text is not what was asked for. */
export interface Misfit {
  readonly why: "cut short" | "no JSON" | "not by the schema" | "not judged";
  /** In words for the model that wrote it. */
  readonly errors: readonly string[];
}

/** And which text of an answer that is. */
export interface AnswerMisfit extends Misfit {
  readonly text: string;
}

/** What a request asks for. */
export interface AskedFormat {
  /** Whose answers it is about. */
  readonly endpoint: JudgedEndpoint;
  /** Null where any JSON will do, or the schema is not one that can be used. */
  readonly schema: Schema | null;
  /** What is wrong with the schema; null for nothing. */
  readonly schema_fault: string | null;
  /** Whether the answer has to be an object, whatever it holds. */
  readonly wants_object: boolean;
  /** Whether the answer may be calls of tools instead, after some words perhaps. */
  readonly has_tools: boolean;
}

/** Where a request says what its answer is to be: the members that lead there, and from there to a schema. */
const ASKED_AT: Readonly<
  Record<JudgedEndpoint, readonly (readonly [at: readonly string[], schema: readonly string[]])[]>
> = {
  "/chat/completions": [[["response_format"], ["json_schema", "schema"]]],
  "/responses": [[["text", "format"], ["schema"]]],
  "/messages": [
    [["output_config", "format"], ["schema"]],
    [["output_format"], ["schema"]],
  ],
  "/generateContent": [
    [["generationConfig"], ["responseJsonSchema"]],
    [["generation_config"], ["response_json_schema"]],
  ],
};

/** What the body of a request asks for; null where it does not ask for JSON. */
export function readAskedFormat(
  body: Uint8Array,
  endpoint: JudgedEndpoint,
  tenant: string,
  schemas: SchemaStore,
): AskedFormat | null {
  const request = scanObject(body);
  if (request.fault !== null) return null;
  for (const [at, schema_at] of ASKED_AT[endpoint]) {
    const format = objectAt(body, request, at);
    const kind = format === null ? null : kindOf(body, format);
    if (format === null || kind === null) continue;
    const tools = request.find("tools") ?? request.find("functions");
    const any = {
      ...{ endpoint, schema: null, schema_fault: null },
      wants_object: kind === "json_object",
      has_tools: tools?.kind === "array",
    };
    const holder = kind === "json_object" ? null : objectAt(body, format, schema_at.slice(0, -1));
    const given = holder?.find(schema_at.at(-1)!) ?? null;
    if (given === null) return any;
    const schema = schemas.of(tenant, body.subarray(given.start, given.end));
    return "fault" in schema ? { ...any, schema_fault: schema.fault } : { ...any, schema };
  }
  return null;
}

/** What kind of JSON is asked for; null for none. Gemini says it by a media type, and some of its schemas are in words of its own. */
function kindOf(body: Uint8Array, format: JsonObjectScan): "json_object" | "json_schema" | "json" | null {
  const type = format.find("type");
  const kind = type === null ? null : readString(body, type);
  if (kind === "json_object" || kind === "json_schema") return kind;
  const media = format.find("responseMimeType") ?? format.find("response_mime_type");
  return media !== null && readString(body, media) === "application/json" ? "json" : null;
}

/** The object that members lead to; null where there is none. */
function objectAt(body: Uint8Array, from: JsonObjectScan, path: readonly string[]): JsonObjectScan | null {
  let scan = from;
  for (const name of path) {
    const member = scan.find(name);
    if (member?.kind !== "object") return null;
    const inner = scanMembers(body, member.start, member.end);
    if (inner.fault !== null) return null;
    scan = inner;
  }
  return scan;
}

/** What is wrong with a text; null for nothing. */
export function misfitOf(text: string, format: AskedFormat, work: Work): Misfit | null {
  if (text.length > JUDGED_MAX_CHARS || format.schema_fault !== null) return NOT_JUDGED;
  const grammar = new JsonGrammar();
  return grammar.push(text) && grammar.end() ? misfitOfJson(text, format, work) : NO_JSON;
}

/** The same for a text that is known to be JSON, and not nested too deeply. */
export function misfitOfJson(text: string, { schema, wants_object }: AskedFormat, work: Work): Misfit | null {
  const value: unknown = JSON.parse(text);
  if (wants_object && !isFields(value)) {
    return { why: "not by the schema", errors: ["the answer: must be an object"] };
  }
  const verdict = schema?.judge(value, work) ?? { kind: "valid" };
  if (verdict.kind === "valid") return null;
  return verdict.kind === "unjudged" ? NOT_JUDGED : { why: "not by the schema", errors: verdict.errors };
}

/** It breaks what JSON is. */
export const NO_JSON: Misfit = {
  why: "no JSON",
  errors: ["the answer: is not valid JSON; nothing may stand before it or behind it"],
};
/** It ended before it was complete. */
export const CUT_SHORT: Misfit = { why: "cut short", errors: [] };
/** It is too long, or takes too much work. */
export const NOT_JUDGED: Misfit = { why: "not judged", errors: [] };

/** Finish reasons of answers that are not whole. */
const CUT: ReadonlySet<unknown> = new Set(["length", "max_tokens", "content_filter", "safety"]);
/** And of those that are no text. */
const CALLS: ReadonlySet<unknown> = new Set(["tool_calls", "function_call"]);

/** Whether a finish reason says that the answer is not whole. */
export function isCut(finish_reason: unknown): boolean {
  return CUT.has(finish_reason);
}

/** Whether a message, or what a chunk adds to it, calls tools or refuses: that is judged by nobody. */
export function isOtherAnswer(message: Readonly<Record<string, unknown>>, finish_reason: unknown): boolean {
  const { tool_calls, function_call, refusal } = message;
  if (CALLS.has(finish_reason) || list(tool_calls).length > 0 || isFields(function_call)) return true;
  return typeof refusal === "string" && refusal !== "";
}

/** The text of a content, which may come in parts. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((part) => record(part)["text"])
    .filter((text) => typeof text === "string")
    .join("");
}

/** What is wrong with a whole answer: of its choices, the first that is not what was asked for. Null for nothing. */
export function misfitOfAnswer(body: Uint8Array, format: AskedFormat): AnswerMisfit | null {
  const choices = choicesOfAnswer(body, format.endpoint);
  if (choices === null || choices.length === 0) return { ...NOT_JUDGED, text: "" };
  const work = new Work();
  for (const { delta: said, finish_reason } of choices) {
    if (isOtherAnswer(said, finish_reason)) continue;
    const text = contentText(said["content"]);
    const misfit = isCut(finish_reason) ? CUT_SHORT : misfitOf(text, format, work);
    if (misfit !== null) return { ...misfit, text };
  }
  return null;
}
