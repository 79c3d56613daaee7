// Another gateway's configuration as it is read: every value knows its path, and what nobody read is told of at the end.
// So nothing of it is lost in silence: it is carried, changed, or left out for a reason.

import type { Path } from "../problem.ts";

/** What became of a part of the source. */
export type Fate = "carried" | "changed" | "left out";

/** A line of the report. It never contains a secret. */
export interface Note {
  readonly fate: Fate;
  readonly path: Path;
  readonly text: string;
}

/** A value of the source and where it stands. */
export class Source {
  readonly value: unknown;
  readonly path: Path;
  readonly #notes: Note[];
  readonly #read = new Set<string>();
  readonly #children = new Map<string, Source>();

  constructor(value: unknown, notes: Note[], path: Path = []) {
    this.value = value;
    this.path = path;
    this.#notes = notes;
  }

  /** Whether there is anything; YAML's null is nothing. */
  get is_there(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The value of a key, which counts as read. */
  at(key: string): Source {
    this.#read.add(key);
    return this.#child(
      key,
      isMap(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined,
    );
  }

  /** The first of several keys that is there. */
  first(...keys: readonly string[]): Source {
    const all = keys.map((key) => this.at(key));
    return all.find((one) => one.is_there) ?? all[0]!;
  }

  /** Keys and values of a map, all of them read. */
  entries(): readonly (readonly [string, Source])[] {
    return isMap(this.value) ? Object.keys(this.value).map((key) => [key, this.at(key)] as const) : [];
  }

  /** The values of a list; one that is no list is a list of itself. */
  items(): readonly Source[] {
    if (!this.is_there) return [];
    if (!Array.isArray(this.value)) return [this];
    return this.value.map((value, index) => this.#child(index, value));
  }

  /** A string, or a number or a truth as one, in which nothing is a reference here; null where it is none of these. */
  text(): string | null {
    const { value } = this;
    if (typeof value === "string") return value.trim() === "" ? null : literal(value.trim());
    return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
  }

  /** A number, also one that is written as Python writes it (`20_000`); null where it is none. */
  number(): number | null {
    const { value } = this;
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    if (typeof value !== "string" || !/^[+-]?(\d[\d_]*)(\.\d+)?(e[+-]?\d+)?$/i.test(value.trim()))
      return null;
    return Number(value.replaceAll("_", ""));
  }

  /** A truth, also one that YAML 1.1 takes for one; null where it is none. */
  flag(): boolean | null {
    if (typeof this.value === "boolean") return this.value;
    if (typeof this.value !== "string") return null;
    if (/^(true|yes|on)$/i.test(this.value)) return true;
    return /^(false|no|off)$/i.test(this.value) ? false : null;
  }

  /** Whether it is a map. */
  get is_map(): boolean {
    return isMap(this.value);
  }

  carried(text: string): void {
    this.#note("carried", text);
  }

  changed(text: string): void {
    this.#note("changed", text);
  }

  /** Says why this is not carried over; nothing, where it is not there. */
  left(why: string): void {
    this.#note("left out", why);
  }

  /** Says the same of those of some keys that are there. */
  leave(keys: readonly string[], why: string): void {
    for (const key of keys) this.at(key).left(why);
  }

  /** Says of every key that nobody asked for that it has no equal. */
  rest(why = "has no equal here"): void {
    if (!isMap(this.value)) return;
    for (const key of Object.keys(this.value)) if (!this.#read.has(key)) this.at(key).left(why);
  }

  #note(fate: Fate, text: string): void {
    if (this.is_there) this.#notes.push({ fate, path: this.path, text });
  }

  #child(key: string | number, value: unknown): Source {
    const id = String(key);
    let child = this.#children.get(id);
    if (child === undefined) {
      child = new Source(value, this.#notes, [...this.path, key]);
      this.#children.set(id, child);
    }
    return child;
  }
}

/** What this configuration takes for a reference is made none. */
function literal(text: string): string {
  return text.replaceAll("${", () => "$${");
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
