// Who is there right now: members that come and go thousands of times a second, without hashing and without order.
// Each knows its place in the list, so that leaving is a swap with the last.

/** Members keep their place in the field named `Slot`: -1 while they are in no roster. Only the roster writes it. */
export class Roster<Slot extends string, Member extends Record<Slot, number>> {
  readonly #slot: Slot;
  readonly #members: Member[] = [];

  constructor(slot: Slot) {
    this.#slot = slot;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Who is there, in no particular order. Walk it from its end if members may leave meanwhile. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Lets a member in; harmless if it is. */
  add(member: Member): void {
    if (member[this.#slot] >= 0) return;
    this.#place(member, this.#members.length);
  }

  /** Lets a member out; harmless if it is not in. */
  remove(member: Member): void {
    const place = member[this.#slot];
    if (place < 0) return;
    (member as Record<Slot, number>)[this.#slot] = -1;
    const last = this.#members.pop()!;
    if (last !== member) this.#place(last, place);
  }

  #place(member: Member, place: number): void {
    (member as Record<Slot, number>)[this.#slot] = place;
    this.#members[place] = member;
  }
}
