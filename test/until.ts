// Waiting for what will come.

/** Resolves when something is so; rejects, with what it was, when it is not for long. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  max_ms = 15_000,
  what = "what is waited for",
): Promise<void> {
  const end_ms = performance.now() + max_ms;
  while (!(await isSo())) {
    if (performance.now() > end_ms) throw new Error(`not so within ${max_ms} ms: ${what}`);
    await Bun.sleep(5);
  }
}
