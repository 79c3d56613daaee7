// A client's WebSocket, as those see it who speak with the client: what they hear of it, and what they may do.

import type { ListenPlan } from "../config/plan.ts";

/** Seconds without a sign of life after which a client is gone; it is asked for one before. */
const GONE_AFTER_S = 120;

/** The way to a client. */
export interface ClientSocket {
  /** Sends a message. What the client does not take waits. */
  send(message: string | Uint8Array): void;
  /** What waits for the client. */
  readonly buffered_bytes: number;
  /** @param code of RFC 6455, 7.4.1; 1005 for none */
  close(code: number, reason: string): void;
}

/** Hears of a client's WebSocket: `onOpen` first, `onClosed` last. */
export interface SocketSession {
  onOpen(socket: ClientSocket): void;
  onMessage(message: string | Uint8Array): void;
  /** The client has taken some of what waited. */
  onWritable(): void;
  /** 1005 where it gave no code, 1006 where the connection broke. */
  onClosed(code: number, reason: string): void;
}

const NO_CODE = 1005;

class OpenSocket implements ClientSocket {
  readonly #socket: Bun.ServerWebSocket<SocketSession>;

  constructor(socket: Bun.ServerWebSocket<SocketSession>) {
    this.#socket = socket;
  }

  send(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  get buffered_bytes(): number {
    return this.#socket.getBufferedAmount();
  }

  close(code: number, reason: string): void {
    if (code === NO_CODE) this.#socket.close();
    else this.#socket.close(code, reason);
  }
}

/** What the server does with its WebSockets. */
export function socketHandlers({ websocket, realtime }: ListenPlan) {
  const { max_message_bytes } = websocket;
  return {
    maxPayloadLength: max_message_bytes,
    // Whoever sends looks at what waits; a message is never left out in silence.
    backpressureLimit: realtime.max_buffered_bytes + 2 * max_message_bytes,
    closeOnBackpressureLimit: true,
    idleTimeout: GONE_AFTER_S,
    sendPings: true,
    open: (socket: Bun.ServerWebSocket<SocketSession>) => socket.data.onOpen(new OpenSocket(socket)),
    message: (socket: Bun.ServerWebSocket<SocketSession>, message: string | Uint8Array) =>
      socket.data.onMessage(message),
    drain: (socket: Bun.ServerWebSocket<SocketSession>) => socket.data.onWritable(),
    close: (socket: Bun.ServerWebSocket<SocketSession>, code: number, reason: string) =>
      socket.data.onClosed(code, reason),
  };
}
