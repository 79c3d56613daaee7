// A Realtime session: a client's socket and a provider's, and everything that goes from one to the other. Messages go by as they came;
// those are looked at that ask for an answer, tell what one has used, or say something that must not go out.

import type { ModelPlan } from "../../config/plan.ts";
import { say } from "../../config/say.ts";
import type { WireError } from "../../dialects/openai/error.ts";
import { faultText, GatewayError } from "../../errors.ts";
import { CLOSE_CODES, isSendable, shortReason } from "../../upstream/websocket/frames.ts";
import { measureOverhead } from "../answer.ts";
import type { Call, StopReason } from "../call.ts";
import type { ClientSocket, SocketSession } from "../client_socket.ts";
import { type FailedAnswer, interruption, ownAnswer } from "../failure.ts";
import type { PipelineTools } from "../pipeline_tools.ts";
import { draining, NOTHING_CAME, settle } from "../settle.ts";
import { Answers } from "./answers.ts";
import { type ConnectTools, connect, type Provision, type ProvisionListener } from "./connecting.ts";
import {
  cancelEvent,
  errorEvent,
  fieldsOf,
  type RealtimeEvent,
  readEvent,
  readSettings,
  textIn,
  tokensOfInput,
} from "./events.ts";
import { hearProvider } from "./hearing.ts";
import { withOwnModel } from "./own_model.ts";
import type { SessionValues } from "./values.ts";

/** More than this waits for a slow client: its provider is not read until a quarter of it is left. */
const SLOW_BYTES = 1024 * 1024;
const HOLD_LOOK_MS = 250;
/** How often a session looks whether both sides are there. */
const LOOK_MS = 15_000;
/** Silence of a provider after which it is asked for a sign of life, and after which it is gone. */
const ASK_AFTER_MS = 30_000;
const GONE_AFTER_MS = 75_000;
/** How long a session that has no money left waits to hear what its answers have cost. */
const LAST_WORD_MS = 2_000;
/** The session was opened (RFC 9110, 15.2.2). */
const SWITCHED = 101;
/** The client went away before it was. */
const GONE = 499;

/** Codes of a session that ended as it should. */
const GOOD_ENDS: ReadonlySet<number> = new Set([
  CLOSE_CODES.normal,
  CLOSE_CODES.going_away,
  CLOSE_CODES.none,
]);

/** Texts as they came, a byte order mark too. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a session needs. */
export interface SessionTools extends PipelineTools, ConnectTools {}

/** How a session ends. */
interface Ending {
  readonly code: number;
  readonly reason: string;
  /** What the client is told before. */
  readonly error?: WireError;
  /** How the ledger has it. */
  readonly status?: number;
}

/** One session. */
export class RealtimeSession implements SocketSession, ProvisionListener {
  readonly #call: Call;
  readonly #model: ModelPlan;
  readonly #passed: Readonly<Record<string, string>>;
  readonly #values: SessionValues | null;
  readonly #tools: SessionTools;
  #client: ClientSocket | null = null;
  #provision: Provision | null = null;
  #answers: Answers | null = null;
  #is_over = false;
  /** There is no money for more: it ends as soon as it is known what was used. */
  #is_spent = false;
  /** What the client has said that was not looked at yet. */
  #waiting: (string | Uint8Array)[] = [];
  #waiting_bytes = 0;
  #is_cleaning = false;
  /** Looks whether a slow client has taken what waited; null while its provider is read. */
  #holding: ReturnType<typeof setInterval> | null = null;
  #moved_ms = performance.now();
  #looking: ReturnType<typeof setInterval> | null = null;

  /** @param values null: nothing is done about personal data */
  constructor(
    call: Call,
    model: ModelPlan,
    passed: Readonly<Record<string, string>>,
    values: SessionValues | null,
    tools: SessionTools,
  ) {
    this.#call = call;
    this.#model = model;
    this.#passed = passed;
    this.#values = values;
    this.#tools = tools;
  }

  /** The client's connection could not be made a socket. */
  drop(): void {
    this.#finish(GONE, "client_closed");
  }

  // ---- The client

  onOpen(socket: ClientSocket): void {
    this.#client = socket;
    void this.#connect();
  }

  onMessage(message: string | Uint8Array): void {
    if (this.#is_over) return;
    this.#moved_ms = performance.now();
    if (this.#provision !== null && !this.#is_cleaning) {
      this.#take(message);
      return;
    }
    this.#waiting.push(message);
    this.#waiting_bytes += message.length;
    if (this.#waiting_bytes > this.#bounds.max_buffered_bytes)
      this.#tooMuch("was said before it could be heard");
  }

  onWritable(): void {
    if (this.#holding === null || this.#client!.buffered_bytes > SLOW_BYTES / 4) return;
    this.#letGo();
    this.#provision?.socket.resume();
  }

  /** The provider is not read while its client does not take what it said. */
  #holdBack(): void {
    if (this.#holding !== null || this.#client!.buffered_bytes <= SLOW_BYTES) return;
    this.#provision!.socket.pause();
    // The server does not always tell when what waited is gone.
    this.#holding = setInterval(() => this.onWritable(), HOLD_LOOK_MS);
  }

  #letGo(): void {
    if (this.#holding !== null) clearInterval(this.#holding);
    this.#holding = null;
  }

  onClosed(code: number, reason: string): void {
    if (this.#is_over) return;
    // Bun tells of a message that is too big as of a broken connection, and the provider has no part in it.
    const is_broken = code === CLOSE_CODES.broken;
    this.#provision?.socket.close(is_broken ? CLOSE_CODES.going_away : code, is_broken ? "" : reason);
    const was_open = this.#provision !== null;
    this.#call.stop("gone");
    // What it did not wait for is an answer that it left, as it may leave any.
    this.#answers?.end(GONE, "client_closed");
    this.#finish(was_open ? SWITCHED : GONE, was_open && !is_broken ? null : "client_closed");
  }

  // ---- The provider

  async #connect(): Promise<void> {
    const call = this.#call;
    try {
      const refusal = await connect(call, this.#model, this.#passed, this, this.#tools);
      if (this.#is_over) return;
      if (refusal !== null) this.#refuse(refusal);
      else if (call.stopped !== null && this.#provision === null) this.#stopped(call.stopped);
    } catch (fault) {
      this.#fault(fault);
    }
  }

  onProvision(provision: Provision): void {
    const call = this.#call;
    this.#provision = provision;
    call.answered_ms = performance.now();
    call.connected_ms = call.answered_ms;
    measureOverhead(call);
    call.model = provision.model;
    call.account!.sending(provision.model, provision.target);
    this.#answers = new Answers(call, this.#model, provision, this.#tools);
    const { stream_deadline_ms } = provision.model;
    const { session_ms } = this.#bounds;
    call.setDeadline(
      call.arrived_ms + (stream_deadline_ms > 0 ? Math.min(stream_deadline_ms, session_ms) : session_ms),
    );
    call.listener = { onStop: (reason) => this.#stopped(reason) };
    this.#looking = setInterval(() => this.#look(), Math.min(LOOK_MS, this.#bounds.idle_ms));
    this.#looking.unref();
    // What it says first is heard first.
    queueMicrotask(() => this.#takeWaiting());
  }

  onMessageOfProvider(is_text: boolean, payload: Uint8Array): void {
    if (this.#is_over) return;
    this.#moved_ms = performance.now();
    const event = is_text ? readEvent(payload) : null;
    if (event !== null) this.#hear(event);
    if (this.#is_over) return;
    const given = event === null || this.#values === null ? [payload] : this.#values.restore(payload, event);
    for (const one of given) {
      if (!is_text) this.#client!.send(one);
      else if (!this.#tell(one)) return;
    }
    if (event?.type === "response.done" && this.#is_spent) this.#endSpent();
    else this.#holdBack();
  }

  onClosedByProvider(code: number, reason: string): void {
    if (this.#is_over) return;
    const { provider } = this.#provision!.target;
    if (code === CLOSE_CODES.broken || code === CLOSE_CODES.too_big) {
      const error = interruption(provider.name, reason || "the connection was closed without a word");
      const own_code = code === CLOSE_CODES.too_big ? code : CLOSE_CODES.internal_error;
      this.#end({ code: own_code, reason: error.message, error });
    } else this.#end({ code, reason });
  }

  /** A text of the provider's; false: it is none. */
  #tell(bytes: Uint8Array): boolean {
    try {
      this.#client!.send(utf8.decode(bytes));
      return true;
    } catch {
      const error = interruption(this.#provision!.target.provider.name, "a text of it is not UTF-8");
      this.#end({ code: CLOSE_CODES.not_utf8, reason: error.message, error });
      return false;
    }
  }

  /** What an event of the provider says of answers and what they use. */
  #hear(event: RealtimeEvent): void {
    const heard = hearProvider(event, this.#answers!);
    const { target, key } = this.#provision!;
    switch (heard?.kind) {
      case "rest":
        this.#tools.rotation.rest(target.provider, key, target.model, heard.rest_ms, performance.now());
        return;
      case "spent":
        if (this.#is_spent) return;
        this.#provision!.socket.send(true, cancelEvent(heard.id));
        this.#beSpent();
        return;
      case "refused":
        this.#provision!.socket.send(true, cancelEvent(heard.id));
        if (heard.refusal.error.code === "budget_exceeded") this.#beSpent();
        else this.#refuseAnswer(heard.refusal, null);
    }
  }

  // ---- From the client to the provider

  #takeWaiting(): void {
    while (!this.#is_over && !this.#is_cleaning) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      this.#waiting_bytes -= message.length;
      this.#take(message);
    }
  }

  #take(message: string | Uint8Array): void {
    const is_text = typeof message === "string";
    const bytes = is_text ? Buffer.from(message) : message;
    const event = is_text ? readEvent(bytes) : null;
    const cleaned = this.#values === null ? bytes : this.#values.clean(bytes, event);
    if (!(cleaned instanceof Promise)) {
      this.#passCleaned(is_text, cleaned, bytes, event);
      return;
    }
    // One after the other: what comes meanwhile waits.
    this.#is_cleaning = true;
    cleaned.then(
      (given) => {
        this.#is_cleaning = false;
        if (this.#is_over) return;
        this.#passCleaned(is_text, given, bytes, event);
        this.#takeWaiting();
      },
      (fault: unknown) => this.#fault(fault),
    );
  }

  #passCleaned(
    is_text: boolean,
    cleaned: Uint8Array | GatewayError,
    bytes: Uint8Array,
    event: RealtimeEvent | null,
  ): void {
    if (cleaned instanceof GatewayError) this.#say(ownAnswer(cleaned).error, event);
    else this.#pass(is_text, cleaned, cleaned === bytes ? event : readEvent(cleaned));
  }

  #pass(is_text: boolean, bytes: Uint8Array, event: RealtimeEvent | null): void {
    const sent = event === null ? bytes : this.#prepare(bytes, event);
    if (sent === null || this.#is_over) return;
    const { socket } = this.#provision!;
    socket.send(is_text, sent);
    if (socket.waiting_bytes > this.#bounds.max_buffered_bytes) this.#tooMuch("waits for the provider");
  }

  /** An event as its provider gets it; null: it does not. */
  #prepare(bytes: Uint8Array, event: RealtimeEvent): Uint8Array | null {
    const answers = this.#answers!;
    answers.read(tokensOfInput(event));
    switch (event.type) {
      case "response.create": {
        const settings = readSettings(fieldsOf(event)["response"]);
        const refusal = this.#is_spent ? null : answers.ask(textIn(event.scan, "event_id"), settings);
        if (refusal === null) return this.#is_spent ? null : bytes;
        this.#refuseAnswer(refusal, event);
        return null;
      }
      case "session.update":
      case "transcription_session.update":
        answers.set(readSettings(fieldsOf(event)["session"]));
        return this.#withOwnModel(bytes, event);
    }
    return bytes;
  }

  /** Settings as the provider takes them; null: it does not. */
  #withOwnModel(bytes: Uint8Array, event: RealtimeEvent): Uint8Array | null {
    const named = withOwnModel(bytes, event, this.#model.name, this.#provision!.target);
    if (!(named instanceof GatewayError)) return named;
    this.#say(ownAnswer(named).error, event);
    return null;
  }

  // ---- What the client is told by the gateway itself

  #say(error: WireError, event: RealtimeEvent | null = null): void {
    this.#client?.send(errorEvent(error, event === null ? null : textIn(event.scan, "event_id")));
  }

  /** An answer cannot be had; without money or a key there will be no other either. */
  #refuseAnswer({ error }: FailedAnswer, event: RealtimeEvent | null): void {
    if (error.code !== "budget_exceeded" && error.code !== "invalid_api_key") this.#say(error, event);
    else this.#end({ code: CLOSE_CODES.policy, reason: error.message, error });
  }

  /** What is under way is cut off, and what it has cost is waited for. */
  #beSpent(): void {
    if (this.#is_spent) return;
    this.#is_spent = true;
    setTimeout(() => this.#endSpent(), LAST_WORD_MS).unref();
  }

  #endSpent(): void {
    if (this.#is_over) return;
    const message = "The budget of this session is used up, and its answer is cut off.";
    const { error } = ownAnswer(new GatewayError("budget_exceeded", message));
    this.#end({ code: CLOSE_CODES.policy, reason: message, error });
  }

  /** No provider takes the session. */
  #refuse({ status, error }: FailedAnswer): void {
    this.#end({ code: CLOSE_CODES.internal_error, reason: error.message, error, status });
  }

  #stopped(reason: StopReason): void {
    if (reason === "gone") return;
    const is_opened = this.#provision !== null;
    const over = is_opened
      ? "This session has lasted as long as it may. Open another."
      : "The deadline was over before a provider was found.";
    const why = reason === "draining" ? draining() : new GatewayError("deadline_exceeded", over);
    const code = reason === "draining" ? CLOSE_CODES.restart : CLOSE_CODES.policy;
    this.#end({ code, reason: why.message, error: ownAnswer(why).error });
  }

  #tooMuch(what: string): void {
    const message = `More than ${this.#bounds.max_buffered_bytes} bytes ${what} (listen.realtime.max_buffered_bytes).`;
    const { error } = ownAnswer(new GatewayError("unavailable", message));
    this.#end({ code: CLOSE_CODES.try_again, reason: message, error });
  }

  #fault(fault: unknown): void {
    say(`a session failed by a fault of the gateway: ${faultText(fault)}`, "error");
    const message = "The gateway failed at this session by a fault of its own.";
    const { error } = ownAnswer(new GatewayError("internal_error", message));
    this.#end({ code: CLOSE_CODES.internal_error, reason: message, error });
  }

  /** Whether both sides are there, and say anything. */
  #look(): void {
    const now_ms = performance.now();
    const { socket, target } = this.#provision!;
    // Who is held back cannot be heard.
    const quiet_ms = this.#holding !== null ? 0 : now_ms - socket.heard_ms;
    if (quiet_ms > GONE_AFTER_MS) {
      const error = interruption(target.provider.name, "it gives no sign of life any more");
      this.#end({ code: CLOSE_CODES.internal_error, reason: error.message, error });
      return;
    }
    if (quiet_ms > ASK_AFTER_MS) socket.ping();
    if (now_ms - this.#moved_ms < this.#bounds.idle_ms) return;
    const message = "Nothing was said in this session for too long (listen.realtime.idle_s).";
    const { error } = ownAnswer(new GatewayError("deadline_exceeded", message));
    this.#end({ code: CLOSE_CODES.policy, reason: message, error });
  }

  get #bounds() {
    return this.#call.plan.listen.realtime;
  }

  // ---- The end

  #end({ code, reason, error, status = SWITCHED }: Ending): void {
    if (this.#is_over) return;
    if (error !== undefined) this.#say(error);
    const is_good = GOOD_ENDS.has(code);
    this.#finish(status, error?.code ?? (is_good ? null : `closed_${code}`));
    this.#provision?.socket.close(CLOSE_CODES.normal, "");
    this.#client!.close(isSendable(code) ? code : CLOSE_CODES.none, shortReason(reason));
  }

  #finish(status: number, code: string | null): void {
    if (this.#is_over) return;
    this.#is_over = true;
    if (this.#looking !== null) clearInterval(this.#looking);
    this.#letGo();
    this.#waiting = [];
    this.#answers?.end(200, code ?? "session_closed");
    settle(this.#call, this.#tools, { ...NOTHING_CAME, status, code });
  }
}
