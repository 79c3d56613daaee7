// A client's session of chat completions: any number of calls at once, each known by its id until its last frame is taken.

import { writeUsage } from "../../dialects/openai/chat/write_usage.ts";
import { GatewayError } from "../../errors.ts";
import { dollarsOf } from "../../ledger/dollars.ts";
import type { Call } from "../call.ts";
import { JSON_ENDPOINTS } from "../endpoints.ts";
import { type CallFailure, failureOfEvent, ownFailure } from "./call_failure.ts";
import { callHeaders } from "./call_headers.ts";
import type { Calling, Visitor } from "./calling.ts";
import { type ChatMessage, readChatMessage } from "./chat_message.ts";
import type { Codec } from "./codec.ts";
import type { ReplayLog } from "./replay_log.ts";
import { Session } from "./session.ts";
import { type AnswerWriter, SocketCall } from "./socket_call.ts";
import { CLOSE, type Wire } from "./wire.ts";

const ENDPOINT = JSON_ENDPOINTS.get("/chat/completions")!;

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
export class ChatSession extends Session {
  /** What a message that asks for another session gets; null: nothing. */
  resume: Resume | null = null;
  readonly #resumption: Resumption | null;
  readonly #calls = new Map<string, SocketCall>();
  #holding: ReturnType<typeof setTimeout> | null = null;

  constructor(visitor: Visitor, codec: Codec, calling: Calling, resumption: Resumption | null = null) {
    super(visitor, codec, calling, resumption?.log ?? null);
    this.#resumption = resumption;
  }

  override onOpen(wire: Wire): void {
    this.wire = wire;
    this.outbox.attach(wire, this.codec, this.#greeting(false));
  }

  /**
   * Its client is back, and has got all frames up to `seq`. False: what it misses is not kept any more.
   * A socket that it still has is one that the client has given up.
   */
  rejoin(wire: Wire, codec: Codec, seq: number): boolean {
    const missed = this.#resumption?.log.after(seq) ?? null;
    if (missed === null) return false;
    this.#letGo();
    const before = this.wire;
    this.wire = wire;
    before?.cut();
    this.codec = codec;
    this.outbox.attach(wire, codec, [...this.#greeting(true), ...missed]);
    return true;
  }

  override onClosed(wire: Wire, code: number): void {
    const is_held = this.#resumption !== null && code === CLOSE.abnormal && !this.is_leaving;
    if (!is_held) {
      super.onClosed(wire, code);
      return;
    }
    if (wire !== this.wire) return;
    this.wire = null;
    this.outbox.detach();
    this.#holding = setTimeout(() => this.end(), this.#resumption!.hold_ms).unref();
  }

  goAway(): void {
    const { drain_ms } = this.calling.plan.listen;
    this.say({ event: "goaway", data: { drain_ms } });
  }

  /** Nobody hears any more: its calls are over. */
  end(): void {
    for (const call of [...this.#calls.values()]) call.cancel();
    this.#calls.clear();
    this.#letGo();
    this.#resumption?.log.clear();
    this.#resumption?.forget();
  }

  protected get call_count(): number {
    return this.#calls.size;
  }

  protected hear(bytes: Uint8Array): void {
    const message = readChatMessage(bytes);
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

  protected refuseMessage(error: GatewayError): void {
    this.#refuse(null, error);
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

  #begin({ id, body, headers }: Extract<ChatMessage, { kind: "call" }>): void {
    const refusal = this.#calls.has(id) ? idInUse() : this.refusalOf(body.length);
    const fields = refusal ?? callHeaders(this.visitor.headers, headers);
    if (fields instanceof GatewayError) {
      this.#refuse(id, fields);
      return;
    }
    const call = this.calling.makeCall(new Request(this.visitor.url, { method: "POST", headers: fields }));
    call.given_body = body;
    const queue = this.outbox.queue();
    const writer = new ChatWriter(
      id,
      (frame) => queue.push(frame),
      () => this.#ended(id),
    );
    const socket_call = new SocketCall(call, queue, writer);
    this.#calls.set(id, socket_call);
    void socket_call.take(this.calling.answer(call, ENDPOINT));
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
      this.closeIfIdle();
    });
  }
}

function idInUse(): GatewayError {
  return new GatewayError("id_in_use", "A call with this id is under way on this socket.", { param: "id" });
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

  refusal(): null {
    return null;
  }

  failureOf(data: Uint8Array): CallFailure {
    return failureOfEvent(data);
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
