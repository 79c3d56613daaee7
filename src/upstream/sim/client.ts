// The in-process provider as an `UpstreamClient`: it reads the request, works out the answer and tells it.
// It keeps the same promises as a client with a socket: order, pause, abort, time limits, bounded work at a time.

import {
  type Exchange,
  type ExchangeHandler,
  type ExchangeTimes,
  FieldList,
  type UploadBody,
  type UpstreamClient,
  UpstreamError,
  type UpstreamFailure,
  type UpstreamRequest,
} from "../exchange.ts";
import type { Answer, AnswerPart } from "./answer.ts";

/** A larger request is answered 413; bytes. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** Parts told before other work gets its turn on the event loop. */
const PARTS_A_TURN = 64;

/** What works out answers: loaded with the first call, since a gateway with real providers never needs it. */
let endpoints: typeof import("./endpoints.ts") | null = null;

/** Makes the client of the `sim` provider. It needs no network; origin, pool and header fields mean nothing to it. */
export function createSimClient(): UpstreamClient {
  return {
    exchange: (request, handler) => new SimExchange(request, handler),
    close() {},
  };
}

class SimExchange implements Exchange {
  readonly times: ExchangeTimes;
  readonly reused = false;
  readonly #request: UpstreamRequest;
  readonly #handler: ExchangeHandler;
  #answer: Answer | null = null;
  #parts: Iterator<AnswerPart> | null = null;
  /** The part that is waited for. */
  #next: AnswerPart | null = null;
  /** The wait for the head or the next part, or the turn of the event loop that is due. */
  #timer: ReturnType<typeof setTimeout> | null = null;
  #total_timer: ReturnType<typeof setTimeout> | null = null;
  /** Gives up the upload that is being read. */
  #cancel_upload: (() => void) | null = null;
  #head_told = false;
  #paused = false;
  #over = false;
  /** Whether something is to be told as soon as it is not paused. */
  #ready = false;

  constructor(request: UpstreamRequest, handler: ExchangeHandler) {
    const started_ms = performance.now();
    this.times = { started_ms, connected_ms: started_ms, first_byte_ms: 0 };
    this.#request = request;
    this.#handler = handler;
    const total_ms = request.timeouts.total_ms;
    if (total_ms > 0) {
      this.#total_timer = setTimeout(() => this.#fail("total_timeout", `took over ${total_ms} ms`), total_ms);
    }
    queueMicrotask(() => this.#begin());
  }

  abort(): void {
    this.#finish();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // Not at once: the handler that resumes may be in the middle of its own work.
    if (this.#ready) queueMicrotask(() => this.#tell());
    this.#ready = false;
  }

  #begin(): void {
    if (this.#over) return;
    if (endpoints === null) {
      import("./endpoints.ts").then(
        (loaded) => {
          endpoints = loaded;
          this.#begin();
        },
        (cause) => this.#fail("bad_response", "could not be loaded", cause),
      );
      return;
    }
    const body = this.#request.body;
    if (body !== null && "stream" in body) {
      void this.#readUpload(body);
      return;
    }
    this.#accept(joinParts(body ?? []));
  }

  async #readUpload(body: UploadBody): Promise<void> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      const reader = body.stream.getReader();
      this.#cancel_upload = () => void reader.cancel().catch(() => {});
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#over) return;
        if (done) break;
        length += value.length;
        if (length > BODY_BYTES_MAX) {
          this.#cancel_upload();
          break;
        }
        parts.push(value);
      }
    } catch (cause) {
      this.#fail("upload", "the request's body could not be read", cause);
      return;
    }
    this.#cancel_upload = null;
    this.#accept(length > BODY_BYTES_MAX ? null : joinParts(parts));
  }

  /** The whole request is there; null when it was too large to keep. */
  #accept(body: Uint8Array | null): void {
    const { method, path, timeouts } = this.#request;
    let answer: Answer;
    try {
      const { answerRequest, answerTooLarge } = endpoints!;
      answer = body === null ? answerTooLarge(BODY_BYTES_MAX) : answerRequest(method, path, body);
    } catch (cause) {
      // JSON that is nested too deeply to be written again, for one.
      this.#fail("bad_response", "could not make an answer", cause);
      return;
    }
    this.#answer = answer;
    this.#parts = answer.body[Symbol.iterator]();
    this.#wait(answer.wait_ms, timeouts.first_byte_ms, "first_byte_timeout");
  }

  /** Tells on after `wait_ms`, or fails where the time limit is shorter. */
  #wait(wait_ms: number, limit_ms: number, failure: UpstreamFailure): void {
    if (limit_ms > 0 && wait_ms > limit_ms) {
      this.#timer = setTimeout(() => this.#fail(failure, `was silent for ${limit_ms} ms`), limit_ms);
    } else if (wait_ms === 0) {
      this.#tell();
    } else if (wait_ms !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#tell(), wait_ms);
    }
  }

  #tell(): void {
    this.#timer = null;
    try {
      this.#tellOn();
    } catch (cause) {
      this.#fail("handler", "stopped, because the handler of its response threw", cause);
    }
  }

  /** Tells what is due: the head, then parts until one must be waited for. */
  #tellOn(): void {
    let told = 0;
    while (!this.#over) {
      this.#ready = this.#paused;
      if (this.#paused || this.#answer === null || this.#parts === null) return;
      if (!this.#head_told) {
        this.#head_told = true;
        this.times.first_byte_ms = performance.now();
        const { status, headers } = this.#answer;
        this.#handler.onHead({ status, headers: new FieldList(headers) });
        continue;
      }
      const waited = this.#next;
      if (waited !== null) {
        this.#next = null;
        if (waited.bytes.length > 0) this.#handler.onData(waited.bytes);
        told++;
        continue;
      }
      const { done, value } = this.#parts.next();
      if (done === true) {
        if (this.#answer.ending === "end") this.#complete();
        else this.#fail("closed", "closed the connection in the middle of its answer");
        return;
      }
      this.#next = value;
      if (value.wait_ms > 0) {
        this.#wait(value.wait_ms, this.#request.timeouts.idle_ms, "idle_timeout");
        return;
      }
      if (told >= PARTS_A_TURN) {
        this.#timer = setTimeout(() => this.#tell(), 0);
        return;
      }
    }
  }

  #complete(): void {
    this.#finish();
    this.#handler.onEnd();
  }

  #fail(failure: UpstreamFailure, what: string, cause?: unknown): void {
    if (this.#over) return;
    this.#finish();
    this.#handler.onError(new UpstreamError(failure, `the simulator ${what}`, cause));
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#total_timer !== null) clearTimeout(this.#total_timer);
    this.#cancel_upload?.();
    this.#parts?.return?.();
  }
}

/** The parts as one, or null over the limit. */
function joinParts(parts: readonly Uint8Array[]): Uint8Array | null {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > BODY_BYTES_MAX) return null;
  const only = parts[0];
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
