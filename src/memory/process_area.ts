// The part of the mapped file that belongs to one gateway process: its calls in flight and its ring of events.
// The process says that it is there by a mark, so that nobody takes its area while it lives.

import { CallTable } from "./call_table.ts";
import { EventRing } from "./event_ring.ts";
import { AREA_OWNER_WORD, AREA_SPILL_WORD, areaPlaces, type Geometry, RING_BYTES } from "./layout.ts";
import { OwnerMark } from "./liveness.ts";
import type { Mapping } from "./mapping.ts";
import { SpillTurn } from "./spill_turn.ts";

/** An area. Its supervisor reads it, the gateway process of its index writes it. */
export class ProcessArea {
  readonly index: number;
  readonly calls: CallTable;
  readonly ring: EventRing;
  readonly spill: SpillTurn;
  readonly #owner: OwnerMark;

  /** @param map maps so many bytes of the file from an offset on */
  constructor(map: (offset: number, length_bytes: number) => Mapping, geometry: Geometry, index: number) {
    const { header, call_states, call_slots, ring } = areaPlaces(geometry, index);
    const head = map(header, call_slots - header);
    this.index = index;
    const mapSlots = (offset: number, length_bytes: number) => map(call_slots + offset, length_bytes);
    this.calls = new CallTable(head.words, (call_states - header) >> 2, geometry.call_slots, mapSlots);
    this.ring = new EventRing(head.words, map(ring, RING_BYTES));
    this.spill = new SpillTurn(head.words, AREA_SPILL_WORD);
    this.#owner = new OwnerMark(head.words, AREA_OWNER_WORD);
  }

  /** The living gateway process that has it; 0 if there is none. */
  get owner_pid(): number {
    return this.#owner.pid;
  }

  /** Whether it holds calls or events that nobody has taken over. */
  get is_empty(): boolean {
    return this.calls.is_empty && this.ring.waiting === 0;
  }

  /** For a gateway process, before anything else: makes it the owner; false where another one lives. */
  claim(): boolean {
    if (!this.#owner.take()) return false;
    this.spill.startAfter(this.spill.file);
    return true;
  }
}
