// What a session writes to: a WebSocket of this process', or of another's, that hands the frames on.

/** The way to a client. */
export interface Wire {
  /** Sends a frame: text, or bytes as a binary one. What the client does not take waits in `buffered_bytes`. */
  send(frame: string | Uint8Array): void;
  /** What was sent and waits for the client. */
  readonly buffered_bytes: number;
  /** Frames that are sent in here go out in one piece. */
  batch(send: () => void): void;
  /** @param code of RFC 6455, 7.4.1, and the registry after it */
  close(code: number, reason: string): void;
  /** Cuts it: for a client that would not read of a close either. */
  cut(): void;
}

/** Close codes (RFC 6455, 7.4.1; IANA, WebSocket Close Code Number Registry). */
export const CLOSE = {
  normal: 1000,
  unsupported: 1003,
  /** Never sent: there was no close. */
  abnormal: 1006,
  policy: 1008,
  restart: 1012,
  /** Of the gateway's own range: there is no such session. */
  gone: 4404,
} as const;

/** What is at the gateway's end of a WebSocket. */
export interface SocketSession {
  /** The socket is open. */
  onOpen(wire: Wire): void;
  onMessage(message: string | Uint8Array): void;
  /** The client has taken what waited, or may have. */
  onWritable(): void;
  /** A socket of it is gone; 1006 is no close at all (RFC 6455, 7.1.5). */
  onClosed(wire: Wire, code: number): void;
  /** The gateway stops: says so, and closes when the calls under way are over. */
  goAway(): void;
  /** No new calls any more; whoever has none is closed. */
  leave(): void;
  /** Closes its socket, whatever is under way. */
  close(code: number, reason: string): void;
  /** Nobody will hear it any more. */
  end(): void;
}
