// The clock of the open loop, in a thread of its own: it sleeps until each call is due, and says so.

declare const self: Worker;

/** Goes on until all calls are sent, should the last message have come before its time. */
const AFTER_MS = 50;

self.onmessage = (said: MessageEvent<Float64Array<SharedArrayBuffer>>) => {
  const times = said.data;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const begin_ms = performance.now();
  // Each thread counts from an origin of its own; the first message tells the begin in a time that both know.
  postMessage(performance.timeOrigin + begin_ms);
  const sleepUntil = (at_ms: number) => {
    const wait_ms = begin_ms + at_ms - performance.now();
    if (wait_ms > 0) Atomics.wait(cell, 0, 0, wait_ms);
  };
  for (let next = 0; next < times.length; ) {
    sleepUntil(times[next]!);
    postMessage(0);
    // Calls whose time has come in the meantime go with the same message.
    for (const now_ms = performance.now(); next < times.length && begin_ms + times[next]! <= now_ms; ) next++;
  }
  sleepUntil(times.at(-1)! + AFTER_MS);
  postMessage(0);
};
