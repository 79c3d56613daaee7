// What is sent at the end of a turn of the loop, one right after another. Sent one by one, with the work of the next call between
// them, each request and each answer would find the process that waits for it asleep, and to wake it is most of what sending costs.

/** With fewer calls than this under way, things are sent at once: there is hardly anybody to wait for. */
export const TOGETHER_MIN = 8;

/** So many are sent before the turn is over: a turn under load is tens of milliseconds long, and its first would wait for its last. */
const TOGETHER_MAX = 16;

/** Something to send. */
export interface Sender {
  /** Throws nothing. */
  sendNow(): void;
}

/** What waits for the end of this turn. The loop is the process' own, so there is one of it. */
let senders: Sender[] = [];
/** What those wait for who do their sending themselves; null: nobody does. */
let turn: PromiseWithResolvers<void> | null = null;
let count = 0;

function sendAll(): void {
  if (count === 0) return;
  const all = senders;
  senders = [];
  count = 0;
  for (const sender of all) sender.sendNow();
  turn?.resolve();
  turn = null;
}

function countOne(): void {
  count += 1;
  if (count === 1) setImmediate(sendAll);
  else if (count === TOGETHER_MAX) sendAll();
}

/** Sends when all that this turn of the loop has brought is looked at, or when enough others wait. */
export function atEndOfTurn(sender: Sender): void {
  senders.push(sender);
  countOne();
}

/** Resolves then. All who wait have one promise. */
export function endOfTurn(): Promise<void> {
  turn ??= Promise.withResolvers();
  const { promise } = turn;
  countOne();
  return promise;
}
