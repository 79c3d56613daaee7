// Long work in steps, so that an event loop can do other things between them.

/** Work that can rest wherever it yields. */
export type Steps<Result> = Generator<void, Result>;

/** How long work goes on before everything else has its turn. */
const TURN_MS = 1;

/** Does all of it at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Does it in turns of about a millisecond, between which the event loop runs. Work that takes less is done when this returns. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    for (const end_ms = performance.now() + TURN_MS; performance.now() < end_ms; ) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    await new Promise(setImmediate);
  }
}
