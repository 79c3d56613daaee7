// A client's session of chat completions: any number of calls at once, each known by its id until its last frame is taken.

import { writeUsage } from "../../dialects/openai/chat/write_usage.ts";
import { GatewayError } from "../../errors.ts";
import { dollarsOf } from "../../ledger/dollars.ts";
import type { Call } from "../call.ts";
import { JSON_ENDPOINTS } from "../endpoints.ts";
import { draining } from "../pipeline.ts";
import { type CallFailure, ownFailure } from "./call_failure.ts";
import { callHeaders } from "./call_headers.ts";
import type { Calling, Visitor } from "./calling.ts";
import { type ChatMessage, readChatMessage } from "./chat_message.ts";
import type { Codec } from "./codec.ts";
import { Outbox } from "./outbox.ts";
import type { ReplayLog } from "./replay_log.ts";
import { type AnswerWriter, SocketCall } from "./socket_call.ts";
import { CLOSE, type SocketSession, type Wire } from "./wire.ts";

const ENDPOINT = JSON_ENDPOINTS.get("/chat/completions")!;
/** With so much waiting for a client that does not read, it begins no more calls; characters. */
const WAITING_MAX_CHARS = 4 * 1024 * 1024;

/** A session. */
export class ChatSession implements SocketSession {
  readonly outbox: Outbox;
  readonly visitor: Visitor;
  readonly #calling: Calling;
  readonly #calls = new Map<string, SocketCall>();
  #codec: Codec;
  #wire: Wire | null = null;
  #is_leaving = false;

  constructor(visitor: Visitor, codec: Codec, calling: Calling, log: ReplayLog | null = null) {
    this.visitor = visitor;
    this.#codec = codec;
    this.#calling = calling;
    this.outbox = new Outbox(codec, log);
  }

  onOpen(wire: Wire): void {
    this.#wire = wire;
    this.outbox.attach(wire, this.#codec);
  }

  onMessage(message: string | Uint8Array): void {
    const bytes = this.#codec.decode(message);
    if (bytes === null) this.close(CLOSE.unsupported, "binary frames are for venturi.msgpack");
    else if (bytes instanceof GatewayError) this.#refuse(null, bytes);
    else this.#hear(readChatMessage(bytes));
    this.outbox.pump();
  }

  onWritable(): void {
    this.outbox.pump();
  }

  onClosed(wire: Wire, _code: number): void {
    if (wire !== this.#wire) return;
    this.#wire = null;
    this.outbox.detach();
    this.end();
  }

  goAway(): void {
    const { drain_ms } = this.#calling.plan.listen;
    this.say({ event: "goaway", data: { drain_ms } });
  }

  leave(): void {
    this.#is_leaving = true;
    this.#closeIfIdle();
  }

  close(code: number, reason: string): void {
    this.#wire?.close(code, reason);
  }

  /** Nobody hears any more: its calls are over. */
  end(): void {
    for (const call of [...this.#calls.values()]) call.cancel();
    this.#calls.clear();
    this.outbox.log?.clear();
  }

  /** Says something that belongs to no call. */
  say(frame: unknown): void {
    if (!this.outbox.say(JSON.stringify(frame))) this.#wire?.cut();
  }

  #hear(message: ChatMessage): void {
    switch (message.kind) {
      case "fault":
        this.#refuse(message.id, message.error);
        break;
      case "cancel":
        // One that is over by now is no mistake.
        this.#calls.get(message.id)?.cancel();
        break;
      case "call":
        this.#begin(message);
    }
  }

  #begin({ id, body, headers }: Extract<ChatMessage, { kind: "call" }>): void {
    const refusal = this.#refusalOf(id, body);
    const fields = refusal ?? callHeaders(this.visitor.headers, headers);
    if (fields instanceof GatewayError) {
      this.#refuse(id, fields);
      return;
    }
    const call = this.#calling.makeCall(new Request(this.visitor.url, { method: "POST", headers: fields }));
    call.given_body = body;
    const queue = this.outbox.queue();
    const socket_call = new SocketCall(
      call,
      queue,
      new ChatWriter(
        id,
        (frame) => queue.push(frame),
        () => this.#ended(id),
      ),
    );
    this.#calls.set(id, socket_call);
    void socket_call.take(this.#calling.answer(call, ENDPOINT));
  }

  #refusalOf(id: string, body: Uint8Array): GatewayError | null {
    const { websocket, max_body_bytes } = this.#calling.plan.listen;
    if (this.#calls.has(id)) {
      return new GatewayError("id_in_use", "A call with this id is under way on this socket.", {
        param: "id",
      });
    }
    if (this.#is_leaving) return draining();
    if (body.length > max_body_bytes) {
      return new GatewayError(
        "body_too_large",
        `The request is larger than the ${max_body_bytes} bytes that this gateway takes (listen.max_body_bytes).`,
      );
    }
    if (this.#calls.size >= websocket.max_calls) {
      const message = `A socket may have ${websocket.max_calls} calls at once (listen.websocket.max_calls), and this one has.`;
      return new GatewayError("rate_limit_exceeded", message, { retry_after_ms: 1_000 });
    }
    if (this.outbox.waiting_chars > WAITING_MAX_CHARS) {
      const message = "Too much that was answered on this socket waits to be read. Read it first.";
      return new GatewayError("rate_limit_exceeded", message, { retry_after_ms: 1_000 });
    }
    return null;
  }

  #refuse(id: string | null, error: GatewayError): void {
    this.say({ id, event: "error", data: ownFailure(error) });
  }

  /** A call has said its last word: its id is free when the client has taken it. */
  #ended(id: string): void {
    const call = this.#calls.get(id);
    call?.queue.whenEmpty(() => {
      if (this.#calls.get(id) !== call) return;
      this.#calls.delete(id);
      if (this.#is_leaving) this.#closeIfIdle();
    });
  }

  #closeIfIdle(): void {
    if (this.#calls.size === 0) this.close(CLOSE.restart, "the gateway is restarting");
  }
}

/** Writes a call's frames. */
class ChatWriter implements AnswerWriter {
  readonly #id_json: string;
  readonly #chunk_start: string;
  readonly #push: (frame: string) => void;
  readonly #onEnd: () => void;

  constructor(id: string, push: (frame: string) => void, onEnd: () => void) {
    this.#id_json = JSON.stringify(id);
    this.#chunk_start = `{"id":${this.#id_json},"event":"chunk","data":`;
    this.#push = push;
    this.#onEnd = onEnd;
  }

  part(data: string): void {
    this.#push(`${this.#chunk_start}${data}}`);
  }

  done({ usage, cost_nano_usd }: Call, headers: Readonly<Record<string, string>>): void {
    const told = {
      usage: usage === null ? null : writeUsage(usage),
      cost_usd: cost_nano_usd === null ? null : Number(dollarsOf(cost_nano_usd)),
      headers,
    };
    this.#end("done", told);
  }

  failed(failure: CallFailure): void {
    this.#end("error", failure);
  }

  #end(event: "done" | "error", data: unknown): void {
    this.#push(`{"id":${this.#id_json},"event":"${event}","data":${JSON.stringify(data)}}`);
    this.#onEnd();
  }
}
