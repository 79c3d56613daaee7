// What two requests must share for the answer to one to serve the other. The whole request gives the key of its answer; all but
// what its last turn says gives the neighbourhood that similar requests are looked for in.

import { canonicalMembers, canonicalText, isFaithful } from "./canonical.ts";
import { CacheKey, type CacheScope } from "./key.ts";

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
  readonly strip: StripVolatile;
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
  /** Null where none but the very same request may have the same answer. */
  lastTurn(rules: SimilarityRules): LastTurn | null;
}

type Members = Readonly<Record<string, unknown>>;

/** Makes the keys of a data folder's caches: by a secret, so that nobody outside can compute or craft them. */
export class Fingerprints {
  readonly #empty: Bun.CryptoHasher;

  constructor(secret: Uint8Array) {
    this.#empty = new Bun.CryptoHasher("sha256", secret);
  }

  /** Of a request's JSON; null where that is no object. */
  of(bytes: Uint8Array, subject: FingerprintSubject): Fingerprint | null {
    const text = Buffer.prototype.toString.call(bytes, "utf8");
    const request = parseObject(text);
    if (request === null) return null;
    const { endpoint, identity, counts_user, strip } = subject;
    const names = Object.keys(request).filter((name) => !NOISE.has(name) && (counts_user || name !== "user"));
    const head = `${JSON.stringify([endpoint, identity])}${isFaithful(text, request) ? "" : text}`;
    const said = strip === null ? request : (stripped(request, strip) as Members);
    const { n, temperature } = request;
    return {
      hash: this.#hash(`=${head}${canonicalMembers(said, names)}`),
      choices: typeof n === "number" ? n : 1,
      temperature: typeof temperature === "number" ? temperature : null,
      lastTurn: (rules) => {
        const last = lastTurnOf(said, rules);
        if (last === null) return null;
        const { text: turn, role, before } = last;
        const others = names.filter((name) => name !== "messages");
        const rest = `~${head}${canonicalMembers(said, others)}${role}${canonicalText(before)}`;
        return { text: turn, rest: this.#hash(rest) };
      },
    };
  }

  /** The key of an answer, or of a neighbourhood, of a scope. */
  key(scope: CacheScope, hash: Uint8Array): CacheKey {
    return new CacheKey(scope, hash);
  }

  #hash(text: string): Uint8Array {
    return this.#empty.copy().update(text).digest();
  }
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
const WRITTEN = ["messages", "prompt", "input"];

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
function lastTurnOf(request: Members, rules: SimilarityRules): SplitChat | null {
  const { messages } = request;
  if (!Array.isArray(messages) || messages.length === 0) return null;
  const last: unknown = messages.at(-1);
  if (!isObject(last) || last["role"] !== "user") return null;
  const before: unknown[] = messages.slice(0, -1);
  const hasTurns = before.some((message) => !isObject(message) || !OPENING_ROLES.has(message["role"]));
  if (hasTurns && !rules.multi_turn) return null;
  const hasTools = TOOL_MEMBERS.some((name) => {
    const tools = request[name];
    return Array.isArray(tools) && tools.length > 0;
  });
  if (hasTools && !rules.tools) return null;
  if (!rules.images && before.some(hasImage)) return null;
  const split = splitContent(last["content"]);
  if (split === null || (split.others.length > 0 && !rules.images)) return null;
  const { content: _content, ...rest } = last;
  return { text: split.text, role: `${canonicalText(rest)}${canonicalText(split.others)}`, before };
}

/** A message's text, and its parts of other kinds; null where there is no text. */
function splitContent(content: unknown): { readonly text: string; readonly others: unknown[] } | null {
  if (typeof content === "string") return content.trim() === "" ? null : { text: content, others: [] };
  if (!Array.isArray(content)) return null;
  const texts: string[] = [];
  const others: unknown[] = [];
  for (const part of content as unknown[]) {
    if (isObject(part) && part["type"] === "text" && typeof part["text"] === "string")
      texts.push(part["text"]);
    else others.push(part);
  }
  const text = texts.join("\n");
  return text.trim() === "" ? null : { text, others };
}

function hasImage(message: unknown): boolean {
  const content = isObject(message) ? message["content"] : null;
  return Array.isArray(content) && content.some((part) => !isObject(part) || part["type"] !== "text");
}
