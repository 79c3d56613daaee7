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

/** What makes a session one that a client can come back to. */
export interface Resumption {
  readonly token: string;
  /** How long it outlives its socket. */
  readonly hold_ms: number;
  readonly log: ReplayLog;
  /** The session has ended. */
  forget(): void;
}

/** Goes on with the session of a token, in place of the one that was asked. */
export type Resume = (token: string, seq: number) => void;

/** A session. */
export class ChatSession implements SocketSession {
  readonly outbox: Outbox;
  readonly visitor: Visitor;
  readonly #calling: Calling;
  readonly #calls = new Map<string, SocketCall>();
  #codec: Codec;
  readonly #resumption: Resumption | null;
  /** What a message that asks for another session gets; null: nothing. */
  resume: Resume | null = null;
  #wire: Wire | null = null;
  #is_leaving = false;
  #holding: ReturnType<typeof setTimeout> | null = null;

  constructor(visitor: Visitor, codec: Codec, calling: Calling, resumption: Resumption | null = null) {
    this.visitor = visitor;
    this.#codec = codec;
    this.#calling = calling;
    this.#resumption = resumption;
    this.outbox = new Outbox(codec, resumption?.log ?? null);
  }

  onOpen(wire: Wire): void {
    this.#wire = wire;
    this.outbox.attach(wire, this.#codec, this.#greeting(false));
  }

  /**
   * Its client is back, and has got all frames up to `seq`. False: what it misses is not kept any more.
   * A socket that it still has is one that the client has given up.
   */
  rejoin(wire: Wire, codec: Codec, seq: number): boolean {
    const missed = this.#resumption?.log.after(seq) ?? null;
    if (missed === null) return false;
    this.#letGo();
    const before = this.#wire;
    this.#wire = wire;
    before?.cut();
    this.#codec = codec;
    this.outbox.attach(wire, codec, [...this.#greeting(true), ...missed]);
    return true;
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

  onClosed(wire: Wire, code: number): void {
    if (wire !== this.#wire) return;
    this.#wire = null;
    this.outbox.detach();
    if (this.#resumption === null || code !== CLOSE.abnormal || this.#is_leaving) this.end();
    else this.#holding = setTimeout(() => this.end(), this.#resumption.hold_ms).unref();
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
    this.#letGo();
    this.#resumption?.log.clear();
    this.#resumption?.forget();
  }

  #letGo(): void {
    if (this.#holding !== null) clearTimeout(this.#holding);
    this.#holding = null;
  }

  /** What a session that can be resumed begins with. */
  #greeting(resumed: boolean): string[] {
    if (this.#resumption === null) return [];
    const { token, hold_ms, log } = this.#resumption;
    const data = { resume: token, resume_ms: hold_ms, resumed, seq: log.last_seq };
    return [JSON.stringify({ event: "session", data })];
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
      case "resume":
        this.resume?.(message.token, message.seq);
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
