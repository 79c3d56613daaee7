// An answer under way to the client: bytes as they come, or events, of which some are kept back and the last may be an error.
// Whatever happens upstream, a flow ends exactly once, and the client can tell a good end from a broken one.

import { HELD_MAX_BYTES, type Recording } from "../cache/recording.ts";
import { errorEvent, type WireError } from "../dialects/openai/error.ts";
import type { StreamWatch } from "../dialects/stream_watch.ts";
import type { Usage } from "../dialects/usage.ts";
import type { FormatStream } from "../privacy/guards/schema/format_stream.ts";
import { type RestorableEvent, restoredBy, type StreamRestorer } from "../privacy/restore_stream.ts";
import { type SseEvent, SseFramer, type SseListener } from "../wire/sse.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import type { AnswerCopy } from "./answer_copy.ts";
import { answerBlocked, answerUnfit } from "./answer_guarding.ts";
import { ClientStream, type Feeder } from "./client_stream.ts";
import type { RemoteAnswer } from "./remote_answer.ts";
import { GatedFeeder, type StreamGate } from "./stream_gate.ts";
import type { StreamMeter } from "./stream_meter.ts";
import type { UsageTap } from "./usage_tap.ts";

/** Longest event that is framed; a longer one is passed on unseen. */
const EVENT_MAX_BYTES = 4 * 1024 * 1024;

const COMMENT = Buffer.from(": keep-alive\n\n");
const BLANK_LINE = Buffer.from("\n\n");

/** When quiet streams get a comment: after how long, and the alarms that look. */
export interface QuietClock {
  readonly alarms: Alarms;
  readonly after_ms: number;
}

/** Hears what becomes of a flow. */
export interface FlowListener {
  /** The first content of a stream has come; other bodies have none before they are whole. */
  onContent?(): void;
  /** It is over: null for a good end. */
  onFlowEnd(error: WireError | null): void;
}

/** An answer under way. */
export abstract class Flow {
  readonly stream = new ClientStream();
  /** Reads the usage of what is passed through; null for other answers. */
  tap: UsageTap | null = null;
  /** Judges the texts and puts the client's values back; null where nobody judges and none were taken out. */
  restorer: StreamRestorer | null = null;
  /** Looks whether it becomes what was asked for; null where nobody does. */
  format: FormatStream | null = null;
  /** Copies what comes, to be compared with another answer; null where it is not. */
  copy: AnswerCopy | null = null;
  /** Keeps what comes, for those who ask the same; null where nobody may. */
  recording: Recording | null = null;
  /** Watches the stream; null where it is no stream of chunks. */
  readonly watch: StreamWatch | null;
  /** The usage in its provider's own words, where the client's format may have fewer; null: it is in that format. */
  told_usage: (() => Usage | null | undefined) | null = null;
  /** Whether it was ended because its budget is used up. */
  stopped_by_budget = false;
  #listener: FlowListener | null = null;
  #ended: { readonly error: WireError | null } | null = null;
  #has_content = false;

  constructor(watch: StreamWatch | null = null) {
    this.watch = watch;
  }

  /** The answer has begun; `feeder` is held back while the client does not read. */
  begin(feeder: Feeder): void {
    this.stream.feeder = feeder;
  }

  /** Tokens of the answer that went by, by the gateway's own count; null where they are not counted. */
  get counted_tokens(): number | null {
    return null;
  }

  /** The chunks that went by, kept to be counted; null where they are not. */
  get kept_chunks(): readonly Uint8Array[] | null {
    return null;
  }

  /** The client leaves, or is told why it has to; what feeds the flow goes on, for the others who want it. */
  part(error: WireError | null): void {
    if (error === null) this.stream.breakOff();
    else this.stream.end();
  }

  abstract take(chunk: Uint8Array): void;
  /** The upstream ended its answer. */
  abstract end(): void;
  /** The upstream's answer broke off, or the gateway ends it. */
  abstract breakOff(error: WireError): void;

  /** Stops it without a word to a client that is gone. */
  drop(): void {
    this.stream.breakOff();
    this.finish(null);
  }

  /** Tells somebody of the first content and of the flow's end, once each; at once of what has been. */
  tellTo(listener: FlowListener): void {
    this.#listener = listener;
    if (this.#has_content) listener.onContent?.();
    if (this.#ended !== null) listener.onFlowEnd(this.#ended.error);
  }

  /** The first content of a stream has come; other bodies have none before they are whole. */
  contentCame(): void {
    if (this.#has_content) return;
    this.#has_content = true;
    this.#listener?.onContent?.();
  }

  protected get is_ended(): boolean {
    return this.#ended !== null;
  }

  protected finish(error: WireError | null): void {
    if (this.#ended !== null) return;
    this.#ended = { error };
    this.#listener?.onFlowEnd(error);
  }
}

/** Hears of the events of a stream. */
export interface EventHearer {
  hear(event: SseEvent): void;
}

/** Feeds a client that is not the only one: its full socket holds the upstream back while nobody else wants the answer. */
class SharedFeeder implements Feeder {
  readonly #feeder: Feeder;
  readonly #recording: Recording;

  constructor(feeder: Feeder, recording: Recording) {
    this.#feeder = feeder;
    this.#recording = recording;
    recording.onFollowed = () => feeder.resume();
  }

  pause(): void {
    if (this.#recording.followers === 0) this.#feeder.pause();
  }

  resume(): void {
    this.#feeder.resume();
  }
}

/** Any bytes. A broken one is cut off, so that the client's HTTP parser sees it. */
export class ByteFlow extends Flow {
  take(chunk: Uint8Array): void {
    this.tap?.take(chunk);
    this.stream.write(chunk);
  }

  end(): void {
    this.stream.end();
    this.finish(null);
  }

  breakOff(error: WireError): void {
    this.stream.breakOff();
    this.finish(error);
  }
}

/**
 * Server-sent events. Only whole events are passed on, so that an error can follow at any time, and some may be left out.
 * Consecutive events go out in one write, as the very bytes that came.
 */
export class EventFlow extends Flow implements Alarm, SseListener {
  at_ms = 0;
  alarm_slot = -1;

  readonly #meter: StreamMeter | null;
  readonly #hearer: EventHearer | null;
  readonly #quiet: QuietClock;
  readonly #framer: SseFramer;
  /** Adjacent bytes that wait for the end of the chunk. */
  #run: Uint8Array | null = null;
  #feeder: Feeder | null = null;
  /** Lets events out when they are judged; null where nobody takes time for that. */
  #gate: StreamGate | null = null;
  #gated: GatedFeeder | null = null;
  /** All of it has come, and some is still to be judged. */
  #is_closing = false;

  /**
   * @param watch sees every event and may leave it out; null passes all on
   * @param hearer hears of every event after the watch did
   * @param quiet wakes it for the comments of a quiet stream
   * @param meter counts what goes by, and says when it has to end
   */
  constructor(
    watch: StreamWatch | null,
    hearer: EventHearer | null,
    quiet: QuietClock,
    meter: StreamMeter | null = null,
  ) {
    super(watch);
    this.#meter = meter;
    this.#hearer = hearer;
    this.#quiet = quiet;
    this.#framer = new SseFramer(EVENT_MAX_BYTES, this);
  }

  override get counted_tokens(): number | null {
    return this.#meter === null || this.#meter.tokens === 0 ? null : this.#meter.tokens;
  }

  override get kept_chunks(): readonly Uint8Array[] | null {
    return this.#meter?.chunks ?? null;
  }

  /** Has the stream judged over the network, before it begins. */
  guardBy(remote: RemoteAnswer): void {
    const { restorer, gate } = remote.judgeStream({
      write: (bytes) => this.#give(bytes),
      block: (why) => this.#block(why),
      hold: () => this.#gated?.hold(),
      release: () => this.#gated?.release(),
    });
    this.restorer = restorer;
    this.#gate = gate;
  }

  override begin(feeder: Feeder): void {
    const shared = this.recording === null ? feeder : new SharedFeeder(feeder, this.recording);
    if (this.#gate !== null) this.#gated = new GatedFeeder(shared);
    this.#feeder = this.#gated ?? shared;
    super.begin(this.#feeder);
    this.stream.written_ms = performance.now();
    this.stream.has_comments = true;
    this.#sleep();
  }

  take(chunk: Uint8Array): void {
    if (this.is_ended) return;
    this.copy?.take(chunk);
    if (this.recording !== null) this.#record(this.recording, chunk);
    const unframed = this.#framer.feed(chunk);
    this.#flush();
    if (unframed === null || this.is_ended) return;
    // What is no event cannot be judged.
    this.restorer?.refuse();
    this.format?.refuse();
    if (this.#is_blocked) this.#block();
    else this.#write(unframed);
  }

  /**
   * No more bytes come. Tells whether the stream came to its end. Some providers leave out the last blank line: what lies
   * behind the last whole event counts and is passed on if it completes the stream, and is dropped if it was cut short.
   * A stream with an event too long to be framed cannot be judged.
   */
  closeInput(): boolean {
    const watch = this.watch;
    const rest = this.#framer.end();
    if (watch === null) {
      if (rest !== null) this.#write(rest.raw);
      return true;
    }
    if (rest !== null && watch.isWhole(rest)) {
      const is_shown = watch.see(rest) && watch.error === null;
      this.#hearer?.hear(rest);
      if (is_shown && watch.complete) {
        const { raw } = this.#restored(rest);
        if (!this.#is_blocked) this.#write(raw);
      }
    }
    return watch.complete || this.#framer.overflowed;
  }

  end(): void {
    if (this.is_ended || this.#is_closing) return;
    this.closeInput();
    if (this.#is_blocked) {
      this.#block();
      return;
    }
    const error = this.watch?.error ?? null;
    if (error === null) this.#close(null);
    else this.#tell(error, true);
  }

  breakOff(error: WireError): void {
    // What breaks behind `[DONE]` takes nothing from the answer.
    if (this.watch?.done && !this.#is_closing) this.end();
    else this.#tell(error);
  }

  override drop(): void {
    this.#quiet.alarms.remove(this);
    this.#gate?.drop();
    super.drop();
  }

  override part(error: WireError | null): void {
    this.#quiet.alarms.remove(this);
    this.#gate?.drop();
    if (error !== null) this.stream.write(this.#errorEvents(error, false));
    super.part(error);
    // A client that does not read does not hold back the others any more.
    this.#feeder?.resume();
    if (this.#is_closing) this.#closeNow(null);
  }

  #record(recording: Recording, chunk: Uint8Array): void {
    recording.take(chunk);
    // Nor does one that only reads too slowly.
    if (this.stream.held_bytes > HELD_MAX_BYTES) this.part(null);
  }

  ring(): void {
    const now_ms = performance.now();
    // Nothing may be said in the middle of an event that is passed on unframed.
    const is_quiet = now_ms - this.stream.written_ms >= this.#quiet.after_ms;
    if (is_quiet && !this.#framer.overflowed) this.stream.write(COMMENT);
    this.#sleep();
  }

  #sleep(): void {
    this.at_ms = this.stream.written_ms + this.#quiet.after_ms;
    this.#quiet.alarms.add(this);
  }

  /** The framer has found an event. */
  onEvent(event: SseEvent): void {
    if (this.is_ended) return;
    const watch = this.watch;
    const is_shown = watch === null || watch.see(event);
    this.#hearer?.hear(event);
    this.tap?.see(event.data);
    if (watch === null) this.contentCame();
    else if (watch.error !== null) {
      // A provider's error is the last that the client gets, in the format that the client knows.
      this.#flush();
      this.#tell(watch.error, true);
      return;
    }
    if (!is_shown) {
      this.#flush();
      return;
    }
    if (this.#meter !== null && watch !== null && event.data !== null) {
      const is_counted = !watch.finished && !watch.done && watch.saysMore(event);
      if (is_counted && !this.#meter.count(event.data)) {
        this.#stopAtBudget(watch);
        return;
      }
      if (watch.tellsUsage(event.data)) {
        this.#tellCost(event);
        return;
      }
    }
    const { raw } = this.#restored(event);
    if (this.#is_blocked) {
      this.#block();
      return;
    }
    if (this.#gate !== null) {
      this.#gate.write(raw);
      if (watch?.finished || watch?.done) this.#gate.endText();
      return;
    }
    const run = this.#run;
    if (run !== null && run.buffer === raw.buffer && run.byteOffset + run.length === raw.byteOffset) {
      this.#run = new Uint8Array(run.buffer, run.byteOffset, run.length + raw.length);
      return;
    }
    this.#flush();
    this.#run = raw;
  }

  #flush(): void {
    if (this.#run === null) return;
    this.stream.write(this.#run);
    this.#run = null;
  }

  /** What a guard may have to judge first. */
  #write(bytes: Uint8Array): void {
    if (this.#gate === null) this.stream.write(bytes);
    else this.#gate.write(bytes);
  }

  /** What a gate lets out, unless it does not make what was asked for. */
  #give(events: Uint8Array): void {
    if (this.is_ended) return;
    this.format?.seeEvents(events);
    if (this.format?.is_blocked) this.#block();
    else this.stream.write(events);
  }

  /** What was held back of a text that might have become a value's place, or a finding; unless it became one that blocks. */
  #writeHeld(): void {
    const { restorer } = this;
    if (restorer === null || this.#is_blocked) return;
    const held = restorer.end();
    if (this.#gate === null) this.format?.seeEvents(held);
    if (!this.#is_blocked) this.#write(held);
  }

  /** Whether a guard lets nothing more pass. */
  get #is_blocked(): boolean {
    return (this.restorer?.is_blocked ?? false) || (this.format?.is_blocked ?? false);
  }

  /** A guard does not let the rest pass: upstream need not go on. */
  #block(why: string | null = null): void {
    this.#flush();
    this.#meter?.stopUpstream();
    this.#tell(this.format?.is_blocked ? answerUnfit() : answerBlocked(why), why === null);
  }

  /** The usage goes out with what it cost, where that is known. */
  #tellCost(event: SseEvent): void {
    const told = this.told_usage?.();
    const usage = told === undefined ? this.watch!.usage() : told;
    const cost_usd = this.#meter!.costOf(usage);
    const { raw, data } = this.#restored(event);
    if (this.#is_blocked) {
      this.#block();
      return;
    }
    this.#flush();
    this.#write(cost_usd === null || data === null ? raw : this.watch!.withCost(raw, data, cost_usd));
  }

  /** An event with the client's values put back; what was held back before it is written. */
  #restored(event: SseEvent): RestorableEvent {
    // What is behind a gate is seen when it goes out.
    const format = this.#gate === null ? this.format : null;
    if (this.restorer === null) {
      format?.see(event.data);
      return event;
    }
    const restored = this.restorer.restore(event);
    format?.seeEvents(restored.before);
    if (restored.before.length > 0 && !this.#is_blocked) {
      this.#flush();
      this.#write(restored.before);
    }
    format?.see(restored.data);
    return restored;
  }

  /** There is no money for more: the stream ends well, and says why. */
  #stopAtBudget(watch: StreamWatch): void {
    this.#flush();
    this.#writeHeld();
    if (this.#gate === null) this.format?.end(true);
    if (this.#is_blocked) {
      this.#block();
      return;
    }
    this.stopped_by_budget = true;
    const events = this.#asOthers(watch.budgetStop(this.#meter!.usage()));
    if (this.#is_blocked) {
      this.#block();
      return;
    }
    this.#write(events);
    this.#meter!.stopUpstream();
    this.#close(null);
  }

  /**
   * Ends the stream with an error's event.
   * @param replaces whether it comes in place of the event that was seen last
   */
  #tell(error: WireError, replaces = false): void {
    if (this.is_ended) return;
    if (this.#framer.overflowed) this.#write(BLANK_LINE);
    else this.#writeHeld();
    // What is not judged yet is not waited for.
    this.#gate?.drop();
    this.stream.write(this.#errorEvents(error, replaces));
    this.#close(error);
  }

  #errorEvents(error: WireError, replaces: boolean): Uint8Array {
    if (this.watch === null) return errorEvent(error);
    const events = this.#asOthers(this.watch.errorEvent(error, replaces));
    return this.#gate === null ? events : this.#gate.last(events);
  }

  /** Events of the gateway's own, numbered as those are that it has put in before. */
  #asOthers(events: Uint8Array): Uint8Array {
    return this.restorer === null ? events : restoredBy(this.restorer, events);
  }

  #close(error: WireError | null): void {
    if (error === null && this.#gate !== null) {
      this.#is_closing = true;
      this.#gate.finish(() => this.#closeNow(null));
    } else this.#closeNow(error);
  }

  #closeNow(error: WireError | null): void {
    this.#quiet.alarms.remove(this);
    this.stream.end();
    this.finish(error);
  }
}
