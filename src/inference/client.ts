// The gateway's end of the inference process. Whatever becomes of that process, a request is answered within its budget: with
// what was asked for, or with why there is nothing. Nothing here waits for anything else, or without a limit.

import { BROKEN, FrameReader, frameOf } from "./frames.ts";
import type {
  AddRequest,
  Answer,
  Asked,
  EmbedRequest,
  InferenceStats,
  NamesRequest,
  ObserveRequest,
  SearchRequest,
} from "./messages.ts";
import { readResponse } from "./messages.ts";
import type { Found } from "./ner/ner.ts";
import { Outbox } from "./outbox.ts";
import type { Candidate, Filter } from "./vectors/entry.ts";

/** Why there is no answer: it took too long, too much is asked already, nobody answers, or what was answered is none. */
export type InferenceFault = "slow" | "full" | "down" | "broken";

/** No answer. */
export interface NoAnswer {
  readonly fault: InferenceFault;
}

/** Requests that can be in flight. */
const IN_FLIGHT_MAX = 1024;
/** Bytes that the other side has not taken. */
const OUTBOX_MAX_BYTES = 4 * 1024 * 1024;
/** First and longest wait before another try to connect. */
const RETRY_BASE_MS = 25;
const RETRY_MAX_MS = 1_000;
/** What nobody waits for may be done so much later. */
const UNHURRIED_MS = 30_000;
/** For what people ask for: figures, and to remove entries. */
const PATIENT_MS = 60_000;
/** After so many requests in turn that were not answered in time, most are not even asked, so that no call waits in vain. */
const WEARY_AFTER = 20;
const PROBE_EVERY_MS = 250;

/** A request in flight. */
interface Pending {
  readonly deadline_ms: number;
  resolve(answer: Answer | NoAnswer): void;
}

type Socket = Bun.Socket<undefined>;

/** Asks the inference process. */
export class InferenceClient {
  readonly #path: string;
  #socket: Socket | null = null;
  #outbox: Outbox | null = null;
  #is_closed = false;
  /** No try to connect before then, by `performance.now()`. */
  #retry_at_ms = 0;
  #retry_ms = 0;
  readonly #pending = new Map<number, Pending>();
  #last_id = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timer_at_ms = Number.POSITIVE_INFINITY;
  /** Requests in turn that were not answered in time. */
  #unanswered = 0;
  #probe_at_ms = 0;

  /** @param path of the socket */
  constructor(path: string) {
    this.#path = path;
  }

  /** Entries of a partition near a text, the most similar first. */
  async search(
    request: Omit<SearchRequest, "kind">,
    budget_ms: number,
  ): Promise<{ readonly candidates: readonly Candidate[] } | NoAnswer> {
    const answer = await this.#ask({ kind: "search", ...request }, budget_ms);
    if ("fault" in answer) return answer;
    return answer.kind === "candidates" ? { candidates: answer.candidates } : { fault: "broken" };
  }

  /** Keeps an entry, when there is time. Nobody hears whether it was. */
  add(request: Omit<AddRequest, "kind">): void {
    this.#tell({ kind: "add", ...request });
  }

  /** Appends a verdict to an entry, when there is time. */
  observe(request: Omit<ObserveRequest, "kind">): void {
    this.#tell({ kind: "observe", ...request });
  }

  /** Removes entries; gives how many. */
  remove(filter: Filter, budget_ms = PATIENT_MS): Promise<{ readonly count: number } | NoAnswer> {
    return this.#count({ kind: "remove", filter }, budget_ms);
  }

  /** Removes the entries with an id, and lets none be added until then. */
  async block(
    id: Uint8Array,
    until_ms: number,
    budget_ms = PATIENT_MS,
  ): Promise<{ readonly count: number } | NoAnswer> {
    return this.#count({ kind: "block", id, until_ms }, budget_ms);
  }

  /** Vectors of texts, of length 1, in their order. */
  async embed(
    request: Omit<EmbedRequest, "kind">,
    budget_ms: number,
  ): Promise<{ readonly vectors: readonly Float32Array[] } | NoAnswer> {
    const answer = await this.#ask({ kind: "embed", ...request }, budget_ms);
    if ("fault" in answer) return answer;
    if (answer.kind !== "vectors" || answer.vectors.length !== request.texts.length)
      return { fault: "broken" };
    const vectors = answer.vectors.map(numbersOf);
    return vectors.includes(null)
      ? { fault: "broken" }
      : { vectors: vectors.filter((vector) => vector !== null) };
  }

  /** The names in texts: people, places and organizations, text by text, in order and without overlaps. */
  async names(
    request: Omit<NamesRequest, "kind">,
    budget_ms: number,
  ): Promise<{ readonly names: readonly (readonly Found[])[] } | NoAnswer> {
    const answer = await this.#ask({ kind: "names", ...request }, budget_ms);
    if ("fault" in answer) return answer;
    if (answer.kind !== "names" || answer.names.length !== request.texts.length) return { fault: "broken" };
    return {
      names: answer.names.map((names) =>
        names.map(([start, end, entity, score]) => ({ start, end, entity, score })),
      ),
    };
  }

  /** Figures of the inference process. */
  async stats(budget_ms = PATIENT_MS): Promise<InferenceStats | NoAnswer> {
    const answer = await this.#ask({ kind: "stats" }, budget_ms);
    if ("fault" in answer) return answer;
    return answer.kind === "stats" ? answer.stats : { fault: "broken" };
  }

  /** Answers what is in flight with `down`, and everything from here on. */
  close(): void {
    this.#is_closed = true;
    const socket = this.#socket;
    this.#lose();
    socket?.end();
  }

  async #count(asked: Asked, budget_ms: number): Promise<{ readonly count: number } | NoAnswer> {
    const answer = await this.#ask(asked, budget_ms);
    if ("fault" in answer) return answer;
    return answer.kind === "done" ? { count: answer.count } : { fault: "broken" };
  }

  #tell(asked: Asked): void {
    this.#send({ id: 0, deadline_ms: Date.now() + UNHURRIED_MS, asked });
  }

  #ask(asked: Asked, budget_ms: number): Promise<Answer | NoAnswer> {
    if (!(budget_ms > 0)) return Promise.resolve({ fault: "slow" });
    if (this.#pending.size >= IN_FLIGHT_MAX) return Promise.resolve({ fault: "full" });
    const now_ms = performance.now();
    if (this.#isWeary(budget_ms, now_ms)) return Promise.resolve({ fault: "slow" });
    this.#last_id = this.#last_id === 0xffff_ffff ? 1 : this.#last_id + 1;
    const id = this.#last_id;
    const fault = this.#send({ id, deadline_ms: Math.ceil(Date.now() + budget_ms), asked });
    if (fault !== null) return Promise.resolve({ fault });
    const deadline_ms = now_ms + budget_ms;
    return new Promise((resolve) => {
      this.#pending.set(id, { deadline_ms, resolve });
      this.#wakeAt(deadline_ms, now_ms);
    });
  }

  /** Whether to ask is in vain: nothing has been answered for long, and it is not time to try again. */
  #isWeary(budget_ms: number, now_ms: number): boolean {
    if (this.#unanswered < WEARY_AFTER || budget_ms >= PATIENT_MS) return false;
    if (now_ms < this.#probe_at_ms) return true;
    this.#probe_at_ms = now_ms + PROBE_EVERY_MS;
    return false;
  }

  /** Null when it is on its way; else why not. */
  #send(request: {
    readonly id: number;
    readonly deadline_ms?: number;
    readonly asked: Asked | "cancel";
  }): InferenceFault | null {
    const outbox = this.#outbox ?? this.#connect();
    if (outbox === null) return "down";
    const frame = frameOf(request);
    if (frame === null) return "broken";
    return outbox.send(frame) ? null : "full";
  }

  /** Begins to make a connection; gives where to put what is to be sent, or null when it is not time to. */
  #connect(): Outbox | null {
    if (this.#is_closed || performance.now() < this.#retry_at_ms) return null;
    const outbox = new Outbox(OUTBOX_MAX_BYTES);
    this.#outbox = outbox;
    const reader = new FrameReader();
    const gone = () => {
      // An earlier connection's end is no news.
      if (this.#outbox === outbox) this.#lose();
    };
    Bun.connect<undefined>({
      unix: this.#path,
      socket: {
        open: (socket) => {
          if (this.#outbox !== outbox) {
            socket.end();
            return;
          }
          this.#socket = socket;
          outbox.open(socket);
        },
        data: (_, bytes) => {
          if (this.#outbox === outbox) this.#hear(reader, bytes);
        },
        drain: () => outbox.drained(),
        close: gone,
        error: gone,
        // Told of by the promise.
        connectError: () => {},
      },
    }).catch(gone);
    return outbox;
  }

  /** The connection is gone, or cannot be made: what waits is answered, and the next try comes in a while. */
  #lose(): void {
    this.#socket = null;
    this.#outbox = null;
    this.#retry_ms = Math.min(Math.max(RETRY_BASE_MS, this.#retry_ms * 2), RETRY_MAX_MS);
    this.#retry_at_ms = performance.now() + this.#retry_ms;
    for (const { resolve } of this.#pending.values()) resolve({ fault: "down" });
    this.#pending.clear();
    this.#unanswered = 0;
  }

  #hear(reader: FrameReader, bytes: Uint8Array): void {
    for (const value of reader.push(bytes)) {
      const response = value === BROKEN ? null : readResponse(value);
      if (response === null) {
        this.#abandon();
        return;
      }
      this.#retry_ms = 0;
      this.#unanswered = 0;
      const pending = this.#pending.get(response.id);
      // Late answers find nobody.
      if (pending === undefined) continue;
      this.#pending.delete(response.id);
      pending.resolve("fault" in response ? { fault: response.fault } : response.answer);
    }
  }

  /** Gives up a connection on which nonsense came. */
  #abandon(): void {
    const socket = this.#socket;
    for (const { resolve } of this.#pending.values()) resolve({ fault: "broken" });
    this.#pending.clear();
    this.#lose();
    socket?.terminate();
  }

  /** One timer for all requests: it is set to the first deadline, and set again when it is over. */
  #wakeAt(at_ms: number, now_ms: number): void {
    if (at_ms >= this.#timer_at_ms) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer_at_ms = at_ms;
    this.#timer = setTimeout(() => this.#wake(), Math.ceil(Math.max(0, at_ms - now_ms)));
  }

  #wake(): void {
    this.#timer = null;
    this.#timer_at_ms = Number.POSITIVE_INFINITY;
    const now_ms = performance.now();
    let next_ms = Number.POSITIVE_INFINITY;
    for (const [id, { deadline_ms, resolve }] of this.#pending) {
      if (deadline_ms > now_ms) {
        next_ms = Math.min(next_ms, deadline_ms);
        continue;
      }
      this.#pending.delete(id);
      resolve({ fault: "slow" });
      this.#unanswered += 1;
      this.#send({ id, asked: "cancel" });
    }
    if (next_ms < Number.POSITIVE_INFINITY) this.#wakeAt(next_ms, now_ms);
  }
}

/** Bytes as numbers, copied, because those of four bytes must lie at addresses of four; null if they are none. */
function numbersOf(bytes: Uint8Array): Float32Array | null {
  return bytes.length % 4 === 0 ? new Float32Array(new Uint8Array(bytes).buffer) : null;
}
