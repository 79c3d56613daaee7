// What an answer, or an event of one, says in words that are judged, whatever format it is in: as choices of chat completions say it.

import { isFields, list, record } from "../../../dialects/fields.ts";

/** A choice as chat completions have it; of a whole answer the delta is all of it. */
export interface JudgedChoice {
  readonly index: number;
  readonly delta: Readonly<Record<string, unknown>>;
  readonly finish_reason: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** The formats whose answers are judged, by the endpoint that gives them. */
export type JudgedEndpoint = "/chat/completions" | "/responses" | "/messages" | "/generateContent";

/** Whether the answers of an endpoint are judged. */
export function isJudged(endpoint: string | null): endpoint is JudgedEndpoint {
  return endpoint !== null && Object.hasOwn(READERS, endpoint);
}

interface Reader {
  whole(answer: Fields): readonly JudgedChoice[];
  event(event: Fields): readonly JudgedChoice[];
}

const CALLED = { tool_calls: [{}] };

/** The reasons for an end, in chat completions' words. */
const REASONS: Readonly<Record<string, string>> = {
  ...{ end_turn: "stop", stop_sequence: "stop", pause_turn: "stop", completed: "stop", STOP: "stop" },
  ...{ max_tokens: "length", model_context_window_exceeded: "length", max_output_tokens: "length" },
  ...{
    MAX_TOKENS: "length",
    tool_use: "tool_calls",
    refusal: "content_filter",
    content_filter: "content_filter",
  },
};

function reasonOf(word: unknown): string | null {
  if (typeof word !== "string" || word === "") return null;
  // Gemini's other words all say that somebody was in the way.
  return REASONS[word] ?? (/^[A-Z_]+$/.test(word) ? "content_filter" : word);
}

/** One choice; none where nothing is said. */
function choice(delta: Fields, finish_reason: string | null = null, index = 0): readonly JudgedChoice[] {
  return [{ index, delta, finish_reason }];
}

const CHAT: Reader = {
  whole: ({ choices }) =>
    list(choices)
      .filter(isFields)
      .map(({ message, finish_reason, index }, position) => ({
        index: typeof index === "number" ? index : position,
        delta: record(message),
        finish_reason: typeof finish_reason === "string" ? finish_reason : null,
      })),
  event: ({ choices }) =>
    list(choices)
      .filter(isFields)
      .map(({ delta, finish_reason, index }, position) => ({
        index: typeof index === "number" ? index : position,
        delta: record(delta),
        finish_reason: typeof finish_reason === "string" && finish_reason !== "" ? finish_reason : null,
      })),
};

const MESSAGES: Reader = {
  whole: ({ content, stop_reason }) => {
    const blocks = list(content).map(record);
    const texts = blocks.filter(({ type }) => type === "text").map(({ text }) => ({ text }));
    const calls = blocks.some(({ type }) => type === "tool_use");
    return choice({ content: texts, ...(calls ? CALLED : {}) }, reasonOf(stop_reason));
  },
  event: ({ type, delta, content_block }) => {
    switch (type) {
      case "content_block_start": {
        const block = record(content_block);
        if (block["type"] === "tool_use") return choice(CALLED);
        return block["type"] === "text" ? choice({ content: block["text"] }) : [];
      }
      case "content_block_delta": {
        const { type: kind, text } = record(delta);
        return kind === "text_delta" ? choice({ content: text }) : [];
      }
      case "message_delta": {
        const reason = reasonOf(record(delta)["stop_reason"]);
        return reason === null ? [] : choice({}, reason);
      }
      default:
        return [];
    }
  },
};

/** Items of Responses by which the model calls a tool of the client's. */
const CALL_ITEMS: ReadonlySet<unknown> = new Set(["function_call", "custom_tool_call"]);

function endOfResponse({ status, incomplete_details }: Fields): string | null {
  return reasonOf(record(incomplete_details)["reason"] ?? status);
}

const RESPONSES: Reader = {
  whole: (response) => {
    const items = list(response["output"]).map(record);
    const parts = items
      .filter(({ type }) => type === "message")
      .flatMap(({ content }) => list(content).map(record));
    const refusal = parts.find(({ type }) => type === "refusal")?.["refusal"];
    const calls = items.some(({ type }) => CALL_ITEMS.has(type));
    const texts = parts.filter(({ type }) => type === "output_text").map(({ text }) => ({ text }));
    return choice({ content: texts, refusal, ...(calls ? CALLED : {}) }, endOfResponse(response));
  },
  event: ({ type, delta, item, response }) => {
    switch (type) {
      case "response.output_text.delta":
        return choice({ content: delta });
      case "response.refusal.delta":
        return choice({ refusal: delta });
      case "response.output_item.added":
        return CALL_ITEMS.has(record(item)["type"]) ? choice(CALLED) : [];
      case "response.completed":
      case "response.incomplete":
        return choice({}, endOfResponse(record(response)) ?? "stop");
      default:
        return [];
    }
  },
};

function ofCandidates({ candidates }: Fields): readonly JudgedChoice[] {
  return list(candidates)
    .filter(isFields)
    .map(({ content, finishReason, index }, position) => {
      const parts = list(record(content)["parts"]).map(record);
      const texts = parts.filter(({ thought }) => thought !== true).map(({ text }) => ({ text }));
      const calls = parts.some(({ functionCall }) => functionCall !== undefined);
      return {
        index: typeof index === "number" ? index : position,
        delta: { content: texts, ...(calls ? CALLED : {}) },
        finish_reason: reasonOf(finishReason),
      };
    });
}

const READERS: Readonly<Record<JudgedEndpoint, Reader>> = {
  "/chat/completions": CHAT,
  "/responses": RESPONSES,
  "/messages": MESSAGES,
  "/generateContent": { whole: ofCandidates, event: ofCandidates },
};

/** The choices of a whole answer; null where it is none. */
export function choicesOfAnswer(body: Uint8Array, endpoint: JudgedEndpoint): readonly JudgedChoice[] | null {
  const value = parse(body);
  return value === undefined ? null : READERS[endpoint].whole(record(value));
}

/** What an event says of choices; null where it is no JSON. */
export function choicesOfEvent(data: Uint8Array, endpoint: JudgedEndpoint): readonly JudgedChoice[] | null {
  const value = parse(data);
  return value === undefined ? null : READERS[endpoint].event(record(value));
}

/** The value of a JSON text; undefined where it is none. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    return undefined;
  }
}
