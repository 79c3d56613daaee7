import { describe, expect, test } from "vitest";
import {
  readGeminiError,
  retryDelayMs,
  statusOfGeminiError,
  writeGeminiError,
} from "../../../src/dialects/gemini/error.ts";
import { readFinish, writeFinish } from "../../../src/dialects/gemini/finish.ts";
import { HAS_RECORDINGS, recordedCalls } from "./recorded.ts";

describe("errors of Google's", () => {
  test.skipIf(!HAS_RECORDINGS)(
    "recorded ones (../shared/fixtures) keep their words, codes and statuses",
    () => {
      const calls = recordedCalls("generateContent", "streamGenerateContent", "predict").filter(
        ({ status }) => status >= 400,
      );
      expect(calls.length).toBeGreaterThan(20);
      for (const { name, body, status, kind } of calls) {
        if (kind !== "json") continue;
        const value = JSON.parse(body.toString()) as unknown;
        const { error } = (Array.isArray(value) ? value[0] : value) as {
          error: { code: number; message: string; status: string };
        };
        expect([name, readGeminiError(value)]).toEqual([
          name,
          { message: error.message, type: error.status, param: null, code: String(error.code) },
        ]);
        expect(error.code).toBe(status);
        const written = writeGeminiError(readGeminiError(value)!, status);
        expect(written["error"]).toMatchObject({
          code: status,
          message: error.message,
          status: error.status,
        });
        expect(readGeminiError(written)).toEqual(readGeminiError(value));
      }
    },
  );

  test.skipIf(!HAS_RECORDINGS)("the recorded 429 says when to come back", () => {
    const limited = recordedCalls("generateContent").filter(
      ({ status, provider }) => status === 429 && provider === "gemini",
    );
    const delays = limited.map(({ body }) => retryDelayMs(JSON.parse(body.toString())));
    expect(delays.length).toBeGreaterThan(0);
    for (const [index, { body }] of limited.entries()) {
      const seconds = /"retryDelay": "([\d.]+)s"/.exec(body.toString())?.[1];
      expect(delays[index]).toBe(seconds === undefined ? null : Math.ceil(1000 * Number(seconds)));
    }
  });

  test("a delay is read in either form, and what is none is none", () => {
    const of = (retryDelay: unknown, type = "type.googleapis.com/google.rpc.RetryInfo") =>
      retryDelayMs({ error: { details: [null, { "@type": "x" }, { "@type": type, retryDelay }] } });
    expect(of("20s")).toBe(20_000);
    expect(of("0.0501s")).toBe(51);
    expect(of({ seconds: "3", nanos: 500_000_000 })).toBe(3_500);
    for (const none of ["s", "-1s", "xs", "5", 5, null, {}.constructor]) expect(of(none)).toBeNull();
    expect(of("20s", "type.googleapis.com/google.rpc.Help")).toBeNull();
    expect(retryDelayMs("oops")).toBeNull();
    expect(
      retryDelayMs([{ error: { details: [{ "@type": "google.rpc.RetryInfo", retryDelay: "1s" }] } }]),
    ).toBe(1000);
  });

  test("bodies with less in them still say what they can", () => {
    expect(readGeminiError({ error: { message: "m", code: 404 } })).toEqual({
      message: "m",
      type: "NOT_FOUND",
      param: null,
      code: "404",
    });
    expect(readGeminiError({ error: { status: "UNAVAILABLE" } })).toMatchObject({
      message: "UNAVAILABLE",
      code: "503",
    });
    const details = [
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "contents[0]" }] },
    ];
    expect(readGeminiError({ error: { code: 400, details } })).toMatchObject({
      param: "contents[0]",
      type: "INVALID_ARGUMENT",
    });
    for (const none of [null, 5, {}, [], { error: "text" }, { error: null }])
      expect(readGeminiError(none)).toBeNull();
  });

  test("ours are told with a canonical code, and the field that is wrong", () => {
    const error = { message: "m", type: "invalid_request_error", param: "contents", code: "invalid_type" };
    expect(writeGeminiError(error, 400)).toEqual({
      error: {
        ...{ code: 400, message: "m", status: "INVALID_ARGUMENT" },
        details: [
          { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "invalid_type", domain: "venturi" },
          {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            fieldViolations: [{ field: "contents", description: "m" }],
          },
        ],
      },
    });
    for (const [status, name] of [
      ...[
        [401, "UNAUTHENTICATED"],
        [429, "RESOURCE_EXHAUSTED"],
        [502, "UNAVAILABLE"],
        [503, "UNAVAILABLE"],
        [500, "INTERNAL"],
        [402, "FAILED_PRECONDITION"],
      ],
    ] as const)
      expect(writeGeminiError({ ...error, param: null }, status as number)["error"]).toMatchObject({
        code: status,
        status: name,
      });
  });

  test("an error in a stream stands for a status", () => {
    const error = { message: "m", param: null };
    expect(statusOfGeminiError({ ...error, type: "x", code: "429" })).toBe(429);
    expect(statusOfGeminiError({ ...error, type: "UNAVAILABLE", code: null })).toBe(503);
    expect(statusOfGeminiError({ ...error, type: "UNAVAILABLE", code: "529" })).toBe(529);
    expect(statusOfGeminiError({ ...error, type: "rate_limit_error", code: "slow_down" })).toBe(429);
    expect(statusOfGeminiError({ ...error, type: "upstream_error", code: null })).toBe(502);
  });
});

describe("finish reasons", () => {
  test("are read, and the provider's own word is written again", () => {
    const cases = [
      ...[
        ["STOP", "stop"],
        ["MAX_TOKENS", "length"],
        ["SAFETY", "content_filter"],
        ["RECITATION", "content_filter"],
      ],
      ...[
        ["BLOCKLIST", "content_filter"],
        ["PROHIBITED_CONTENT", "content_filter"],
        ["SPII", "content_filter"],
      ],
      ...[
        ["LANGUAGE", "content_filter"],
        ["IMAGE_SAFETY", "content_filter"],
        ["MALFORMED_FUNCTION_CALL", "malformed_call"],
      ],
      ...[
        ["UNEXPECTED_TOOL_CALL", "malformed_call"],
        ["OTHER", "other"],
        ["A_NEW_REASON", "other"],
        ["toString", "other"],
      ],
    ];
    for (const [raw, reason] of cases) {
      expect(readFinish(raw!, false)).toEqual({ reason, raw });
      if (raw !== "toString") expect(writeFinish(readFinish(raw!, true))).toBe(raw);
    }
    expect(readFinish("STOP", true).reason).toBe("tool_calls");
    expect(readFinish("MAX_TOKENS", true).reason).toBe("length");
  });

  test("of other providers are told in Gemini's words", () => {
    const written = (reason: Parameters<typeof writeFinish>[0]["reason"], raw: string) =>
      writeFinish({ reason, raw });
    expect(written("tool_calls", "tool_use")).toBe("STOP");
    expect(written("stop_sequence", "stop_sequence")).toBe("STOP");
    expect(written("refusal", "refusal")).toBe("SAFETY");
    expect(written("context_length", "model_context_window_exceeded")).toBe("MAX_TOKENS");
    expect(written("pause", "pause_turn")).toBe("OTHER");
    expect(written("other", "odd")).toBe("OTHER");
    expect(written("malformed_call", "")).toBe("MALFORMED_FUNCTION_CALL");
  });
});
