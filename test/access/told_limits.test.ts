// What is read of providers' words on their limits, and what is not believed.

import { describe, expect, test } from "vitest";
import { readToldLimits } from "../../src/access/told_limits.ts";

const NOW_MS = Date.UTC(2026, 10, 26, 12, 0, 0);
const told = (fields: Record<string, string>) => readToldLimits(Object.entries(fields), NOW_MS);

describe("a provider's word on its limits", () => {
  test.each([
    [
      "OpenAI",
      {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "29000",
        "x-ratelimit-reset-tokens": "6m0s",
      },
      [
        { of: "requests", limit: 500, remaining: 499, reset_ms: 120 },
        { of: "tokens", limit: 30_000, remaining: 29_000, reset_ms: 360_000 },
      ],
    ],
    [
      "Azure, which leaves out resets and mostly limits",
      { "x-ratelimit-remaining-requests": "7", "x-ratelimit-remaining-tokens": "900" },
      [
        { of: "requests", limit: null, remaining: 7, reset_ms: 60_000 },
        { of: "tokens", limit: null, remaining: 900, reset_ms: 60_000 },
      ],
    ],
    [
      "Anthropic",
      {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-26T12:00:30Z",
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-remaining": "1000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-26T12:00:10Z",
      },
      [
        { of: "requests", limit: 50, remaining: 0, reset_ms: 30_000 },
        { of: "input_tokens", limit: 40_000, remaining: 1_000, reset_ms: 10_000 },
      ],
    ],
    [
      "Mistral",
      { "x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "59" },
      [{ of: "requests", limit: 60, remaining: 59, reset_ms: 60_000 }],
    ],
  ])("of %s", (_, fields, expected) => {
    expect(told(fields as Record<string, string>)).toEqual(expected);
  });

  test.each([
    ["no number", { "x-ratelimit-remaining-requests": "many" }],
    ["less than nothing", { "x-ratelimit-remaining-requests": "-3" }],
    ["a part of one", { "x-ratelimit-remaining-requests": "0.5" }],
    ["nothing", { "x-ratelimit-remaining-requests": "" }],
    ["a limit alone", { "x-ratelimit-limit-requests": "100" }],
    ["fields of other names", { "x-ratelimit-remaining": "0", "retry-after": "9" }],
  ])("that is %s is none", (_, fields) => {
    expect(told(fields as Record<string, string>)).toBeNull();
  });

  test("is not believed beyond its bounds", () => {
    const [one] = told({
      "x-ratelimit-limit-requests": "10",
      "x-ratelimit-remaining-requests": "999999999999999",
      "x-ratelimit-reset-requests": "99999h0m0s",
    })!;
    expect(one).toEqual({ of: "requests", limit: 10, remaining: 10, reset_ms: 600_000 });
    const [past] = told({
      "anthropic-ratelimit-tokens-limit": "10",
      "anthropic-ratelimit-tokens-remaining": "3",
      "anthropic-ratelimit-tokens-reset": "1999-01-01T00:00:00Z",
    })!;
    expect(past!.reset_ms).toBe(0);
    const [odd] = told({ "x-ratelimit-remaining-tokens": "3", "x-ratelimit-reset-tokens": "soon" })!;
    expect(odd!.reset_ms).toBe(60_000);
  });
});
