// Personal data in a session: taken out of what the client says, and put back into what it is told. The values are the session's, so that
// one that was said once has the same placeholder to the end.

import type { PrivacyMode, PrivacyPlan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import type { Mapping } from "../../privacy/mapping.ts";
import { REALTIME_STREAM } from "../../privacy/places/realtime.ts";
import { StreamRestorer } from "../../privacy/restore_stream.ts";
import type { Call } from "../call.ts";
import type { Privacy } from "../privacy.ts";
import { carriesAudio, type RealtimeEvent, responseOf, textIn } from "./events.ts";

/** Responses under way whose texts are put together; what is beyond goes by as it is. */
const RESPONSES_MAX = 64;
const LINE_FEED = "\n";

/** Cleans the events of a session, and restores those of its provider. */
export class SessionValues {
  readonly #call: Call;
  readonly #privacy: Privacy;
  readonly #mode: PrivacyMode;
  readonly #plan: PrivacyPlan;
  readonly #mapping: Mapping;
  /** Texts grow within one response; what belongs to none comes whole. */
  readonly #restorers = new Map<string, StreamRestorer>();

  constructor(call: Call, privacy: Privacy, mode: PrivacyMode, plan: PrivacyPlan, mapping: Mapping) {
    this.#call = call;
    this.#privacy = privacy;
    this.#mode = mode;
    this.#plan = plan;
    this.#mapping = mapping;
  }

  /** What may go on of an event of the client; null: of what is no event at all. */
  clean(
    bytes: Uint8Array,
    event: RealtimeEvent | null,
  ): Promise<Uint8Array | GatewayError> | Uint8Array | GatewayError {
    if (this.#mode === "audit" && event === null) return bytes;
    if (event === null) return blocked("What is no event cannot be searched for personal data");
    if (this.#mode !== "audit" && !this.#plan.passes_audio && carriesAudio(event)) {
      return blocked("Audio cannot be searched for personal data");
    }
    // Nothing but sound is in it, and much of that.
    if (event.type.endsWith("input_audio_buffer.append")) return bytes;
    return this.#privacy.cleanEvent(this.#call, bytes, this.#mode, this.#plan, this.#mapping);
  }

  /** What the client is told in the place of an event of the provider. */
  restore(bytes: Uint8Array, event: RealtimeEvent): readonly Uint8Array[] {
    if (this.#mode !== "redact" || this.#mapping.size === 0) return [bytes];
    const is_done = event.type === "response.done";
    const id = is_done ? responseOf(event) : (textIn(event.scan, "response_id") ?? "");
    const { before, data } = this.#restorerOf(id).restore({ raw: bytes, data: bytes });
    if (is_done) this.#restorers.delete(id);
    return [...eventsIn(before), data ?? bytes];
  }

  #restorerOf(id: string): StreamRestorer {
    let restorer = this.#restorers.get(id);
    if (restorer === undefined) {
      restorer = new StreamRestorer(this.#mapping, REALTIME_STREAM);
      if (id !== "" && this.#restorers.size < RESPONSES_MAX) this.#restorers.set(id, restorer);
    }
    return restorer;
  }
}

function eventsIn(lines: Uint8Array): Uint8Array[] {
  if (lines.length === 0) return [];
  return Buffer.from(lines)
    .toString()
    .split(LINE_FEED)
    .filter((line) => line !== "")
    .map((line) => Buffer.from(line));
}

function blocked(what: string): GatewayError {
  const why = "and the privacy settings of this model or key do not let it go out";
  return new GatewayError("content_blocked", `${what}, ${why}.`);
}
