// A collector that answers as a script says, and keeps what it was sent: whatever is no message of OTLP is a failure of the test.

import type * as z from "zod";
import { metrics_request, trace_request } from "./messages.ts";

/** An answer; the usual one takes everything. */
export interface CollectorAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Answers when this does. */
  readonly after?: Promise<unknown>;
}

type Span = z.output<typeof trace_request>["resourceSpans"][number]["scopeSpans"][number]["spans"][number];
type Metric = z.output<
  typeof metrics_request
>["resourceMetrics"][number]["scopeMetrics"][number]["metrics"][number];

/** A collector under test. */
export class Collector {
  readonly headers: Headers[] = [];
  /** Posts of spans, those that were not taken too. */
  posts = 0;
  /** Spans that were taken. */
  readonly spans: Span[] = [];
  /** The newest histograms, by name. */
  readonly metrics = new Map<string, Metric>();
  readonly resources: unknown[] = [];
  readonly faults: string[] = [];
  /** Answers to posts of spans, one after another; then the usual one. */
  readonly answers: CollectorAnswer[] = [];
  readonly #server: Bun.Server<undefined>;
  #changed = Promise.withResolvers<void>();

  constructor(port = 0) {
    this.#server = Bun.serve({ port, hostname: "127.0.0.1", fetch: (request) => this.#take(request) });
  }

  get port(): number {
    return this.#server.port!;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when something holds that is asked after each post. */
  async until(isSo: () => boolean, limit_ms = 20_000): Promise<void> {
    const end = AbortSignal.timeout(limit_ms);
    while (!isSo()) {
      await Promise.race([
        this.#changed.promise,
        new Promise((_, reject) => {
          end.onabort = () => reject(new Error(`not so within ${limit_ms} ms: ${isSo}`));
        }),
      ]);
    }
  }

  stop(): Promise<void> {
    return this.#server.stop(true);
  }

  async #take(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.headers.push(request.headers);
    const body: unknown = await request.json();
    if (request.headers.get("content-type") !== "application/json") this.faults.push("no JSON");
    let answer: CollectorAnswer = {};
    if (pathname === "/v1/traces") {
      answer = this.answers.shift() ?? {};
      this.posts += 1;
      await answer.after;
      const message = trace_request.safeParse(body);
      if (!message.success) this.faults.push(message.error.message);
      else if ((answer.status ?? 200) < 300) {
        for (const { resource, scopeSpans } of message.data.resourceSpans) {
          this.resources.push(resource);
          for (const { spans } of scopeSpans) this.spans.push(...spans);
        }
      }
    } else if (pathname === "/v1/metrics") {
      const message = metrics_request.safeParse(body);
      if (!message.success) this.faults.push(message.error.message);
      else
        for (const { scopeMetrics } of message.data.resourceMetrics)
          for (const { metrics } of scopeMetrics)
            for (const metric of metrics) this.metrics.set(metric.name, metric);
    } else this.faults.push(pathname);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    const { status = 200, headers = {} } = answer;
    return new Response(answer.body ?? "{}", {
      status,
      headers: { "content-type": "application/json", ...headers },
    });
  }
}
