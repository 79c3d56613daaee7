import { describe, expect, test } from "vitest";
import { backoffMs, judgeStatus, retryAfterMs } from "../../src/routing/retry.ts";

describe("what a status means for the next try", () => {
  test.each([
    [400, "final"],
    [401, "key"],
    [402, "key"],
    [403, "key"],
    [404, "next"],
    [408, "same"],
    [413, "next"],
    [422, "final"],
    [429, "rest"],
    [500, "same"],
    [503, "same"],
    [529, "same"],
  ] as const)("%i is %s", (status, verdict) => {
    expect(judgeStatus(status)).toBe(verdict);
  });
});

describe("the backoff", () => {
  test("is drawn from an interval that doubles, up to ten seconds", () => {
    const longest = () => 0.999999;
    expect(backoffMs(1, 200, longest)).toBeCloseTo(200, 0);
    expect(backoffMs(2, 200, longest)).toBeCloseTo(400, 0);
    expect(backoffMs(30, 200, longest)).toBeLessThanOrEqual(10_000);
    expect(backoffMs(5, 200, () => 0)).toBe(0);
  });
});

describe("a provider's wish", () => {
  const NOW = Date.parse("Sat, 21 Nov 2026 08:00:00 GMT");
  const read = (headers: Record<string, string>) => retryAfterMs((name) => headers[name] ?? null, NOW);

  test("is read in milliseconds, seconds or as a date", () => {
    expect(read({ "retry-after-ms": "1500", "retry-after": "9" })).toBe(1500);
    expect(read({ "x-ms-retry-after-ms": "20" })).toBe(20);
    expect(read({ "retry-after": "2" })).toBe(2000);
    expect(read({ "retry-after": "0.5" })).toBe(500);
    expect(read({ "retry-after": "Sat, 21 Nov 2026 08:00:03 GMT" })).toBe(3000);
    expect(read({ "retry-after": "Sat, 21 Nov 2026 07:00:00 GMT" })).toBe(0);
  });

  test("that is none is none", () => {
    for (const odd of ["", " ", "-1", "soon", "NaN"]) expect(read({ "retry-after": odd })).toBeNull();
    expect(read({ "retry-after-ms": "x" })).toBeNull();
    expect(read({})).toBeNull();
  });
});
