// A connection between two processes of the gateway: values in both directions, whole and in order.

import { BROKEN, FrameReader, frameOf } from "../../inference/frames.ts";
import { Outbox } from "../../inference/outbox.ts";

/** More than any message that the public door lets in. */
const FRAME_MAX_BYTES = 1_100_000_000;
/** What may be on its way to the other process. */
const WAITING_MAX_BYTES = FRAME_MAX_BYTES * 2;

/** One end of a connection. */
export class RelayLink {
  readonly #onValue: (value: unknown) => void;
  readonly #onLost: () => void;
  readonly #reader = new FrameReader(FRAME_MAX_BYTES);
  readonly #outbox = new Outbox(WAITING_MAX_BYTES);
  #socket: Bun.Socket<RelayLink> | null = null;
  #is_cut = false;

  /** @param onLost the other end is gone, or was never there */
  constructor(onValue: (value: unknown) => void, onLost: () => void) {
    this.#onValue = onValue;
    this.#onLost = onLost;
  }

  /** Connects to a socket. What is sent meanwhile waits. */
  connect(path: string): void {
    const lost = () => this.closed();
    Bun.connect<RelayLink>({
      unix: path,
      data: this,
      socket: {
        open: (socket) => this.opened(socket),
        data: (_, bytes) => this.read(bytes),
        drain: () => this.drained(),
        close: lost,
        connectError: lost,
        error() {},
      },
    }).catch(lost);
  }

  opened(socket: Bun.Socket<RelayLink>): void {
    this.#socket = socket;
    if (this.#is_cut) socket.terminate();
    else this.#outbox.open(socket);
  }

  read(bytes: Uint8Array): void {
    // What the values hold must not lie in memory that is used again.
    for (const value of this.#reader.push(Uint8Array.from(bytes))) {
      if (this.#is_cut) return;
      if (value === BROKEN) this.cut();
      else this.#onValue(value);
    }
  }

  drained(): void {
    this.#outbox.drained();
  }

  /** False: too much waits already. */
  send(value: unknown): boolean {
    const frame = frameOf(value, FRAME_MAX_BYTES);
    return frame !== null && this.#outbox.send(frame);
  }

  /** Ends it without a word. */
  cut(): void {
    this.#is_cut = true;
    this.#socket?.terminate();
  }

  /** The connection is gone. */
  closed(): void {
    this.#is_cut = true;
    this.#onLost();
  }
}
