// The small readers and writers that the others are made of.

import { describe, expect, test } from "vitest";
import { CallIds, isMadeId } from "../../../src/dialects/gemini/call_ids.ts";
import { likelyMediaType, mediaTypeOfUrl } from "../../../src/dialects/gemini/media.ts";
import { generationOf } from "../../../src/dialects/gemini/model.ts";
import { camelFields } from "../../../src/dialects/gemini/names.ts";
import { toJsonSchema } from "../../../src/dialects/gemini/schema.ts";
import { readGeminiUsage } from "../../../src/dialects/gemini/usage.ts";
import { writeGeminiUsage } from "../../../src/dialects/gemini/write_usage.ts";
import { usageOf } from "../../../src/dialects/usage.ts";
import { Chance } from "./random.ts";

test("a usage comes back, but for what Gemini does not count", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const chance = new Chance(seed);
    const usage = usageOf({
      input_tokens: chance.below(1000),
      cached_input_tokens: chance.below(1000),
      input_audio_tokens: chance.below(300),
      cached_input_audio_tokens: chance.below(300),
      input_image_tokens: chance.below(300),
      output_tokens: chance.below(1000),
      reasoning_tokens: chance.below(300),
      output_audio_tokens: chance.below(300),
      output_image_tokens: chance.below(300),
    });
    const written = writeGeminiUsage(usage);
    expect([seed, readGeminiUsage(written)]).toEqual([seed, usage]);
    expect(written["totalTokenCount"]).toBe(usage.input_tokens + usage.output_tokens);
  }
});

test("a schema of OpenAPI's subset is one of JSON Schema", () => {
  const schema = {
    ...{ type: "OBJECT", nullable: true, required: ["a_b"], property_ordering: ["a_b"], min_properties: "1" },
    properties: {
      a_b: { type: "STRING", format: "date-time", nullable: true, enum: ["x"] },
      any_of: { any_of: [{ type: "INTEGER", minimum: 1 }], nullable: true, default: 5 },
      list: { type: "ARRAY", items: { type: "BOOLEAN" }, maxItems: "12", example: [true] },
      free: { type: "OBJECT", additionalProperties: { type: "NUMBER" } },
    },
  };
  expect(toJsonSchema(schema)).toEqual({
    ...{ type: ["object", "null"], required: ["a_b"], minProperties: 1 },
    properties: {
      a_b: { type: ["string", "null"], format: "date-time", enum: ["x", null] },
      any_of: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }], default: 5 },
      list: { type: "array", items: { type: "boolean" }, maxItems: 12, examples: [[true]] },
      free: { type: "object", additionalProperties: { type: "number" } },
    },
  });
  // A schema that is JSON Schema already stays as it is.
  const plain = { type: ["string", "null"], $defs: { a: {} }, additionalProperties: false };
  expect(toJsonSchema(plain)).toEqual(plain);
  expect([toJsonSchema(5), toJsonSchema(null)]).toEqual([{}, {}]);
});

test("a model's generation is in its name", () => {
  expect(generationOf("gemini-2.5-flash-lite")).toBe(2.5);
  expect(generationOf("publishers/google/models/gemini-3.1-pro-preview")).toBe(3.1);
  expect(generationOf("models/gemini-1.5-pro")).toBe(1.5);
  expect(generationOf("gemini-flash-latest")).toBe(Number.POSITIVE_INFINITY);
  expect(generationOf("gemma-3-27b-it")).toBe(0);
  expect(generationOf("tuned")).toBe(Number.POSITIVE_INFINITY);
});

test("ids of calls are plain, short, and differ", () => {
  const ids = new CallIds("17-FapSMA8TdvNkP_d6hmQw");
  const made = Array.from({ length: 1_000 }, () => ids.next("f"));
  expect(new Set(made).size).toBe(1_000);
  const odd = new CallIds("").next(`ns.tool:${"x".repeat(80)}😀`);
  for (const id of [...made, odd]) {
    expect(id).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
    expect(isMadeId(id)).toBe(true);
  }
  expect(isMadeId("call_883098")).toBe(false);
});

describe("media types", () => {
  test("are told by a URL's name", () => {
    expect(mediaTypeOfUrl("https://x.example/a/b.JPG?size=1.png#c")).toBe("image/jpeg");
    expect(mediaTypeOfUrl("https://youtu.be/abc")).toBe("video/mp4");
    for (const none of ["https://x.example/", "https://x.example/toString", "", "gs://b/constructor"])
      expect(mediaTypeOfUrl(none)).toBeUndefined();
  });

  test("are guessed by the part otherwise", () => {
    expect(likelyMediaType("https://x.example/a", "audio")).toBe("audio/mpeg");
    expect(likelyMediaType("https://x.example/a", "file")).toBe("application/pdf");
    expect(likelyMediaType("https://x.example/a.txt", "file")).toBe("text/plain");
  });
});

test("names in snake_case are found by their names in camelCase, and others stay", () => {
  expect(camelFields({ a_b_c: 1, d: 2, _e_f: 3, g_: 4 })).toEqual({ aBC: 1, d: 2, _e_f: 3, g: 4 });
  const same = { aB: 1 };
  expect(camelFields(same)).toBe(same);
  for (const none of [null, 5, "x", []]) expect(camelFields(none)).toBeNull();
});
