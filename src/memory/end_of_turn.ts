// What is sent at the end of a turn of the loop, one right after another. Sent one by one, with the work of the next call between
// them, each request and each answer would find the process that waits for it asleep, and to wake it is most of what sending costs.

/** With fewer calls than this under way, things are sent at once: there is hardly anybody to wait for. */
export const TOGETHER_MIN = 8;

/** So many are sent before the turn is over: a turn under load is tens of milliseconds long, and its first would wait for its last. */
const TOGETHER_MAX = 16;

/** The loop is the process' own, so there is one list of what its turn has to send. */
let sends: (() => void)[] = [];

function sendAll(): void {
  const all = sends;
  sends = [];
  for (const send of all) send();
}

/**
 * Does a send when all that this turn of the loop has brought is looked at, or when enough others wait.
 * @param send throws nothing
 */
export function atEndOfTurn(send: () => void): void {
  const count = sends.push(send);
  if (count === 1) setImmediate(sendAll);
  else if (count === TOGETHER_MAX) sendAll();
}
