import { describe, expect, test } from "vitest";
import { boundaryOf, findField } from "../../src/wire/multipart.ts";

const BODY = Buffer.from(
  [
    "--B",
    'Content-Disposition: form-data; name="file"; filename="model.wav"',
    "Content-Type: audio/wav",
    "",
    '\u0000\r\nname="model"\r\n\r\nnot this\r\n',
    "--B",
    'content-disposition: form-data; name="model"',
    "",
    "openai/whisper-1",
    "--B",
    'Content-Disposition: form-data; name="empty"',
    "",
    "",
    "--B--",
    "",
  ].join("\r\n"),
  "latin1",
);

function value(bytes: Uint8Array, name: string): string | null {
  const span = findField(bytes, "B", name);
  return span === null ? null : Buffer.from(bytes.subarray(span.start, span.end)).toString();
}

describe("a field of a multipart form", () => {
  test("is found behind a file, and a file of that name is not it", () => {
    expect(value(BODY, "model")).toBe("openai/whisper-1");
    expect(value(BODY, "file")).toBeNull();
    expect(value(BODY, "empty")).toBe("");
    expect(value(BODY, "other")).toBeNull();
  });

  test("is found only when all of it is there, wherever the bytes are cut", () => {
    for (let end = 0; end <= BODY.length; end++) {
      expect([null, "openai/whisper-1"]).toContain(value(BODY.subarray(0, end), "model"));
    }
  });

  test("is looked for in rubbish without harm", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed;
    };
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from(BODY);
      for (let change = 0; change < 8; change++) bytes[random() % bytes.length] = random() % 256;
      const span = findField(bytes, "B", "model");
      if (span !== null) expect(span.end).toBeGreaterThanOrEqual(span.start);
    }
  });
});

describe("the boundary of a content type", () => {
  test.each([
    ["multipart/form-data; boundary=B", "B"],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b"', "a b"],
    ["multipart/form-data; boundary=", null],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, null],
    ["application/json; boundary=B", null],
    [null, null],
  ])("of %j is %j", (content_type, boundary) => {
    expect(boundaryOf(content_type)).toBe(boundary);
  });
});
