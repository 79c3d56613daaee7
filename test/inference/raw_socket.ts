// A connection to a socket on which a test says what it likes.

import { FrameReader, frameOf } from "../../src/inference/frames.ts";
import { until } from "../until.ts";

/** An open connection. */
export class RawSocket {
  /** The values of all frames that came. */
  readonly heard: unknown[] = [];
  is_closed = false;
  readonly #socket: Bun.Socket<undefined>;

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  static async open(path: string): Promise<RawSocket> {
    const reader = new FrameReader();
    let raw: RawSocket | null = null;
    const early: Uint8Array[] = [];
    const socket = await Bun.connect<undefined>({
      unix: path,
      socket: {
        data(_, bytes) {
          if (raw === null) early.push(bytes);
          else raw.heard.push(...reader.push(bytes));
        },
        close() {
          if (raw !== null) raw.is_closed = true;
        },
      },
    });
    raw = new RawSocket(socket);
    for (const bytes of early) raw.heard.push(...reader.push(bytes));
    return raw;
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends values, each in a frame, all in one piece. */
  send(...values: readonly unknown[]): void {
    this.write(Buffer.concat(values.map((value) => frameOf(value)!)));
  }

  /** Resolves with what was heard when it is so much. */
  async hear(count: number): Promise<readonly unknown[]> {
    await until(() => this.heard.length >= count);
    return this.heard;
  }

  /** Resolves when the other side has closed it. */
  closed(): Promise<void> {
    return until(() => this.is_closed);
  }

  pause(): void {
    this.#socket.pause();
  }

  end(): void {
    this.#socket.terminate();
  }
}
