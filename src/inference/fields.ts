// Reads fields of what another process sent: it may be of another version, or out of its mind.

/** A field is missing, or is not what it should be. */
export class FieldFault extends Error {}

/** The fields of an object that was sent. Every reader throws a `FieldFault` where the field is not what it says. */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new FieldFault("no object");
    this.#object = value as Readonly<Record<string, unknown>>;
  }

  text(name: string): string {
    const value = this.#object[name];
    if (typeof value !== "string") throw new FieldFault(name);
    return value;
  }

  number(name: string): number {
    const value = this.#object[name];
    if (typeof value !== "number" || !Number.isFinite(value)) throw new FieldFault(name);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#object[name];
    if (typeof value !== "boolean") throw new FieldFault(name);
    return value;
  }

  bytes(name: string): Uint8Array {
    const value = this.#object[name];
    if (!(value instanceof Uint8Array)) throw new FieldFault(name);
    return value;
  }

  /** A list of at most `max`, each of them read by the function. */
  list<T>(name: string, max: number, read: (value: unknown) => T): T[] {
    const value = this.#object[name];
    if (!Array.isArray(value) || value.length > max) throw new FieldFault(name);
    return value.map(read);
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }

  /** Anything; undefined where there is none. */
  raw(name: string): unknown {
    return this.#object[name];
  }
}

/** A text in a list. */
export function readText(value: unknown): string {
  if (typeof value !== "string") throw new FieldFault("a text");
  return value;
}

/** What the function reads; null where it finds a `FieldFault`. */
export function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldFault) return null;
    throw error;
  }
}
