// Something that most gateways never need, made by the first call that does: its code is not even loaded before.

/** A value that is made once, when somebody asks for it. */
export class Lazy<T> {
  /** Null until it is there. */
  value: T | null = null;
  readonly #make: () => Promise<T>;
  #making: Promise<T> | null = null;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  /** Makes it where it is not there. A failure is told to all who asked meanwhile, and the next who asks tries again. */
  get(): Promise<T> {
    if (this.value !== null) return Promise.resolve(this.value);
    this.#making ??= this.#make().then(
      (made) => {
        this.value = made;
        return made;
      },
      (fault: unknown) => {
        this.#making = null;
        throw fault;
      },
    );
    return this.#making;
  }
}
