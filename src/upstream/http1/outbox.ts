// Requests that are ready in one turn of the loop, sent one right after another at its end. Sent one by one, with the work of the
// next call between them, each would find its provider's process asleep, and to wake it is most of what sending costs.

/** Whoever has a request to send. */
export interface Sender {
  /** Called once for each time that it was put in; throws nothing. */
  sendNow(): void;
}

/** What is sent at the end of this turn. */
export class Outbox {
  #senders: Sender[] = [];
  readonly #send = (): void => {
    const senders = this.#senders;
    this.#senders = [];
    for (const sender of senders) sender.sendNow();
  };

  put(sender: Sender): void {
    if (this.#senders.push(sender) === 1) setImmediate(this.#send);
  }
}
