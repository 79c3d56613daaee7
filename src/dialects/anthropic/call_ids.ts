// Ids of calls as the provider takes them: letters, digits, `_` and `-`, and no two alike. Clients and other providers have calls with other
// ids, with none, or with the same id in every turn; a result keeps to its call.
// Source: the provider's own error, "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", and "`tool_use` ids must be unique".

/** Gives ids to the calls and results of one conversation, or to the calls of one answer, in their order. */
export class CallIds {
  readonly #otherwise: string;
  readonly #used = new Set<string>();
  readonly #repeats = new Map<string, number>();
  /** By a call's first id: the new ids of those that have no result yet. */
  readonly #open = new Map<string, string[]>();
  readonly #latest = new Map<string, string>();

  /** @param otherwise the id of a call that has none */
  constructor(otherwise = "call") {
    this.#otherwise = otherwise;
  }

  /** The id of the next call. */
  call(id: string): string {
    const given = this.#unused(this.#cleaned(id));
    this.#used.add(given);
    this.#latest.set(id, given);
    const open = this.#open.get(id);
    if (open === undefined) this.#open.set(id, [given]);
    else open.push(given);
    return given;
  }

  /** The id of the call that the next result belongs to. A result without a call is the provider's to refuse. */
  result(id: string): string {
    return this.#open.get(id)?.shift() ?? this.#latest.get(id) ?? this.#cleaned(id);
  }

  #unused(id: string): string {
    let given = id;
    let repeats = this.#repeats.get(id) ?? 1;
    while (this.#used.has(given)) {
      repeats += 1;
      given = `${id}_${repeats}`;
    }
    this.#repeats.set(id, repeats);
    return given;
  }

  #cleaned(id: string): string {
    return id === "" ? this.#otherwise : id.replace(/[^a-zA-Z0-9_-]/g, "_");
  }
}
