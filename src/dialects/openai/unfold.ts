// A whole answer as the stream that a client with `stream` would have been given: the role, then the text in pieces of a few
// words, then tool calls, each choice's end, usage for those who asked for it, and the end of all.

import { parseExact } from "../../wire/exact_json.ts";
import { isFields, list } from "../fields.ts";
import { readError } from "./error.ts";
import { piecesOf } from "./pieces.ts";

type Fields = Record<string, unknown>;

/** About how many pieces the texts of an answer are cut into at most, however long they are. */
const PIECES_MAX = 2_000;

/** The texts that come before the content. */
const REASONING_TEXTS = ["reasoning_content", "reasoning"];
/** The texts whose tokens may have logprobs. */
const LOGGED = ["content", "refusal"];
/** What a tool call calls, and the text that this is called with. */
const CALLED = [
  ["function", "arguments"],
  ["custom", "input"],
] as const;

/** A choice of the answer. */
interface Choice {
  readonly kind: "chat" | "text";
  readonly index: unknown;
  readonly fields: Fields;
}

/** What one chunk says of a choice before its end. */
interface Said {
  readonly delta?: Fields;
  readonly text?: string;
  readonly logprobs: unknown;
}

/**
 * The event stream, down to its `[DONE]`, of a plain answer of chat or legacy completions; linear in its length.
 * Null where the body is no such answer. Usage is in it only for a client that asked; a content in parts (Mistral's) comes in
 * one piece, and so does a text whose `logprobs` are not those of its own tokens.
 */
export function streamAnswer(
  body: Uint8Array,
  { include_usage }: { readonly include_usage: boolean },
): Uint8Array | null {
  const answer = parseExact(body);
  if (!isFields(answer) || readError(answer, 200) !== null) return null;
  const choices = choicesOf(answer["choices"]);
  if (choices === null) return null;
  const usage = include_usage && isFields(answer["usage"]) ? answer["usage"] : null;
  const stream = new ChunkStream(answer, choices[0]!.kind, usage);
  const least = Math.ceil(body.length / PIECES_MAX);
  for (const { kind, index, fields } of choices) {
    const { message, text, delta: _, index: __, logprobs, finish_reason, ...others } = fields;
    const said = isFields(message)
      ? chatSaid(message, logprobs, least)
      : textSaid(`${text}`, logprobs, least);
    for (const { logprobs: told, ...what } of said) {
      stream.write({ index, ...what, logprobs: told, finish_reason: null });
    }
    const nothing = kind === "chat" ? { delta: {} } : { text: "" };
    stream.write({ index, ...nothing, logprobs: null, finish_reason, ...others });
  }
  return stream.end();
}

/** Writes the chunks of one answer. */
class ChunkStream {
  readonly #head: string;
  readonly #usage: Fields | null;
  /** What the first chunk alone says. */
  #others: string;
  #events = "";

  constructor(answer: Fields, kind: Choice["kind"], usage: Fields | null) {
    const { id, created, model, service_tier, system_fingerprint, ...rest } = answer;
    const { object: _, choices: __, usage: ___, ...others } = rest;
    const object = kind === "chat" ? "chat.completion.chunk" : "text_completion";
    this.#head = membersOf({ id, object, created, model, service_tier, system_fingerprint });
    this.#others = membersOf(others);
    this.#usage = usage;
  }

  write(choice: Fields): void {
    const others = this.#others === "" ? "" : `,${this.#others}`;
    this.#others = "";
    // As OpenAI does it: where usage comes in a chunk of its own, the others say that they have none.
    const usage = this.#usage === null ? "" : ',"usage":null';
    this.#events += `data: {${this.#head}${others},"choices":[${JSON.stringify(choice)}]${usage}}\n\n`;
  }

  end(): Uint8Array {
    const usage = this.#usage;
    const told = usage === null ? "" : `data: {${this.#head},"choices":[],${membersOf({ usage })}}\n\n`;
    return Buffer.from(`${this.#events}${told}data: [DONE]\n\n`);
  }
}

/** The members of an object as JSON, without its braces. */
function membersOf(fields: Fields): string {
  return JSON.stringify(fields).slice(1, -1);
}

/** The choices of an answer, all of one kind and all finished; null if they are not. */
function choicesOf(value: unknown): readonly Choice[] | null {
  const choices = list(value).map(choiceOf);
  const kind = choices[0]?.kind;
  return kind !== undefined && isEvery(choices, kind) ? choices : null;
}

function isEvery(choices: readonly (Choice | null)[], kind: Choice["kind"]): choices is readonly Choice[] {
  return choices.every((choice) => choice?.kind === kind);
}

function choiceOf(fields: unknown, position: number): Choice | null {
  if (!isFields(fields) || readError(fields, 200) !== null) return null;
  if (typeof fields["finish_reason"] !== "string") return null;
  const index = fields["index"] ?? position;
  if (!Number.isSafeInteger(index)) return null;
  if (isFields(fields["message"])) return { kind: "chat", index, fields };
  return typeof fields["text"] === "string" ? { kind: "text", index, fields } : null;
}

function* textSaid(text: string, logprobs: unknown, least: number): Iterable<Said> {
  if (isFields(logprobs)) yield { text, logprobs };
  else for (const piece of piecesOf(text, least)) yield { text: piece, logprobs: null };
}

function* chatSaid(message: Fields, logprobs: unknown, least: number): Iterable<Said> {
  const { role, content, refusal, tool_calls, function_call, ...others } = message;
  const opening = { role: role ?? "assistant", content: openingOf(content) };
  const delta = refusal === undefined ? opening : { ...opening, refusal: openingOf(refusal) };
  yield { delta, logprobs: isFields(logprobs) ? openingLogprobs(logprobs) : null };

  for (const name of REASONING_TEXTS) {
    const text = others[name];
    if (typeof text !== "string" || text === "") continue;
    delete others[name];
    for (const piece of piecesOf(text, least)) yield { delta: { [name]: piece }, logprobs: null };
  }
  if (Array.isArray(content)) yield { delta: { content }, logprobs: null };
  for (const name of LOGGED) yield* tokensSaid(name, message[name], logprobs, least);
  const calls = Array.isArray(tool_calls) && tool_calls.every(isFields) ? tool_calls : [];
  if (calls.length === 0 && tool_calls !== undefined) others["tool_calls"] = tool_calls;
  if (function_call !== undefined && !isFields(function_call)) others["function_call"] = function_call;
  if (Object.keys(others).length > 0) yield { delta: others, logprobs: null };
  for (const [index, call] of calls.entries()) yield* callSaid(call, index, least);
  if (isFields(function_call)) {
    yield { delta: { function_call: emptied(function_call, "arguments") }, logprobs: null };
    for (const piece of piecesIn(function_call, "arguments", least)) {
      yield { delta: { function_call: { arguments: piece } }, logprobs: null };
    }
  }
}

/** What a text is before its first piece. */
function openingOf(text: unknown): string | null {
  return typeof text === "string" || Array.isArray(text) ? "" : null;
}

/** The logprobs before those of the first token: OpenAI's client counts what the first chunk has twice. */
function openingLogprobs(logprobs: Fields): Fields {
  const opening = { ...logprobs };
  for (const name of LOGGED) if (Array.isArray(opening[name])) opening[name] = [];
  return opening;
}

/** A text in pieces; where it has logprobs, each piece with its own. */
function* tokensSaid(name: string, text: unknown, logprobs: unknown, least: number): Iterable<Said> {
  const tokens = isFields(logprobs) ? list(logprobs[name]) : [];
  if (!isFields(logprobs) || tokens.length === 0) {
    const pieces = typeof text === "string" ? piecesOf(text, least) : [];
    for (const piece of pieces) yield { delta: { [name]: piece }, logprobs: null };
    return;
  }
  const nothing = Object.fromEntries(Object.keys(logprobs).map((other) => [other, null]));
  const texts = tokens.map((token) => (isFields(token) ? token["token"] : null));
  if (texts.join("") !== text) {
    yield {
      delta: typeof text === "string" ? { [name]: text } : {},
      logprobs: { ...nothing, [name]: tokens },
    };
    return;
  }
  const step = Math.ceil(tokens.length / PIECES_MAX);
  for (let start = 0; start < tokens.length; start += step) {
    const piece = texts.slice(start, start + step).join("");
    yield { delta: { [name]: piece }, logprobs: { ...nothing, [name]: tokens.slice(start, start + step) } };
  }
}

/** A tool call: what it calls first, then with which text. */
function* callSaid(call: Fields, index: number, least: number): Iterable<Said> {
  const { index: _, ...opening } = call;
  for (const [name, text] of CALLED) {
    const called = opening[name];
    if (isFields(called)) opening[name] = emptied(called, text);
  }
  yield { delta: { tool_calls: [{ index, ...opening }] }, logprobs: null };
  for (const [name, text] of CALLED) {
    for (const piece of piecesIn(call[name], text, least)) {
      yield { delta: { tool_calls: [{ index, [name]: { [text]: piece } }] }, logprobs: null };
    }
  }
}

/** What is called, before the first piece of its text. */
function emptied(called: Fields, text: string): Fields {
  return typeof called[text] === "string" ? { ...called, [text]: "" } : called;
}

function piecesIn(called: unknown, name: string, least: number): readonly string[] {
  const text = isFields(called) ? called[name] : null;
  return typeof text === "string" ? piecesOf(text, least) : [];
}
