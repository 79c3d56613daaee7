// Event streams of the admin API that are passed on: they last for as long as somebody listens, but not longer than the gateway.

/** Those that are under way. */
export class RelayedStreams {
  readonly #enders = new Set<() => void>();

  /** Passes a stream on, until it ends, its reader leaves or all are ended. */
  pass(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = stream.getReader();
    const enders = this.#enders;
    let end = () => {};
    return new ReadableStream<Uint8Array>({
      start(controller) {
        end = () => {
          if (!enders.delete(end)) return;
          controller.close();
          void reader.cancel().catch(() => {});
        };
        enders.add(end);
      },
      async pull(controller) {
        const { done, value } = await reader.read().catch(() => ENDED);
        if (!enders.has(end)) return;
        if (done) end();
        else controller.enqueue(value);
      },
      cancel() {
        enders.delete(end);
        return reader.cancel();
      },
    });
  }

  /** Ends all of them. */
  end(): void {
    for (const end of [...this.#enders]) end();
  }
}

const ENDED = { done: true, value: undefined } as const;
