// The calls of one choice of a stream while they come in pieces. Servers number them, or repeat their ids, or do neither.

import type { EventSink, PartStart } from "../../neutral/answer.ts";
import { newCallId } from "../../neutral/call_id.ts";
import type { Signature } from "../../neutral/parts.ts";
import { JSON_TOOL } from "./json_tool.ts";
import { readCallSaid } from "./read_calls.ts";
import { readGoogleSignature } from "./reasoning.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A call, perhaps not all of it. */
interface GrowingCall {
  /** Of its part; null: it has not begun. */
  part: number | null;
  readonly id: string;
  /** As the server calls it; empty where it does not. */
  said_id: string;
  name: string;
  is_custom: boolean;
  signature: Signature | null;
  /** Arguments that came before the name. */
  pending: string;
}

/** How much of a call's arguments may come before its name; characters. */
const PENDING_MAX = 1024 * 1024;
/** Stands for the call of `function_call`, which has no index. */
const LEGACY_CALL = -1;

/** The calls of one choice. */
export class GrowingCalls {
  readonly #choice: number;
  readonly #sink: EventSink;
  readonly #startPart: (start: PartStart) => number;
  readonly #calls = new Map<number, GrowingCall>();
  readonly #by_id = new Map<string, GrowingCall>();
  #last_key = 0;
  #next_key = 0;
  /** How many of them are the answer itself; see `json_tool.ts`. */
  #json_calls = 0;

  /** @param startPart begins a part, behind those that are open of other kinds, and gives its number */
  constructor(choice: number, sink: EventSink, startPart: (start: PartStart) => number) {
    this.#choice = choice;
    this.#sink = sink;
    this.#startPart = startPart;
  }

  /** Whether any is for the client to make. */
  get called(): boolean {
    return this.#calls.size > this.#json_calls;
  }

  /** Whether one of them was the answer itself. */
  get answered(): boolean {
    return this.#json_calls > 0;
  }

  /** Takes a piece of `tool_calls`. */
  take(call: Fields): void {
    this.#grow(call, this.#keyOf(call));
  }

  /** Takes a piece of `function_call`. */
  takeLegacy(called: Fields): void {
    this.#grow({ function: called }, LEGACY_CALL);
  }

  /** Signs the call of an id; false where none has begun. */
  sign(id: string, signature: Signature): boolean {
    const part = this.#by_id.get(id)?.part ?? null;
    if (part === null) return false;
    this.#sink({ kind: "signature", choice: this.#choice, part, signature });
    return true;
  }

  /** Ends all of them. */
  end(): void {
    for (const call of this.#calls.values()) {
      const part = call.part ?? this.#start(call);
      this.#sink({ kind: "part_stop", choice: this.#choice, part });
    }
  }

  /** Which call a piece is of. Where no index is told, a new id begins a new one; so it does where every call has the same index. */
  #keyOf(call: Fields): number {
    const { index, id } = call;
    const key = typeof index === "number" ? index : this.#last_key;
    const known = this.#calls.get(key);
    const is_other =
      known !== undefined &&
      typeof id === "string" &&
      id !== "" &&
      known.said_id !== "" &&
      known.said_id !== id &&
      readCallSaid(call).name !== "";
    this.#last_key = is_other ? this.#next_key : key;
    return this.#last_key;
  }

  #grow(piece: Fields, key: number): void {
    const said = readCallSaid(piece);
    const call = this.#calls.get(key) ?? this.#newCall(said.id, key);
    if (said.id !== "") call.said_id = said.id;
    if (said.is_custom) call.is_custom = true;
    if (call.name === "") call.name = said.name;
    const signature = readGoogleSignature(piece);
    if (call.part === null) {
      call.signature ??= signature;
      call.pending += said.arguments;
      if (call.name !== "" || call.pending.length > PENDING_MAX) this.#start(call);
      return;
    }
    const place = { choice: this.#choice, part: call.part };
    if (said.arguments !== "") this.#sink({ kind: "delta", ...place, text: said.arguments });
    if (signature !== null) this.#sink({ kind: "signature", ...place, signature });
  }

  #newCall(said_id: string, key: number): GrowingCall {
    const id = said_id === "" || this.#by_id.has(said_id) ? newCallId() : said_id;
    const call: GrowingCall = {
      ...{ part: null, id, said_id, name: "", is_custom: false },
      ...{ signature: null, pending: "" },
    };
    this.#calls.set(key, call);
    this.#by_id.set(id, call);
    this.#next_key = Math.max(this.#next_key, key + 1);
    return call;
  }

  #start(call: GrowingCall): number {
    const { id, name, is_custom, signature, pending } = call;
    const is_json = name === JSON_TOOL && !is_custom;
    if (is_json) this.#json_calls += 1;
    const part = this.#startPart(
      is_json
        ? { kind: "text" }
        : {
            ...{ kind: "tool_call", id, name },
            ...(is_custom ? { is_custom } : {}),
            ...(signature === null ? {} : { signature }),
          },
    );
    if (pending !== "") this.#sink({ kind: "delta", choice: this.#choice, part, text: pending });
    call.part = part;
    call.pending = "";
    return part;
  }
}
