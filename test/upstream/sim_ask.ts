// Asks the simulator and collects what it tells, for tests.
// Each ask has a client of its own: nothing may depend on what was asked before.

import type {
  ExchangeHandler,
  UpstreamError,
  UpstreamHead,
  UpstreamRequest,
} from "../../src/upstream/exchange.ts";
import { createSimClient } from "../../src/upstream/sim/client.ts";

/** What an exchange told, in the end. */
export interface Told {
  readonly status: number;
  readonly headers: UpstreamHead["headers"] | null;
  readonly text: string;
  /** As they came. */
  readonly pieces: readonly Uint8Array[];
  readonly error: UpstreamError | null;
}

/** A request of the simulator. What is neither bytes nor a body of another kind is sent as JSON; null is GET. */
export function simRequest(
  path: string,
  body: unknown,
  timeouts: Partial<UpstreamRequest["timeouts"]> = {},
): UpstreamRequest {
  return {
    origin: { tls: false, host: "sim", port: 80 },
    pool: "sim#0",
    method: body === null ? "GET" : "POST",
    path,
    headers: [],
    body: body === null ? null : [Buffer.from(typeof body === "string" ? body : JSON.stringify(body))],
    timeouts: { connect_ms: 0, first_byte_ms: 0, idle_ms: 0, total_ms: 0, ...timeouts },
  };
}

/** Sends a request and waits for its end. */
export function askRequest(request: UpstreamRequest): Promise<Told> {
  const { promise, resolve } = Promise.withResolvers<Told>();
  let head: UpstreamHead | null = null;
  const pieces: Uint8Array[] = [];
  const finish = (error: UpstreamError | null): void =>
    resolve({
      status: head?.status ?? 0,
      headers: head?.headers ?? null,
      text: Buffer.concat(pieces).toString(),
      pieces,
      error,
    });
  const handler: ExchangeHandler = {
    onHead: (told) => {
      head = told;
    },
    onData: (piece) => pieces.push(piece),
    onEnd: () => finish(null),
    onError: finish,
  };
  createSimClient().exchange(request, handler);
  return promise;
}

/** Sends a JSON body (null: GET) and waits for the end. */
export function ask(path: string, body: unknown): Promise<Told> {
  return askRequest(simRequest(path, body));
}

/** A chat completion, as far as tests look into it. */
export interface ChatBody {
  readonly id: string;
  readonly choices: readonly {
    readonly index: number;
    readonly finish_reason: string | null;
    readonly message: {
      readonly content: string | null;
      readonly tool_calls?: readonly {
        readonly id: string;
        readonly function: { readonly name: string; readonly arguments: string };
      }[];
    };
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
  };
}

/** A chat request's answer. */
export async function askChat(body: Record<string, unknown>): Promise<ChatBody> {
  const told = await ask("/v1/chat/completions", body);
  if (told.status !== 200 || told.error !== null) throw new Error(`${told.status} ${told.text}`);
  return JSON.parse(told.text) as ChatBody;
}

/** The data of a stream's events, `[DONE]` included; throws where the framing is not that of server-sent events. */
export function eventData(text: string): string[] {
  const events = text.split("\n\n");
  if (events.pop() !== "") throw new Error("the stream does not end with an event");
  return events.map((event) => {
    if (!event.startsWith("data: ") || event.includes("\n"))
      throw new Error(`not one event of one line: ${event}`);
    return event.slice("data: ".length);
  });
}

/** A chunk of a chat's stream, as far as tests look into it. */
export interface ChunkBody {
  readonly id: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string | null;
      readonly tool_calls?: readonly {
        readonly id?: string;
        readonly function: { readonly name?: string; readonly arguments: string };
      }[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly total_tokens: number } | null;
}

/** The chunks of a streamed chat; throws where `[DONE]` is missing. */
export async function askStream(body: Record<string, unknown>): Promise<ChunkBody[]> {
  const told = await ask("/v1/chat/completions", { ...body, stream: true });
  const data = eventData(told.text);
  if (data.pop() !== "[DONE]") throw new Error("the stream does not end with [DONE]");
  return data.map((item) => JSON.parse(item) as ChunkBody);
}

/** The text that a stream's chunks of one choice make. */
export function streamedText(chunks: readonly ChunkBody[], index = 0): string {
  return chunks
    .map((chunk) => chunk.choices.find((choice) => choice.index === index)?.delta.content ?? "")
    .join("");
}
