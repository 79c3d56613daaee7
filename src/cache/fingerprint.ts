// What two requests must share for the answer to one to serve the other. The whole request gives the key of its answer; all but
// what its last turn says gives the neighbourhood that similar requests are looked for in.

import { canonicalMembers, canonicalText, isFaithful } from "./canonical.ts";

/** Members that change nothing in an answer but how it travels, or who is told of it. */
const NOISE: ReadonlySet<string> = new Set([
  ...["model", "stream", "stream_options", "metadata", "store"],
  ...["safety_identifier", "prompt_cache_key", "prompt_cache_retention"],
]);

/** Takes out of a text what differs from call to call without a meaning; null: there is nothing of the kind to look for. */
export type StripVolatile = ((text: string) => string) | null;

/** What a request is compared under. */
export interface FingerprintSubject {
  /** The client's format: answers of different endpoints are never the same. */
  readonly endpoint: string;
  /** The model as asked for, and what it stands for at present. */
  readonly identity: string;
  /** Whether the request's `user` counts. */
  readonly counts_user: boolean;
}

/** What kinds of chats may be answered by an answer to a similar one. */
export interface SimilarityRules {
  readonly multi_turn: boolean;
  readonly tools: boolean;
  readonly images: boolean;
}

/** A request's last turn, for which a similar one may do. */
export interface LastTurn {
  readonly text: string;
  /** Hash of all the rest. */
  readonly rest: Uint8Array;
}

/** A request as the caches see it. */
export interface Fingerprint {
  readonly hash: Uint8Array;
  /** How many answers it asks for. */
  readonly choices: number;
  readonly temperature: number | null;
}

/** Requests whose fingerprints are remembered, and how long they may be: those that come again come soon. */
const REMEMBERED_MAX = 1_000;
const REMEMBERED_MAX_BYTES = 8 * 1024;

/** A request, and what was made of it. */
interface Remembered extends FingerprintSubject {
  readonly bytes: Uint8Array;
  readonly print: Fingerprint;
}

/** Makes the keys of a data folder's caches: by a secret, so that nobody outside can compute or craft them. */
export class Fingerprints {
  readonly #empty: Bun.CryptoHasher;
  readonly #strip: StripVolatile;
  /** By a hash of their bytes, which are compared as a whole. */
  readonly #remembered = new Map<bigint, Remembered>();

  constructor(secret: Uint8Array, strip: StripVolatile = null) {
    this.#empty = new Bun.CryptoHasher("sha256", secret);
    this.#strip = strip;
  }

  /** Of a request's JSON; null where that is no object. */
  of(bytes: Uint8Array, subject: FingerprintSubject): Fingerprint | null {
    if (bytes.length > REMEMBERED_MAX_BYTES) return this.#make(bytes, subject);
    // To find it takes a twentieth of what it takes to make it.
    const name = Bun.hash.xxHash3(bytes);
    const known = this.#remembered.get(name);
    if (known !== undefined && isOf(known, bytes, subject)) return known.print;
    const print = this.#make(bytes, subject);
    if (print === null) return null;
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(name, { ...subject, bytes: bytes.slice(), print });
    return print;
  }

  #make(bytes: Uint8Array, subject: FingerprintSubject): Fingerprint | null {
    const said = this.#read(bytes, subject);
    if (said === null) return null;
    const { n, temperature } = said.request;
    return {
      hash: this.#hash(`=${said.head}${canonicalMembers(said.request, said.names)}`),
      choices: typeof n === "number" ? n : 1,
      temperature: typeof temperature === "number" ? temperature : null,
    };
  }

  /** Of a request's JSON; null where none but the very same request may have the same answer. */
  lastTurn(bytes: Uint8Array, subject: FingerprintSubject, rules: SimilarityRules): LastTurn | null {
    const said = this.#read(bytes, subject);
    if (said === null) return null;
    const turns = TURNS.find((name) => turnsIn(said.request, name, subject.endpoint) !== null);
    if (turns === undefined) return null;
    const last = lastTurnOf(said.request, turnsIn(said.request, turns, subject.endpoint) ?? [], rules);
    if (last === null) return null;
    const others = said.names.filter((name) => name !== turns);
    const rest = `~${said.head}${canonicalMembers(said.request, others)}${last.role}${canonicalText(last.before)}`;
    return { text: last.text, rest: this.#hash(rest) };
  }

  /** What a request says, and the names of the members that count. */
  #read(bytes: Uint8Array, subject: FingerprintSubject): Said | null {
    const text = Buffer.prototype.utf8Slice.call(bytes, 0, bytes.length);
    const request = parseObject(text);
    if (request === null) return null;
    const { endpoint, identity, counts_user } = subject;
    const names = Object.keys(request).filter((name) => !NOISE.has(name) && (counts_user || name !== "user"));
    // Where the value does not say all that its text does, the text counts.
    const head = `${JSON.stringify([endpoint, identity])}${isFaithful(text, request) ? "" : text}`;
    return { request: this.#strip === null ? request : stripped(request, this.#strip), names, head };
  }

  #hash(text: string): Uint8Array {
    return this.#empty.copy().update(text).digest();
  }
}

function isOf(known: Remembered, bytes: Uint8Array, subject: FingerprintSubject): boolean {
  return (
    known.counts_user === subject.counts_user &&
    known.endpoint === subject.endpoint &&
    known.identity === subject.identity &&
    Buffer.compare(known.bytes, bytes) === 0
  );
}

type Members = Readonly<Record<string, unknown>>;

interface Said {
  readonly request: Members;
  readonly names: string[];
  readonly head: string;
}

function parseObject(text: string): Members | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of a request that hold what was written, by people or their programs. */
const WRITTEN = ["messages", "prompt", "input", "contents", "system", "instructions", "systemInstruction"];

function stripped(request: Members, strip: NonNullable<StripVolatile>): Members {
  const copy: Record<string, unknown> = { ...request };
  for (const name of WRITTEN) if (name in copy) copy[name] = withTexts(copy[name], strip);
  return copy;
}

/** A value with all its texts changed; data URLs are no texts. */
function withTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return value.startsWith("data:") ? value : change(value);
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withTexts(item, change)]));
}

/** The members that hold a conversation's turns, in the formats that have them in a list. */
const TURNS = ["messages", "contents", "input"];

/** The turns that a member holds, in Responses and Gemini's format perhaps one alone; null where it holds none. */
function turnsIn(request: Members, name: string, endpoint: string): readonly unknown[] | null {
  const turns = request[name];
  if (Array.isArray(turns)) return turns;
  const is_alone = (endpoint === "/responses" && name === "input") || name === "contents";
  if (!is_alone) return null;
  if (typeof turns === "string") return [{ role: "user", content: turns }];
  return isObject(turns) ? [turns] : null;
}

/** What opens a chat without being a turn of it. */
const OPENING_ROLES: ReadonlySet<unknown> = new Set(["system", "developer"]);
/** Members that a chat has tools by. */
const TOOL_MEMBERS = ["tools", "functions"];

interface SplitChat {
  readonly text: string;
  /** What the last message says besides its text, canonical. */
  readonly role: string;
  readonly before: readonly unknown[];
}

/** A chat split at what its user said last; null where that is no text, or the rules are against it. */
function lastTurnOf(
  request: Members,
  messages: readonly unknown[],
  rules: SimilarityRules,
): SplitChat | null {
  const last = messages.at(-1);
  // Gemini's users need not say who they are.
  if (!isObject(last) || (last["role"] ?? (last["parts"] && "user")) !== "user") return null;
  const before = messages.slice(0, -1);
  const hasTurns = before.some((message) => !isObject(message) || !OPENING_ROLES.has(message["role"]));
  if (hasTurns && !rules.multi_turn) return null;
  const hasTools = TOOL_MEMBERS.some((name) => {
    const tools = request[name];
    return Array.isArray(tools) && tools.length > 0;
  });
  if (hasTools && !rules.tools) return null;
  if (!rules.images && before.some(hasImage)) return null;
  const split = splitContent(last["content"] ?? last["parts"]);
  if (split === null || (split.others.length > 0 && !rules.images)) return null;
  const { content: _content, parts: _parts, ...rest } = last;
  return { text: split.text, role: `${canonicalText(rest)}${canonicalText(split.others)}`, before };
}

/** A message's text, and its parts of other kinds; null where there is no text. */
function splitContent(content: unknown): { readonly text: string; readonly others: unknown[] } | null {
  if (typeof content === "string") return content.trim() === "" ? null : { text: content, others: [] };
  if (!Array.isArray(content)) return null;
  const texts: string[] = [];
  const others: unknown[] = [];
  for (const part of content as unknown[]) {
    if (isText(part)) texts.push(part.text);
    else others.push(part);
  }
  const text = texts.join("\n");
  return text.trim() === "" ? null : { text, others };
}

/** The types of a part that is a text; Gemini's parts have none. */
const TEXT_TYPES: ReadonlySet<unknown> = new Set(["text", "input_text", "output_text", undefined]);

function isText(part: unknown): part is { readonly text: string } {
  return isObject(part) && TEXT_TYPES.has(part["type"]) && typeof part["text"] === "string";
}

function hasImage(message: unknown): boolean {
  const content = isObject(message) ? (message["content"] ?? message["parts"]) : null;
  return Array.isArray(content) && !content.every(isText);
}
