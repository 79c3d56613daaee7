// How calls wait for a provider, and what becomes of answers whose clients leave, as configured.

import { expect, test } from "vitest";
import { plan, problems } from "./loading.ts";

const provider = (rest: string) => `providers: { up: { kind: ollama${rest} } }`;
const planned = (rest: string) => plan(provider(rest)).providers.get("up")!;

test("a provider has a queue and no drain, unless it says otherwise", () => {
  expect(planned("")).toMatchObject({
    queue: { max: 1_000, max_bytes: 256 * 1024 * 1024, max_wait_ms: 30_000 },
    drain: null,
  });
  expect(plan("{}").providers.get("sim")!.queue).not.toBeNull();
  expect(planned(", queue: off").queue).toBeNull();
  expect(planned(", queue: { max: 5, max_mb: 1 }").queue).toEqual({
    ...{ max: 5, max_bytes: 1024 * 1024, max_wait_ms: 30_000 },
  });
  expect(planned(", on_disconnect: drain-for-usage").drain).toEqual({
    ...{ max_ms: 60_000, max_bytes: 16 * 1024 * 1024 },
  });
  expect(planned(", on_disconnect: drain-for-usage, drain: { max_ms: 5 }").drain!.max_ms).toBe(5);
});

test("what is out of bounds, or does nothing, is told", () => {
  expect(problems(provider(", queue: { max: 0 }"))[0]).toContain("providers.up.queue");
  expect(problems(provider(", queue: on"))[0]).toContain("providers.up.queue");
  expect(problems(provider(", on_disconnect: wait"))[0]).toContain("on_disconnect");
  expect(problems(provider(", drain: { max_ms: 5 }"))).toEqual([
    "venturi.yaml:1:34: providers.up.drain bounds what on_disconnect: drain-for-usage reads, and nothing is read; set that, or leave it out",
  ]);
});
