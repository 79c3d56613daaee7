// What all sessions have in common: a way out, a way in, and the end when the gateway stops.

import { GatewayError } from "../../errors.ts";
import type { Calling, Visitor } from "./calling.ts";
import type { Codec } from "./codec.ts";
import { Outbox } from "./outbox.ts";
import type { ReplayLog } from "./replay_log.ts";
import { CLOSE, type SocketSession, type Wire } from "./wire.ts";

/** With so much waiting for a client that does not read, it begins no more calls; characters. */
const WAITING_MAX_CHARS = 4 * 1024 * 1024;

/** A session whose messages are JSON, or the same in MessagePack. */
export abstract class Session implements SocketSession {
  readonly visitor: Visitor;
  protected readonly outbox: Outbox;
  protected readonly calling: Calling;
  protected codec: Codec;
  protected wire: Wire | null = null;
  protected is_leaving = false;

  constructor(visitor: Visitor, codec: Codec, calling: Calling, log: ReplayLog | null = null) {
    this.visitor = visitor;
    this.codec = codec;
    this.calling = calling;
    this.outbox = new Outbox(codec, log);
  }

  /** A message, as the bytes of JSON. */
  protected abstract hear(message: Uint8Array): void;
  /** What cannot be read, so that nobody knows what it was for. */
  protected abstract refuseMessage(error: GatewayError): void;
  /** How many calls are under way, or wait for their turns. */
  protected abstract get call_count(): number;
  abstract goAway(): void;
  abstract end(): void;

  onOpen(wire: Wire): void {
    this.wire = wire;
    this.outbox.attach(wire, this.codec);
  }

  onMessage(message: string | Uint8Array): void {
    const bytes = this.codec.decode(message);
    if (bytes === null) this.close(CLOSE.unsupported, "binary frames are for venturi.msgpack");
    else if (bytes instanceof GatewayError) this.refuseMessage(bytes);
    else this.hear(bytes);
    this.outbox.pump();
  }

  onWritable(): void {
    this.outbox.pump();
  }

  onClosed(wire: Wire, _code: number): void {
    if (wire !== this.wire) return;
    this.wire = null;
    this.outbox.detach();
    this.end();
  }

  leave(): void {
    this.is_leaving = true;
    this.closeIfIdle();
  }

  close(code: number, reason: string): void {
    this.wire?.close(code, reason);
  }

  /** Says something that belongs to no call. */
  protected say(frame: unknown): void {
    if (!this.outbox.say(JSON.stringify(frame))) this.wire?.cut();
  }

  protected closeIfIdle(): void {
    if (this.is_leaving && this.call_count === 0) this.close(CLOSE.restart, "the gateway is restarting");
  }

  /** Why no call can begin with so large a request; null: one can. */
  protected refusalOf(request_bytes: number): GatewayError | null {
    const { websocket, max_body_bytes } = this.calling.plan.listen;
    if (this.is_leaving) return stopping();
    if (request_bytes > max_body_bytes) {
      const message = `The request is larger than the ${max_body_bytes} bytes that this gateway takes (listen.max_body_bytes).`;
      return new GatewayError("body_too_large", message);
    }
    if (this.call_count >= websocket.max_calls) {
      return new GatewayError(
        "rate_limit_exceeded",
        `A socket may have ${websocket.max_calls} calls at once (listen.websocket.max_calls), and this one has.`,
        { retry_after_ms: 1_000 },
      );
    }
    if (this.outbox.waiting_chars > WAITING_MAX_CHARS) {
      const message = "Too much that was answered on this socket waits to be read. Read it first.";
      return new GatewayError("rate_limit_exceeded", message, { retry_after_ms: 1_000 });
    }
    return null;
  }
}

function stopping(): GatewayError {
  const message = "This gateway is stopping. Open another socket, and ask there.";
  return new GatewayError("unavailable", message, { retry_after_ms: 1_000 });
}
