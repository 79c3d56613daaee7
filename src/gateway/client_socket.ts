// A client's WebSocket, as those see it who speak with the client: what they hear of it, and what they may do.

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

/**
 * What the server does with its WebSockets: those of sessions that are relayed, and those of calls, which have a door of their own.
 * @param onCount hears how many are open
 */
export function socketHandlers<Calls extends object>(
  calls: Bun.WebSocketHandler<Calls>,
  onCount: (open: number) => void,
): Bun.WebSocketHandler<Calls | SocketSession> {
  const { open, message, drain, close, ...settings } = calls;
  let count = 0;
  const asCalls = (socket: Socket<Calls>) => socket as Bun.ServerWebSocket<Calls>;
  return {
    ...settings,
    open: (socket) => {
      onCount(++count);
      const { data } = socket;
      if (isSession(data)) data.onOpen(new OpenSocket(socket as Bun.ServerWebSocket<SocketSession>));
      else void open?.(asCalls(socket));
    },
    message: (socket, said) => {
      const { data } = socket;
      if (isSession(data)) data.onMessage(said);
      else void message?.(asCalls(socket), said);
    },
    drain: (socket) => {
      const { data } = socket;
      if (isSession(data)) data.onWritable();
      else void drain?.(asCalls(socket));
    },
    close: (socket, code, reason) => {
      onCount(--count);
      const { data } = socket;
      if (isSession(data)) data.onClosed(code, reason);
      else void close?.(asCalls(socket), code, reason);
    },
  };
}

type Socket<Calls extends object> = Bun.ServerWebSocket<Calls | SocketSession>;

function isSession(data: object): data is SocketSession {
  return "onMessage" in data;
}
