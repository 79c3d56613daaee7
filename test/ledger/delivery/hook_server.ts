// Somebody's webhook: it remembers what it was posted, and answers as a test tells it to.

/** How a post is answered. */
export interface HookAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A webhook that listens. */
export class HookServer {
  /** The bodies that were answered with a 2xx, and all. */
  readonly taken: unknown[] = [];
  readonly posted: unknown[] = [];
  /** What is to be answered next; 200 when it is empty. */
  readonly answers: HookAnswer[] = [];
  /** Decides where no answer is given. */
  decide: () => HookAnswer = () => ({ status: 200 });
  readonly #server: Bun.Server<undefined>;
  readonly #waits = new Set<() => void>();

  constructor() {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const body: unknown = await request.json();
        const { status, headers = {} } = this.answers.shift() ?? this.decide();
        this.posted.push(body);
        if (status < 300) this.taken.push(body);
        for (const wait of this.#waits) wait();
        return new Response("ok", { status, headers });
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/hook`;
  }

  /** Waits until a condition on what it has seen holds; fails after a bound. */
  until(condition: () => boolean, most_ms = 15_000): Promise<void> {
    if (condition()) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wait = () => {
      if (condition()) resolve();
    };
    this.#waits.add(wait);
    const timer = setTimeout(
      () =>
        reject(new Error(`not in ${most_ms} ms; taken were ${JSON.stringify(this.taken).slice(0, 2000)}`)),
      most_ms,
    );
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waits.delete(wait);
    });
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }
}
