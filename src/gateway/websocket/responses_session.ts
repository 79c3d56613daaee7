// A client's session of Responses: one response after another, in each stream of turns that it names, and a memory of the last ones.

import { isFields } from "../../dialects/fields.ts";
import type { Fields } from "../../dialects/responses/own.ts";
import { GatewayError } from "../../errors.ts";
import { parseExact } from "../../wire/exact_json.ts";
import { type JsonObjectScan, readString } from "../../wire/json.ts";
import type { Call } from "../call.ts";
import { JSON_ENDPOINTS } from "../endpoints.ts";
import { type CallFailure, ownFailure } from "./call_failure.ts";
import { ResponseMemory } from "./response_memory.ts";
import { readTurn, type Turn } from "./responses_message.ts";
import { Session } from "./session.ts";
import { type AnswerWriter, SocketCall } from "./socket_call.ts";

const ENDPOINT = JSON_ENDPOINTS.get("/responses")!;
/** Streams of turns that a connection may have, as at OpenAI. */
const STREAMS_MAX = 33;
/** Events that complete a response. */
const ENDINGS: ReadonlySet<string | null> = new Set(["response.completed", "response.incomplete"]);

/** The turns of one stream. */
interface TurnStream {
  running: SocketCall | null;
  readonly waiting: Turn[];
}

/** A session. */
export class ResponsesSession extends Session {
  readonly #streams = new Map<string | null, TurnStream>();
  readonly #memory = new ResponseMemory();
  #call_count = 0;

  protected get call_count(): number {
    return this.#call_count;
  }

  /** OpenAI's protocol has no word for it: the close that follows says enough. */
  goAway(): void {}

  end(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { running } of streams) running?.cancel();
  }

  protected hear(message: Uint8Array): void {
    const turn = readTurn(message);
    if ("error" in turn) {
      this.#tell(turn.stream_id, ownFailure(turn.error));
      return;
    }
    const { stream_id } = turn;
    const refusal = this.refusalOf(message.length) ?? this.#streamRefusal(stream_id);
    if (refusal !== null) {
      this.#tell(stream_id, ownFailure(refusal));
      return;
    }
    let stream = this.#streams.get(stream_id);
    if (stream === undefined) {
      stream = { running: null, waiting: [] };
      this.#streams.set(stream_id, stream);
    }
    this.#call_count += 1;
    stream.waiting.push(turn);
    if (stream.running === null) this.#next(stream);
  }

  protected refuseMessage(error: GatewayError): void {
    this.#tell(null, ownFailure(error));
  }

  #streamRefusal(stream_id: string | null): GatewayError | null {
    if (this.#streams.has(stream_id) || this.#streams.size < STREAMS_MAX) return null;
    const message = `A connection may have ${STREAMS_MAX - 1} streams of turns that are named.`;
    return new GatewayError("rate_limit_exceeded", message, { param: "stream_id" });
  }

  /** Begins the turns that wait, up to the first that takes time. */
  #next(stream: TurnStream): void {
    for (let turn = stream.waiting.shift(); turn !== undefined; turn = stream.waiting.shift()) {
      if (turn.generates) {
        if (this.#begin(stream, turn)) return;
      } else this.#warmUp(turn);
      this.#call_count -= 1;
    }
    this.closeIfIdle();
  }

  /** False: it is over. */
  #begin(stream: TurnStream, { stream_id, body: given }: Turn): boolean {
    const body = this.#withPrevious(given);
    const bytes = body === null ? null : Buffer.from(JSON.stringify(body));
    const { max_body_bytes } = this.calling.plan.listen;
    if (body === null || bytes === null || bytes.length > max_body_bytes) {
      const message = `With what was before it, the request is larger than the ${max_body_bytes} bytes that this gateway takes.`;
      this.#tell(
        stream_id,
        body === null ? notFound() : ownFailure(new GatewayError("body_too_large", message)),
      );
      return false;
    }
    const call = this.calling.makeCall(
      new Request(this.visitor.url, { method: "POST", headers: this.visitor.headers }),
    );
    call.given_body = bytes;
    const queue = this.outbox.queue();
    const writer = new ResponsesWriter({
      push: (event) => queue.push(marked(event, stream_id)),
      keep: (response) => this.#memory.keep(stream_id, body, response),
      tell: (failure) => queue.push(marked(errorEvent(failure), stream_id)),
      // The next turn waits until the client has got this one.
      end: () => queue.whenEmpty(() => this.#ended(stream)),
    });
    stream.running = new SocketCall(call, queue, writer);
    void stream.running.take(this.calling.answer(call, ENDPOINT));
    return true;
  }

  #ended(stream: TurnStream): void {
    stream.running = null;
    this.#call_count -= 1;
    this.#next(stream);
  }

  /**
   * A request with what was before it, where that is held. Where it is not, a provider that keeps responses may know it; null: none
   * can, since none keeps any.
   */
  #withPrevious(body: Fields): Fields | null {
    if ((body["previous_response_id"] ?? null) === null) return body;
    return this.#memory.expand(body) ?? (body["store"] === false ? null : body);
  }

  /** Remembers a request and answers with a response that says nothing, to go on with. */
  #warmUp({ stream_id, body: given }: Turn): void {
    const body = this.#withPrevious(given);
    if (body === null) {
      this.#tell(stream_id, notFound());
      return;
    }
    const response = emptyResponse(given);
    this.#memory.keep(stream_id, body, response);
    const queue = this.outbox.queue();
    for (const [sequence_number, type] of ["response.created", "response.completed"].entries()) {
      const status = sequence_number === 0 ? "in_progress" : "completed";
      const event = { type, sequence_number, response: { ...response, status } };
      queue.push(marked(JSON.stringify(event), stream_id));
    }
  }

  #tell(stream_id: string | null, failure: CallFailure): void {
    this.say({ ...(stream_id === null ? {} : { stream_id }), type: "error", ...failure });
  }
}

/** What a turn's answer is written with. */
interface TurnPen {
  push(event: string): void;
  keep(response: Fields): void;
  tell(failure: CallFailure): void;
  end(): void;
}

/** Writes a response's events as they are. */
class ResponsesWriter implements AnswerWriter {
  readonly #pen: TurnPen;

  constructor(pen: TurnPen) {
    this.#pen = pen;
  }

  refusal({ dropped }: Call): CallFailure | null {
    // Whoever answers does so without what was before.
    return dropped.includes("previous_response_id") ? notFound() : null;
  }

  part(data: string, scan: JsonObjectScan): void {
    const type = scan.find("type");
    if (type !== null && ENDINGS.has(readString(scan.bytes, type))) {
      const event = parseExact(scan.bytes);
      const response = isFields(event) ? event["response"] : null;
      if (isFields(response)) this.#pen.keep(response);
    }
    this.#pen.push(data);
  }

  /** An event of an error is one like others. */
  failureOf(): null {
    return null;
  }

  done(): void {
    this.#pen.end();
  }

  failed(failure: CallFailure): void {
    this.#pen.tell(failure);
    this.#pen.end();
  }
}

function errorEvent(failure: CallFailure): string {
  return JSON.stringify({ type: "error", ...failure });
}

/** An event of a stream of turns that has a name. */
function marked(event: string, stream_id: string | null): string {
  if (stream_id === null) return event;
  return `{"stream_id":${JSON.stringify(stream_id)},${event.slice(event.indexOf("{") + 1)}`;
}

function notFound(): CallFailure {
  const message = "The response to go on with is not known here. Send all that was before it instead.";
  return ownFailure(
    new GatewayError("previous_response_not_found", message, { param: "previous_response_id" }),
  );
}

/** A response that has nothing to say (OpenAI API reference, "The response object"). */
function emptyResponse(body: Fields): Fields {
  const nothing = {
    ...{ input_tokens: 0, input_tokens_details: { cached_tokens: 0 } },
    ...{ output_tokens: 0, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 0 },
  };
  return {
    ...{ id: `resp_${crypto.randomUUID().replaceAll("-", "")}`, object: "response" },
    created_at: Math.floor(Date.now() / 1_000),
    ...{
      background: false,
      error: null,
      incomplete_details: null,
      instructions: body["instructions"] ?? null,
    },
    ...{ metadata: body["metadata"] ?? {}, model: body["model"] ?? null, output: [] },
    parallel_tool_calls: body["parallel_tool_calls"] ?? true,
    previous_response_id: body["previous_response_id"] ?? null,
    ...{
      store: body["store"] ?? true,
      tool_choice: body["tool_choice"] ?? "auto",
      tools: body["tools"] ?? [],
    },
    usage: nothing,
  };
}
